import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import type { ImageHash } from "../../ota/slots/slots.ts";
import { advance, type UpdateEvent } from "../../ota/update/advance.ts";
import type { BackendStatus } from "../../ota/update/backend.ts";
import type { Updates } from "../../ota/update/update-loop.ts";
import {
  NOTHING_UPDATED,
  type Offer,
  type Reason,
  type UpdateMemory,
  type WantedRelease,
} from "../../ota/update/update-state.ts";
import { epochMs } from "../../protocol/time.ts";
import type { DiagnosticCommand, Line } from "../diagnostics/command.ts";
import { reportedRelease } from "./reported-release.ts";
import { updateCommands } from "./update-commands.ts";
import { createUpdateDesk, type UpdateDesk } from "./update-desk.ts";

const IMAGE = "a".repeat(64) as ImageHash;
const BAD = "b".repeat(64) as ImageHash;
const WISH = { campaign: "autumn", target: "releases/two", counter: 2 };
const BACKEND: BackendStatus = {
  running: { image: IMAGE, isTrial: false, tries: 0 },
  lastFailed: null,
  trouble: null,
};
const never = new AbortController().signal;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-desk-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The real memory and its rules; what an update takes the disk and the line for happens when a test says so. */
const open = (backend: BackendStatus = BACKEND, hawkbit: { trouble: () => string | null } | null = null) => {
  const clock = createSimulatedClock();
  const calls: string[] = [];
  let memory: UpdateMemory = NOTHING_UPDATED;
  let refusal: Error | null = null;
  const refuse = (error: Error): void => {
    refusal = error;
  };
  const happens = (event: UpdateEvent): void => {
    memory = advance(memory, event, epochMs(1_764_000_000_000));
    desk.tell(memory);
  };
  const updates: Updates = {
    loaded: Promise.resolve(),
    memory: () => memory,
    backend: () => backend,
    want: async (wanted) => {
      if (refusal !== null) throw refusal;
      happens({ tag: "wanted", wanted });
    },
    look: async () => happens({ tag: "look" }),
    goAhead: () => calls.push("go ahead"),
    cancel: async (why) => happens({ tag: "cancel", why }),
    run: async () => undefined,
  };
  const release = { counter: 1, builtAt: epochMs(0) };
  const desk: UpdateDesk = createUpdateDesk({
    updates,
    slot: () => "current",
    release,
    version: "1.0.0",
    hawkbit,
    clock,
  });
  const offerOf = (wanted: WantedRelease, image = IMAGE): Offer => ({ wanted, image, parts: [] });
  return { desk, clock, calls, refuse, happens, offerOf, memory: () => memory };
};

const command = (desk: UpdateDesk, name: string): DiagnosticCommand => {
  const found = updateCommands(desk).find((one) => one.name === name);
  if (found === undefined) throw new Error(`no command ${name}`);
  return found;
};

const answer = async (desk: UpdateDesk, name: string, ...args: string[]) => {
  const lines: Line[] = [];
  for await (const line of command(desk, name).run(args, never)) lines.push(line);
  return {
    text: lines.flatMap((line) => (line.tag === "text" ? [line.text] : [])).join("\n"),
    data: lines.flatMap((line) => (line.tag === "data" ? [line.data] : [])).at(-1),
    exit: lines.flatMap((line) => (line.tag === "exit" ? [line.code] : [])).at(-1) ?? 0,
  };
};

const wantedNow = (memory: UpdateMemory): WantedRelease => {
  if (memory.wanted === null) throw new Error("nothing is wanted");
  return memory.wanted;
};

describe("the part `release` of the desired state", () => {
  it("is what the hub wants from then on, until the region takes it out", async () => {
    const { desk, memory } = open();
    expect(await desk.part(WISH, never)).toBeNull();
    expect(memory().wanted).toMatchObject(WISH);
    expect(await desk.part(undefined, never)).toBeNull();
    expect(memory().wanted).toBeNull();
  });

  it("is not understood where it makes no sense, and what was wanted stays", async () => {
    const { desk, memory } = open();
    await desk.part(WISH, never);
    expect(await desk.part({ ...WISH, counter: "two" }, never)).toContain("`counter`");
    expect(memory().wanted).toMatchObject(WISH);
  });

  it("is heard again with the next connection where the disk refuses to remember it", async () => {
    const { desk, refuse } = open();
    refuse(new Error("EIO: i/o error, write"));
    expect(await desk.part(WISH, never)).toContain("EIO");
  });

  it("says nothing where a hawkBit drives the hub", async () => {
    const { desk, memory } = open(BACKEND, { trouble: () => null });
    expect(await desk.part(WISH, never)).toContain("hawkBit");
    expect(memory().wanted).toBeNull();
    await desk.hear({ ...WISH, notBefore: null, window: null, bucketMax: 10_000, urgency: "soon", folder: null });
    expect(await desk.part(undefined, never)).toBeNull();
    expect(memory().wanted).toMatchObject(WISH);
  });

  it("waits while a person installs from a stick, and is heard afterwards", async () => {
    const { desk, happens, offerOf, memory } = open();
    await writeFile(
      join(folder, "wanted.json"),
      JSON.stringify({ ...WISH, campaign: "by hand", target: "releases/stick" }),
    );
    await desk.install(folder);
    happens({ tag: "trusted", offer: offerOf(wantedNow(memory()), BAD) });
    await desk.part(WISH, never);
    expect(memory().state).toMatchObject({ tag: "offered", offer: { wanted: { target: "releases/stick" } } });
    happens({ tag: "cancel", why: { code: "by-hand", sentence: "enough" } });
    await expect.poll(() => memory().wanted?.target).toBe("releases/two");
  });
});

