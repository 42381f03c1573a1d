// Long: the whole dialogue of entering by hand, over one channel and clock that the cases share.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { minutes, seconds } from "../../protocol/time.ts";
import { createReadingValidator } from "../../protocol/validate.ts";
import { type SampleEntries, sampleEntries } from "../../tests/gateway/support/sample-entries.ts";
import { until } from "../../tests/support/until.ts";
import { entryCommands } from "./entry-commands.ts";
import { questionnaireCommands } from "./questionnaire-commands.ts";

const FORM_A = "6f1c2b1e-8f1d-4a55-9c3e-0d0c5a1b2c3d";
const FORM_B = "0b5e7d42-13a9-4a0e-b0f4-6a7b8c9d0e1f";

/** Compiled once: compiling takes longer than everything else here. */
const validate = createReadingValidator();

let folder: string;
let home: SampleEntries;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-entries-"));
  home = await sampleEntries({ folder });
});
afterEach(() => rm(folder, { recursive: true }));

const submit = (request: object) => home.data("entry", "submit", JSON.stringify({ schema: "entry/1", ...request }));

const weight = (value: string) => ({ kind: "weight", values: { weight: { value } } });

describe("entry add", () => {
  it("shows an entry back, and stores it only when it is confirmed", async () => {
    const shown = await home.say("entry add blood-pressure sys=142 dia=88 pulse=71");
    expect(shown).toEqual({
      exit: 0,
      error: null,
      lines: [
        "1  blood-pressure: NOT STORED YET",
        "    sys 142 mm[Hg]",
        "    dia 88 mm[Hg]",
        "    pulse 71 /min",
        "    measured now (2026-11-22 08:30)",
        "    entered by technician",
        "Right? entry confirm 1     Wrong? entry drop 1",
      ],
    });
    expect(home.stored).toEqual([]);
    expect((await home.say("entry confirm")).lines[0]).toMatch(/^blood-pressure: stored \(reading [0-9a-f-]{36}\)$/);
    expect(home.stored).toHaveLength(1);
    expect(home.stored[0]).toMatchObject({
      schema: "reading/1",
      kind: "blood-pressure",
      assignment: "a-7f3c9b",
      status: "final",
      replaces: null,
      values: [
        { mdc: 150021, value: 142, decimals: 0, unit: "mm[Hg]" },
        { mdc: 150022, value: 88, decimals: 0, unit: "mm[Hg]" },
        { mdc: 149546, value: 71, decimals: 0, unit: "/min" },
      ],
      quality: ["manual"],
      time: { start: "2026-11-22T07:30:00.000Z", basis: "reception", deviceRaw: null },
      device: { systemId: null, model: null, catalogue: "manual-entry@1" },
      provenance: {
        driver: "manual-entry@1.0.0",
        transport: "manual",
        source: "technician",
        rawHex: Buffer.from("blood-pressure sys=142 dia=88 pulse=71").toString("hex"),
      },
    });
  });

  it("makes readings that the protocol accepts, of every kind", async () => {
    for (const line of [
      "blood-pressure 142/88",
      "weight 81,4",
      "temperature 38.0 site=ear at=2026-11-21T22:15",
      "spo2 93 pulse 80 by=patient",
      "glucose 7.2 meal=before",
      "peak-flow 420",
    ]) {
      expect((await home.say(`entry add ${line} confirm`)).exit, line).toBe(0);
    }
    expect(home.stored).toHaveLength(6);
    for (const reading of home.stored) expect(validate({ ...reading, seq: 1 })).toMatchObject({ tag: "ok" });
    expect(home.stored[2]).toMatchObject({
      time: { start: "2026-11-21T21:15:00.000Z", basis: "stated", deviceRaw: { text: "2026-11-21T22:15" } },
      values: [{ value: 38, decimals: 1 }],
    });
    expect(home.stored[3]?.provenance.source).toBe("patient");
    expect(home.stored[4]?.context).toEqual({ meal: 8417868 });
  });

  it("asks about an unusual value once, then stores it as typed and marked", async () => {
    const shown = await home.say("entry add weight 814");
    expect(shown.lines).toContain("?   weight 814 kg is outside what is usual (25 to 300 kg)");
    await home.say("entry confirm 1");
    expect(home.stored[0]).toMatchObject({ values: [{ value: 814, decimals: 0 }], quality: ["manual", "implausible"] });
    await home.say("entry add weight 815 confirm");
    expect(home.stored[1]).toMatchObject({ values: [{ value: 815 }], quality: ["manual", "implausible"] });
  });

  it("lets several entries wait, each confirmed or dropped by its number, and no more than eight", async () => {
    for (let i = 1; i <= 8; i++) expect((await home.say(`entry add weight 8${i}`)).exit).toBe(0);
    expect((await home.say("entry add weight 89")).error).toMatch(
      /8 entries wait already; entry confirm or entry drop/,
    );
    expect((await home.say("entry confirm")).error).toBe("8 entries wait; say which: 1, 2, 3, 4, 5, 6, 7, 8");
    expect((await home.say("entry drop 1")).lines).toEqual(["weight: dropped, nothing was stored"]);
    await home.say("entry confirm 3");
    expect(home.stored.map(({ values }) => values[0]?.value)).toEqual([83]);
    expect((await home.say("entry confirm 3")).error).toBe(
      "no entry 3 waits; entry show has what waits; entry add begins one",
    );
    expect((await home.say("entry show")).lines.filter((line) => line.includes("NOT STORED"))).toHaveLength(6);
  });

  it("forgets what nobody confirms for a quarter of an hour, also when nobody asks, and says so once", async () => {
    const stop = new AbortController();
    const sweeping = home.channel.unfinished.run(stop.signal);
    await home.say("entry add weight 81,4");
    await home.clock.advance(minutes(14));
    expect((await home.say("entry show")).lines[0]).toBe("1  weight: NOT STORED YET");
    await home.clock.advance(minutes(2));
    expect(home.log.filter(({ message }) => message === "unfinished manual entry discarded")).toHaveLength(1);
    const after = await home.say("entry show");
    expect(after.lines.join(" ")).toMatch(
      /Note {2}the unfinished entry \(weight\) was discarded after 15 min, nothing of it +was stored; enter it again/,
    );
    expect(after.lines.at(-1)).toBe("no entry waits for its confirmation");
    expect((await home.say("entry show")).lines).toEqual(["no entry waits for its confirmation"]);
    await home.say("entry add weight 81,4");
    await home.clock.advance(minutes(16));
    expect(await home.say("entry confirm")).toMatchObject({
      exit: 2,
      error: expect.stringMatching(
        /^the unfinished entry \(weight\) was discarded after 15 min, nothing of it was stored/,
      ),
    });
    expect(home.stored).toEqual([]);
    stop.abort();
    await sweeping;
  });

  it("believes a program on the socket who enters, and on the console nobody", async () => {
    await home.say("entry add weight 81 by=patient confirm");
    expect(home.stored[0]?.provenance.source).toBe("patient");
    expect((await home.say("entry add weight 81 by=Anna confirm")).error).toBe(
      'by: "Anna" is no role; say patient or technician, never a name',
    );
    const console = await sampleEntries({ folder, isConsole: true });
    expect((await console.say("entry add weight 81 by=patient confirm")).error).toBe(
      "by: here the technician enters; leave by= out",
    );
    expect((await console.say("entry add weight 81 by=technician confirm")).exit).toBe(0);
  });

  it("has room in help for the whole of every summary", async () => {
    const help = (await home.say("help")).lines.join("\n");
    for (const { summary } of [...entryCommands(home.channel), ...questionnaireCommands(home.channel)]) {
      expect(help).toContain(summary);
    }
  });

  it("fits 80 columns and never logs what was entered", async () => {
    for (const line of [
      "entry kinds",
      "entry add blood-pressure sys=999 dia=1042 pulse=871 at=2026-10-25T02:30",
      "entry show",
      "entry list",
      `entry add weight ${"x".repeat(200)}`,
      "questionnaire list",
      "questionnaire start heart-failure-short lang=en",
    ]) {
      const { lines } = await home.say(line);
      expect(lines.filter((one) => one.length > 80)).toEqual([]);
    }
    await home.say("entry confirm");
    expect(JSON.stringify(home.log)).not.toMatch(/999|1042|871/);
  });
});

