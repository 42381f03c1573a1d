import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, it } from "vitest";
import { askHub } from "../../gateway/cli/ask-hub.ts";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { openSqliteOutbox } from "../../gateway/store/outbox.ts";
import { openPty } from "../../hardware-sim/pty/pty.ts";
import type { Reading } from "../../protocol/reading.ts";
import { createReadingValidator } from "../../protocol/validate.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { until } from "../support/until.ts";
import { hemhub, startHub, type TestHub, testHome } from "./support/test-hub.ts";

const clock = createSystemClock();

/** What the hub answers over its socket, as a program (data) or as a person (text) reads it. */
const asking = ({ socket }: TestHub) => {
  const ask = async (json: boolean, command: string, args: readonly string[]) => {
    const frames = await Array.fromAsync(askHub(socket, { command, args, json }, clock));
    const done = frames.at(-1);
    return { frames, exit: done !== undefined && "done" in done ? done.exit : Number.NaN };
  };
  return {
    say: async (command: string, ...args: readonly string[]) => {
      const { frames, exit } = await ask(false, command, args);
      const text = frames
        .map((frame) => ("line" in frame ? frame.line : "error" in frame ? frame.error : ""))
        .join("\n");
      return { text, exit };
    },
    data: async (command: string, ...args: readonly string[]) => {
      const { frames, exit } = await ask(true, command, args);
      const data = frames.flatMap((frame) => ("data" in frame ? [frame.data] : []))[0];
      return { data: data as unknown, exit };
    },
  };
};

/** What the outbox of a hub that has ended holds. */
const outboxOf = async (folder: string): Promise<readonly Reading[]> => {
  const directory = join(folder, "data", "outbox");
  await using outbox = await openSqliteOutbox({ directory, clock, logger: silentLogger });
  return outbox.next(0, 100);
};

const FORM = "6f1c2b1e-8f1d-4a55-9c3e-0d0c5a1b2c3d";

const request = (changes: object = {}): string =>
  JSON.stringify({
    schema: "entry/1",
    entry: FORM,
    by: "patient",
    kind: "glucose",
    values: { glucose: { value: "17,61" } },
    choices: { meal: "fasting" },
    ...changes,
  });

it("takes measurements, a form and a correction over the socket into the outbox, past a killed hub, and not into the log", async () => {
  await using home = await testHome();
  let said = "";
  {
    await using hub = await startHub(home);
    const { say, data } = asking(hub);
    // By the command line itself; the rest goes over the same socket without a process for each word.
    const hourAgo = `${new Date(clock.now() - 3_600_000).toISOString().slice(0, 16)}Z`;
    const added = await hub.ask("entry", "add", "blood-pressure", "sys=167", "dia=93", `at=${hourAgo}`);
    expect(added.out).toMatch(
      /^1 {2}blood-pressure: NOT STORED YET\n {4}sys 167 mm\[Hg\]\n {4}dia 93 mm\[Hg\]\n {4}measured \d/,
    );
    const confirmed = await hub.ask("entry", "confirm", "1");
    expect(confirmed.out).toMatch(/^blood-pressure: stored \(reading [0-9a-f-]{36}\)\n/);

    expect((await data("entry submit", request())).data).toMatchObject({ outcome: "stored", by: "patient" });

    const start = await say("questionnaire start", "heart-failure-short", "lang=en");
    expect(start.text).toContain("(1 of 12) Are you short of breath when sitting still?");
    for (const answer of ["slight", "walking", "same", "2", "no", "no", "none", "no", "87,30", "none", "none", "all"]) {
      expect((await say("questionnaire answer", answer)).exit).toBe(0);
    }
    expect((await say("questionnaire submit")).text).toContain("heart-failure-short@1: stored");

    expect((await say("entry add", "weight", "Anna-Andersson-191212121212")).exit).toBe(2);
    expect((await say("entry submit", request({ name: "Anna Andersson", entry: "191212121212" }))).exit).toBe(2);
    hub.kill("SIGKILL");
    await hub.ended();
    said = hub.out() + hub.err();
    expect(hub.log.filter(({ msg }) => msg === "reading stored")).toHaveLength(3);
    expect(hub.log.filter(({ omitted }) => omitted !== undefined)).toEqual([]);
  }
  {
    await using hub = await startHub(home);
    const { say, data } = asking(hub);
    expect((await data("entry submit", request())).data).toMatchObject({ outcome: "known" });
    const list = (await data("entry list")).data as readonly { reading: string; kind: string }[];
    expect(list.map(({ kind }) => kind)).toEqual(["questionnaire", "glucose", "blood-pressure"]);
    const wrong = list[2]?.reading ?? "";
    expect((await say("entry correct", wrong.slice(0, 8), "blood-pressure", "137/93", "confirm")).exit).toBe(0);
    hub.kill("SIGTERM");
    expect((await hub.ended()).exit).toBe(0);
    said += hub.out() + hub.err();
  }

  const readings = await outboxOf(home.folder);
  const validate = createReadingValidator();
  for (const reading of readings) expect(validate(reading)).toMatchObject({ tag: "ok" });
  expect(readings.map(({ seq, kind, status }) => `${seq} ${kind} ${status}`)).toEqual([
    "1 blood-pressure final",
    "2 glucose final",
    "3 questionnaire final",
    "4 blood-pressure entered-in-error",
    "5 blood-pressure final",
  ]);
  const [pressure, glucose, form, withdrawn, corrected] = readings;
  expect(glucose).toMatchObject({
    values: [{ mdc: 160020, value: 17.61, decimals: 2, unit: "mmol/L" }],
    context: { meal: 8417876 },
    quality: ["manual"],
    provenance: { transport: "manual", source: "patient" },
  });
  expect(form?.questionnaire?.answers).toHaveLength(12);
  expect(form?.values).toMatchObject([{ mdc: 188736, value: 87.3, decimals: 2 }]);
  expect([withdrawn?.replaces, corrected?.replaces]).toEqual([pressure?.id, pressure?.id]);
  expect(pressure?.time).toMatchObject({ basis: "stated", deviceRaw: { offsetMin: 0 } });
  expect(corrected?.time.start).toBe(pressure?.time.start);

  expect(said).not.toMatch(/87[.,]3|167|137|17[.,]61|Anna|Andersson|19121212|slight|walking/);
});