describe("update status", () => {
  it("says what runs, and that nothing is under way", async () => {
    const { text, data, exit } = await answer(open().desk, "update status");
    expect(text).toContain("1.0.0 (counter 1)");
    expect(text).toContain("nothing under way");
    expect(data).toMatchObject({ state: "idle", running: { image: IMAGE, slot: "current", counter: 1 } });
    expect(exit).toBe(0);
  });

  it("says why an update waits, and how the last one ended", async () => {
    const { desk, happens, offerOf, memory } = open();
    await desk.part(WISH, never);
    await desk.check();
    happens({ tag: "trusted", offer: offerOf(wantedNow(memory())) });
    happens({ tag: "held", why: { code: "not-in-cohort", sentence: "update: not here yet" } });
    const { text, data } = await answer(desk, "update status");
    expect(text).toContain("update: not here yet");
    expect(data).toMatchObject({ state: "offered", reason: { code: "not-in-cohort" }, campaign: "autumn" });
  });

  it("is not well where the hawkBit that drives the hub does not answer", async () => {
    const { text, data, exit } = await answer(open(BACKEND, { trouble: () => "hawkBit: 401" }).desk, "update status");
    expect(text).toContain("hawkBit: 401");
    expect([data, exit]).toMatchObject([{ hawkbitTrouble: "hawkBit: 401" }, 1]);
  });

  it("is not well where another release runs than the one in force", async () => {
    const trouble: Reason = { code: "rot", sentence: "update: the release before runs instead" };
    const { text, exit } = await answer(open({ ...BACKEND, trouble }).desk, "update status");
    expect(text).toContain("the release before runs instead");
    expect(exit).toBe(1);
  });
});

describe("what a person does about updates", () => {
  it("checks: nothing is wanted", async () => {
    expect((await answer(open().desk, "update check")).text).toContain("nothing else");
  });

  it("checks, and is told step by step until the update waits", async () => {
    const { desk, happens, offerOf, memory } = open();
    await desk.part(WISH, never);
    const told = answer(desk, "update check");
    await expect.poll(() => memory().state.tag).toBe("checking");
    happens({ tag: "trusted", offer: offerOf(wantedNow(memory())) });
    happens({ tag: "held", why: { code: "not-before", sentence: "update: a later date" } });
    expect((await told).text).toContain("a later date");
  });

  it("installs what is wanted without waiting for window or cohort", async () => {
    const { desk, calls, happens } = open();
    await desk.part(WISH, never);
    const told = answer(desk, "update install");
    await expect.poll(() => calls).toEqual(["go ahead"]);
    happens({ tag: "failed", why: { code: "update-unreachable", sentence: "update: no server" } });
    expect((await told).text).toContain("no server");
  });

  it.each([
    ["no folder and nothing wanted", [], "nothing is wanted here"],
    ["a folder without a choice", ["/nowhere"], "wanted.json"],
    ["two folders", ["a", "b"], "one folder"],
  ])("is told the next step where install gets %s", async (_name, args, said) => {
    await expect(answer(open().desk, "update install", ...args)).rejects.toThrow(said);
  });

  it("is told where the choice on a stick is damaged", async () => {
    await writeFile(join(folder, "wanted.json"), '{"campaign":"x"');
    await expect(answer(open().desk, "update install", folder)).rejects.toThrow("take the stick's content");
  });

  it("takes an update back, and what is in force stays", async () => {
    const { desk, memory } = open();
    await expect(answer(desk, "update rollback")).rejects.toThrow("what is in force stays");
    await desk.part(WISH, never);
    await desk.check();
    expect((await answer(desk, "update rollback")).text).toContain("releases/two");
    expect(memory()).toMatchObject({ state: { tag: "idle" }, wanted: null, outcomes: [{ result: "cancelled" }] });
  });

  it("reads how updates ended, with code and sentence, and what is never tried again", async () => {
    const { desk, happens, offerOf, memory } = open({ ...BACKEND, running: { image: BAD, isTrial: true, tries: 1 } });
    expect((await answer(desk, "update history")).text).toContain("no update has ended here");
    await desk.part(WISH, never);
    await desk.check();
    happens({ tag: "trusted", offer: offerOf(wantedNow(memory()), BAD) });
    for (const tag of ["free", "downloaded", "staged", "free"] as const) happens({ tag });
    happens({ tag: "started", backend: { ...BACKEND, running: { image: BAD, isTrial: true, tries: 1 } } });
    happens({ tag: "failed", why: { code: "self-test", sentence: "update: its self-test failed" } });
    happens({ tag: "started", backend: BACKEND });
    const { text, data } = await answer(desk, "update history");
    expect(text).toContain("rolled-back: releases/two (autumn)");
    expect(text).toContain("self-test: update: its self-test failed");
    expect(text).toContain("never again");
    expect(data).toMatchObject({
      outcomes: [{ result: "rolled-back", code: "self-test" }],
      quarantine: [{ image: BAD }],
    });
    expect(reportedRelease(memory(), BACKEND, "current", 1)).toMatchObject({
      state: "idle",
      campaign: null,
      reason: null,
      running: { image: IMAGE, counter: 1, slot: "current" },
      outcomes: [
        { result: "rolled-back", campaign: "autumn", counter: 2, code: "self-test", at: "2025-11-24T16:00:00.000Z" },
      ],
    });
  });
});
