import { expect, it } from "vitest";
import { sampleHub } from "../../tests/gateway/support/sample-hub-view.ts";
import { hubCommands } from "../diagnostics/hub-commands.ts";
import type { Frame } from "../diagnostics/registry.ts";
import { createRegistry } from "../diagnostics/registry.ts";
import { enrolmentCommands } from "./enrolment-commands.ts";
import type { EnrolmentGuard } from "./enrolment-guard.ts";

const never = new AbortController().signal;

const guard: EnrolmentGuard = {
  enrolled: [],
  admits: () => true,
  trouble: () => null,
  notice: () => null,
  accept: async (sensor) => `sensor ${sensor} is now the one with serial number B2`,
  retry: async (sensor) => `sensor ${sensor} is read again`,
};

const ask = (words: string, json = false, hub = sampleHub()): Promise<Frame[]> =>
  Array.fromAsync(createRegistry(hubCommands(hub, enrolmentCommands(guard))).ask(words.split(" "), json, never));

it("accept and retry say what they did, to people and to programs", async () => {
  expect(await ask("sensor accept cuff")).toEqual([
    { line: "sensor cuff is now the one with serial number B2" },
    { done: true, exit: 0 },
  ]);
  expect(await ask("sensor retry cuff", true)).toEqual([
    { data: { sensor: "cuff", done: "sensor cuff is read again" } },
    { done: true, exit: 0 },
  ]);
});

it.each(["sensor accept", "sensor retry", "sensor accept cuff scale"])("%s asks for one sensor", async (words) => {
  const [error, done] = await ask(words);
  expect(error).toMatchObject({ error: expect.stringMatching(/^sensor (accept|retry): give the id of one sensor/) });
  expect(done).toEqual({ done: true, exit: 2 });
});

it("nearby lists who is not read, why, and what to do, within a technician's 80 columns", async () => {
  const strangers = [
    {
      what: "Bluetooth c0:26:da:00:00:06",
      reason: "offers medical service 1810, not enrolled",
      next: "enrol it with a catalogue entry, or leave it if it is a neighbour's",
      seenS: 75,
    },
  ];
  const hub = sampleHub({ strangers: () => strangers });
  const lines = (await ask("sensor nearby", false, hub)).flatMap((frame) => ("line" in frame ? [frame.line] : []));
  expect(lines.join(" ").replaceAll(/\s+/g, " ").trim()).toBe(
    "Bluetooth c0:26:da:00:00:06, heard 75 s ago: offers medical service 1810, not enrolled; enrol it with a catalogue entry, or leave it if it is a neighbour's",
  );
  expect(lines.every((line) => line.length <= 80)).toBe(true);
  expect(await ask("sensor nearby", true, hub)).toContainEqual({ data: strangers });
  expect(await ask("sensor nearby")).toContainEqual({ line: "none heard since the hub started, within a day" });
  expect(await ask("sensor list", false, hub)).toContainEqual({ line: "nearby and not read:" });
});