describe("entry submit", () => {
  it("counts a form that is sent again once, however often and at whatever time", async () => {
    const first = await submit({ entry: FORM_A, by: "patient", ...weight("81.4") });
    expect(first).toMatchObject({ exit: 0, outcome: "stored", entry: FORM_A, by: "patient", shown: expect.any(Array) });
    await home.clock.advance(minutes(60));
    const again = await submit({ entry: FORM_A.toUpperCase(), by: "patient", ...weight("81.4") });
    expect(again).toMatchObject({ exit: 0, outcome: "known", reading: first.reading });
    expect(home.stored).toHaveLength(1);
  });

  it("counts the same values of another form as another measurement", async () => {
    await submit({ entry: FORM_A, ...weight("81.4") });
    await home.clock.advance(minutes(24 * 60));
    expect(await submit({ entry: FORM_B, ...weight("81.4") })).toMatchObject({ outcome: "stored" });
    expect(new Set(home.stored.map(({ id }) => id)).size).toBe(2);
  });

  it("refuses other content under the same entry id, rather than lose one of them", async () => {
    await submit({ entry: FORM_A, ...weight("81.4") });
    for (const change of [weight("81.5"), weight("81.40"), { ...weight("81.4"), at: "2026-11-22T08:00" }]) {
      expect(await submit({ entry: FORM_A, ...change })).toMatchObject({
        exit: 2,
        error: expect.stringMatching(/this entry id was given before with other content; give a new entry id/),
      });
    }
    expect(home.stored).toHaveLength(1);
  });

  it("knows after a restart what was sent before, and keeps no value to know it", async () => {
    const { reading } = await submit({ entry: FORM_A, ...weight("81.4") });
    const file = await readFile(join(folder, "entries.json"), "utf8");
    expect(file).not.toMatch(/81[.,]4/);
    expect(file).not.toContain(FORM_A);
    home = await sampleEntries({ folder });
    expect(await submit({ entry: FORM_A, ...weight("81.4") })).toMatchObject({ outcome: "known", reading });
    expect(home.stored).toEqual([]);
    // Another patient's hub now.
    home = await sampleEntries({ folder, assignment: "a-other" });
    expect((await home.say("entry list")).lines).toEqual(["nothing was entered by hand"]);
  });

  it("begins its list anew where the file makes no sense, and the outbox still knows the form", async () => {
    await submit({ entry: FORM_A, ...weight("81.4") });
    await writeFile(join(folder, "entries.json"), '{"schema":"entries/1","entries":[{"reading":5}]}');
    const next = await sampleEntries({ folder });
    expect(next.log[0]).toMatchObject({ level: "warn", message: "list of manual entries begun anew" });
    home = next;
    await submit({ entry: FORM_A, ...weight("81.4") });
    expect(next.stored[0]?.id).toBeDefined();
  });

  it("does not store an unusual value before the page has asked about it", async () => {
    expect(await submit({ entry: FORM_A, ...weight("814") })).toMatchObject({
      exit: 1,
      outcome: "unusual",
      reading: null,
      doubts: ["weight 814 kg is outside what is usual (25 to 300 kg)"],
    });
    expect(home.stored).toEqual([]);
    expect(await submit({ entry: FORM_A, ...weight("814"), confirm: true })).toMatchObject({ outcome: "stored" });
    expect(home.stored[0]?.quality).toEqual(["manual", "implausible"]);
  });

  it("takes a whole form", async () => {
    const answers = {
      "breath-rest": "slight",
      "breath-effort": "walking",
      "breath-change": "same",
      pillows: 2,
      "slept-upright": false,
      "woke-breathless": false,
      swelling: "none",
      "weight-gain": true,
      weight: "81,40",
      dizziness: "none",
      tiredness: "moderate",
      medicines: "all",
    };
    const request = { entry: FORM_A, by: "patient", questionnaire: "heart-failure-short@1", language: "sv", answers };
    expect(await submit(request)).toMatchObject({ outcome: "stored", exit: 0 });
    expect(await submit(request)).toMatchObject({ outcome: "known" });
    expect(home.stored).toHaveLength(1);
    expect(home.stored[0]).toMatchObject({
      kind: "questionnaire",
      questionnaire: { id: "heart-failure-short", version: "1", language: "sv" },
      values: [{ mdc: 188736, value: 81.4, decimals: 2, unit: "kg" }],
      provenance: { source: "patient" },
    });
    expect(home.stored[0]?.questionnaire?.answers).toContainEqual({ linkId: "weight", mdc: 188736 });
    expect(validate({ ...home.stored[0], seq: 1 })).toMatchObject({ tag: "ok" });
    expect(await submit({ ...request, entry: FORM_B, answers: { ...answers, medicines: "some" } })).toMatchObject({
      exit: 2,
      error: expect.stringContaining("medicines"),
    });
    expect(await submit({ ...request, entry: FORM_B, questionnaire: "heart-failure-short@2" })).toMatchObject({
      exit: 2,
      error: '"heart-failure-short@2" is no questionnaire of this hub; offered: heart-failure-short@1',
    });
  });

  it.each<[string, object]>([
    ["a number that is no text", { ...weight("1"), values: { weight: { value: 81.4 } } }],
    ["a member that is not known", { ...weight("81"), name: "Anna" }],
    ["no entry id", { ...weight("81"), entry: undefined }],
    ["an entry id that is no UUID", { ...weight("81"), entry: "19121212-1212" }],
    ["another schema", { ...weight("81"), schema: "entry/2" }],
    ["values and answers", { ...weight("81"), questionnaire: "heart-failure-short@1", answers: { pillows: 1 } }],
    ["nothing to store", {}],
    ["text as an answer", { questionnaire: "heart-failure-short@1", answers: { pillows: { text: "two" } } }],
    ["a fraction as an integer", { questionnaire: "heart-failure-short@1", answers: { pillows: 1.5 } }],
    ["a withdrawal of nothing", { withdraw: true }],
  ])("refuses %s, without repeating what it found", async (_what, request) => {
    const { exit, error } = await submit({ entry: FORM_A, ...request });
    expect(exit).toBe(2);
    expect(error).toMatch(/^request: .*; docs\/manual-entry\.md has the form of a request$/);
    expect(error).not.toMatch(/Anna|1912|two/);
    expect(home.stored).toEqual([]);
  });

  it("answers any text in bounds, and stores nothing that is not a valid reading", async () => {
    const base = { schema: "entry/1", entry: FORM_A, confirm: true, ...weight("81.4") };
    const spoiled = fc
      .tuple(
        fc.constantFrom("entry", "kind", "values", "at", "by", "choices", "replaces", "answers", "__proto__"),
        fc.jsonValue(),
      )
      .map(([key, value]) => `${JSON.stringify(base).slice(0, -1)},${JSON.stringify(key)}:${JSON.stringify(value)}}`);
    const any = fc.asyncProperty(fc.oneof(spoiled, fc.json(), fc.string()), async (text) => {
      const answer = await home.data("entry", "submit", text);
      expect([0, 1, 2]).toContain(answer.exit);
      expect(JSON.stringify(answer).length).toBeLessThan(4096);
      for (const reading of home.stored) expect(validate({ ...reading, seq: 1 }).tag).toBe("ok");
      expect(home.stored.length).toBeLessThanOrEqual(1);
    });
    await fc.assert(any, { numRuns: 500 });
  });
});