it("keeps apart what is begun on the console and on the socket, and who enters there", async () => {
  await using pty = await openPty();
  let screen = "";
  const reading = (async (): Promise<void> => {
    for await (const bytes of pty.incoming) screen += Buffer.from(bytes).toString();
  })();
  {
    await using hub = await startHub({ diagnostics: { socket: "./hemhub.sock", serial: { path: pty.path } } }, [pty]);
    await until(() => screen.includes("]> "), "the console prompts");
    const type = (line: string): Promise<unknown> =>
      until(async () => (await pty.write(Buffer.from(`${line}\r`))) === "written", "the hub takes the keys");
    await type("entry add spo2 93 pulse 80");
    await until(() => screen.includes("Right? entry confirm 1"), "the console shows the entry back");
    const { say, data } = asking(hub);
    expect((await say("entry show")).text).toMatch(/^no entry waits for its confirmation/);
    expect((await say("entry confirm")).exit).toBe(2);
    await type("entry add weight 81 by=patient");
    await until(() => screen.includes("here the technician enters"), "the console is the technician's");
    await type("entry confirm");
    await until(() => screen.includes("spo2: stored"), "the console stores");
    expect((await data("entry list")).data).toMatchObject([{ kind: "pulse-oximetry", by: "technician" }]);
  }
  await pty[Symbol.asyncDispose]();
  await reading;
});

it("stores what was confirmed although the asker leaves before the answer, and lives on through nonsense", async () => {
  await using hub = await startHub();
  const rude = connect(hub.socket);
  rude.on("error", () => undefined);
  rude.write(`${JSON.stringify({ command: "entry submit", args: [request()] })}\n`, () => rude.destroy());
  await hub.logged("reading stored");
  const { say, data } = asking(hub);
  for (const text of [
    "{",
    "[]",
    '{"schema":"entry/1"}',
    `"${"x".repeat(6000)}"`,
    "\u0000\u001b[2J",
    '{"__proto__":{"entry":1}}',
  ]) {
    expect((await say("entry submit", text)).exit).toBe(2);
  }
  expect((await say("entry submit", "x".repeat(9000))).text).toContain("expected one line such as");
  expect((await data("outbox")).data).toMatchObject({ waiting: 1 });
});

it("offers the region's forms, and names what is wrong with one in config check and in the list", async () => {
  await using home = await testHome({ questionnaires: "./forms" });
  const forms = join(home.folder, "forms");
  await mkdir(forms);
  const form = `id: mood
version: "2"
languages: [en]
title: { en: Mood }
items:
  - { linkId: good, type: boolean, text: { en: Good? } }
`;
  await writeFile(join(forms, "mood.yaml"), form);
  await writeFile(join(forms, "broken.yaml"), form.replace("boolean", "text"));
  const checked = await hemhub(["config", "check", home.configFile]);
  expect(checked).toMatchObject({ exit: 1, out: "" });
  expect(checked.err).toMatch(
    /questionnaires: .*broken\.yaml:6:27 items\[0\]\.type: expected one of choice, integer, boolean/,
  );
  await using hub = await startHub(home);
  const { say, data } = asking(hub);
  const { data: list } = await data("questionnaire list");
  expect(list).toMatchObject({
    questionnaires: [{ id: "mood", version: "2" }],
    problems: [expect.stringContaining("broken.yaml:6:27")],
  });
  expect((await say("questionnaire start", "heart-failure-short")).text).toContain("offered: mood@2");
});