describe("entry correct", () => {
  const firstId = (): string => home.stored[0]?.id ?? "";

  it("takes the old reading back and puts the right one instead, at the time it was measured", async () => {
    await home.say("entry add weight 18,4 at=08:00 confirm");
    await home.clock.advance(minutes(90));
    const shown = await home.say(`entry correct ${firstId().slice(0, 8)} weight 81,4`);
    expect(shown.lines).toContain("    measured 2026-11-22 08:00, as before");
    await home.say("entry confirm");
    expect(home.stored.slice(1)).toMatchObject([
      {
        status: "entered-in-error",
        replaces: firstId(),
        values: [],
        kind: "body-weight",
        time: { start: "2026-11-22T07:00:00.000Z" },
      },
      {
        status: "final",
        replaces: firstId(),
        values: [{ value: 81.4 }],
        time: { start: "2026-11-22T07:00:00.000Z", basis: "stated", received: { utc: "2026-11-22T09:00:00.000Z" } },
      },
    ]);
    for (const reading of home.stored) expect(validate({ ...reading, seq: 1 }).tag).toBe("ok");
    expect((await home.say("entry list")).lines).toEqual([
      "READING   MEASURED          WHAT    BY",
      expect.stringMatching(/^[0-9a-f]{8} {2}2026-11-22 08:00 {2}weight {2}technician$/),
      expect.stringMatching(/^[0-9a-f]{8} {2}2026-11-22 08:00 {2}weight {2}technician {2}taken back$/),
    ]);
  });

  it("corrects a reading once; a correction can be corrected", async () => {
    await home.say("entry add weight 18 confirm");
    const old = firstId();
    const request = { entry: FORM_A, replaces: old, ...weight("81") };
    expect(await submit(request)).toMatchObject({ outcome: "stored" });
    expect(await submit(request)).toMatchObject({ outcome: "known" });
    expect(home.stored).toHaveLength(3);
    expect((await home.say(`entry correct ${old} weight 82 confirm`)).error).toMatch(
      /was corrected or taken back already/,
    );
    expect((await home.say(`entry correct ${home.stored[2]?.id} weight 82 confirm`)).exit).toBe(0);
  });

  it("puts a measurement of another kind instead where the wrong one was entered", async () => {
    await home.say("entry add temperature 81,4 confirm");
    await home.say(`entry correct ${firstId()} weight 81,4 confirm`);
    expect(home.stored.map(({ kind, status }) => `${kind} ${status}`)).toEqual([
      "body-temperature final",
      "body-temperature entered-in-error",
      "body-weight final",
    ]);
  });

  it("takes a reading back without putting anything instead", async () => {
    await home.say("entry add weight 81 confirm");
    expect((await home.say(`entry withdraw ${firstId()}`)).lines.at(-1)).toMatch(/entry confirm/);
    await home.say("entry confirm");
    expect(home.stored[1]).toMatchObject({ status: "entered-in-error", replaces: firstId(), values: [] });
    expect((await home.say(`entry withdraw ${home.stored[1]?.id} confirm`)).exit).toBe(2);
    expect((await home.say(`entry withdraw ${firstId()} confirm`)).exit).toBe(2);
    expect(home.stored).toHaveLength(2);
  });

  it.each(["00000000", "abc", "", "*"])("refuses %j, which is no reading that was entered here", async (id) => {
    await home.say("entry add weight 81 confirm");
    expect((await home.say(`entry correct ${id} weight 82`)).exit).toBe(2);
  });
});

describe("while the disk refuses", () => {
  it("does not say stored; the form counts once when the disk takes it", async () => {
    const disk = Promise.withResolvers<void>();
    home.hold(disk.promise);
    const asking = submit({ entry: FORM_A, ...weight("81.4") });
    await until(() => home.clock.sleeping > 0, "the entry waits for the disk");
    await home.clock.advance(seconds(10));
    expect(await asking).toMatchObject({ exit: 1, outcome: "waiting" });
    expect(home.stored).toEqual([]);
    const again = submit({ entry: FORM_A, ...weight("81.4") });
    expect(await submit({ entry: FORM_A, ...weight("82") })).toMatchObject({ exit: 2 });
    disk.resolve();
    expect(await again).toMatchObject({ exit: 0, outcome: "stored" });
    expect(home.stored).toHaveLength(1);
  });

  it("lets an entry wait again that could not be held either", async () => {
    const { HubError } = await import("../../protocol/errors.ts");
    const full = Promise.reject(new HubError("outbox-disk-full", "outbox append: the disk is full; free some space"));
    full.catch(() => undefined);
    await home.say("entry add weight 81");
    home.hold(full);
    expect(await home.say("entry confirm")).toMatchObject({
      exit: 1,
      error: expect.stringContaining("the disk is full"),
    });
    expect(home.log).toContainEqual(expect.objectContaining({ message: "manual entry not stored" }));
    home.hold(Promise.resolve());
    expect((await home.say("entry confirm")).exit).toBe(0);
    expect(home.stored).toHaveLength(1);
  });
});
