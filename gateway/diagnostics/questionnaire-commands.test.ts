import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { minutes } from "../../protocol/time.ts";
import { createReadingValidator } from "../../protocol/validate.ts";
import { type SampleEntries, sampleEntries } from "../../tests/gateway/support/sample-entries.ts";

const ANSWERS = ["1", "stairs", "same", "2", "no", "no", "2", "worse", "no", "skip", "none", "4", "all"];

/** Compiled once: compiling takes longer than everything else here. */
const validate = createReadingValidator();

let folder: string;
let home: SampleEntries;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-forms-"));
  home = await sampleEntries({ folder });
});
afterEach(() => rm(folder, { recursive: true }));

const answerAll = async (): Promise<void> => {
  for (const answer of ANSWERS) expect((await home.say(`questionnaire answer ${answer}`)).error).toBeNull();
};

it("lists the forms with how often they are due", async () => {
  expect((await home.say("questionnaire list")).lines).toEqual([
    "heart-failure-short@1",
    "    Hjärtsvikt: hur har du det i dag?",
    "    3 times a week, 14 questions, sv en",
  ]);
});

it("asks one question after the other, shows the answers back, and stores them when they are submitted", async () => {
  const first = await home.say("questionnaire start heart-failure-short lang=en");
  expect(first.lines).toEqual([
    "Heart failure: how are you today?",
    "(1 of 12) Are you short of breath when sitting still?",
    "1   No",
    "2   A little",
    "3   Quite a lot",
    "4   Very much",
    "questionnaire answer 1 to 4",
  ]);
  await answerAll();
  const shown = await home.say("questionnaire show");
  expect(shown.lines[0]).toBe("heart-failure-short@1: every question has an answer, NOT STORED YET");
  expect(shown.lines).toContain("-   Are your legs or your belly swollen? A little");
  expect(home.stored).toEqual([]);
  expect((await home.say("questionnaire submit at=08:00")).lines.join("\n")).toMatch(
    /heart-failure-short@1: stored \(reading/,
  );
  expect(home.stored).toHaveLength(1);
  expect(home.stored[0]).toMatchObject({
    kind: "questionnaire",
    values: [],
    quality: ["manual"],
    time: { start: "2026-11-22T07:00:00.000Z", basis: "stated" },
    questionnaire: {
      id: "heart-failure-short",
      version: "1",
      language: "en",
      answers: [
        { linkId: "breath-rest", code: "none" },
        { linkId: "breath-effort", code: "stairs" },
        { linkId: "breath-change", code: "same" },
        { linkId: "pillows", integer: 2 },
        { linkId: "slept-upright", boolean: false },
        { linkId: "woke-breathless", boolean: false },
        { linkId: "swelling", code: "slight" },
        { linkId: "swelling-change", code: "worse" },
        { linkId: "weight-gain", boolean: false },
        { linkId: "weight", absent: "asked-declined" },
        { linkId: "dizziness", code: "none" },
        { linkId: "tiredness", code: "severe" },
        { linkId: "medicines", code: "all" },
      ],
    },
  });
  expect(validate({ ...home.stored[0], seq: 1 }).tag).toBe("ok");
  expect((await home.say("questionnaire submit")).error).toBe("no form is begun here; questionnaire start begins one");
});

it("makes another reading of the same answers on another day", async () => {
  for (let day = 0; day < 2; day++) {
    await home.say("questionnaire start heart-failure-short");
    await answerAll();
    await home.say("questionnaire submit");
    await home.clock.advance(minutes(24 * 60));
  }
  expect(new Set(home.stored.map(({ id }) => id)).size).toBe(2);
});

it("goes back, changes an earlier answer by its question, and asks again what depends on it", async () => {
  await home.say("questionnaire start heart-failure-short");
  for (const answer of ANSWERS.slice(0, 6)) await home.say(`questionnaire answer ${answer}`);
  expect(await home.data("questionnaire", "answer", "none")).toMatchObject({ next: { linkId: "weight-gain" } });
  expect(await home.data("questionnaire", "back")).toMatchObject({ next: { linkId: "swelling" } });
  await home.say("questionnaire answer none");
  expect(await home.data("questionnaire", "answer", "swelling=severe")).toMatchObject({
    next: { linkId: "swelling-change" },
  });
  expect((await home.say("questionnaire answer fainted=yes")).error).toMatch(
    /fainted is not asked under these answers/,
  );
});

it("says what an answer may be, and keeps the question", async () => {
  await home.say("questionnaire start heart-failure-short");
  const wrong = await home.say("questionnaire answer 7");
  expect(wrong).toMatchObject({
    exit: 2,
    error: expect.stringMatching(/answer 1 \(none\), 2 \(slight\), 3 \(moderate\)/),
  });
  expect((await home.say("questionnaire submit")).error).toMatch(/^not answered: breath-rest, breath-effort/);
  expect(await home.data("questionnaire", "show")).toMatchObject({ answered: 0, next: { linkId: "breath-rest" } });
  expect((await home.say("questionnaire start heart-failure-short")).error).toMatch(/is begun already/);
  await home.say("questionnaire cancel");
  expect((await home.say("questionnaire start heart-failure-short")).exit).toBe(0);
});

it("forgets a form that nobody goes on with, counted from its last answer, and says so to whoever comes back", async () => {
  await home.say("questionnaire start heart-failure-short");
  await home.clock.advance(minutes(14));
  await home.say("questionnaire answer 1");
  await home.clock.advance(minutes(14));
  expect((await home.say("questionnaire answer stairs")).exit).toBe(0);
  await home.clock.advance(minutes(15));
  const late = await home.say("questionnaire answer same");
  expect(late).toMatchObject({
    exit: 2,
    error:
      "the unfinished form heart-failure-short@1 was discarded after 15 min, nothing of it was stored; start it again; questionnaire start begins one",
  });
  expect(home.stored).toEqual([]);
});

it("replaces a form that was filled in wrongly", async () => {
  await home.say("questionnaire start heart-failure-short");
  await answerAll();
  await home.say("questionnaire submit");
  const old = home.stored[0]?.id ?? "";
  await home.say(`questionnaire start heart-failure-short replaces=${old.slice(0, 8)}`);
  await answerAll();
  await home.say("questionnaire answer medicines=stopped");
  await home.say("questionnaire submit");
  expect(home.stored.slice(1).map(({ status, replaces }) => [status, replaces])).toEqual([
    ["entered-in-error", old],
    ["final", old],
  ]);
  for (const reading of home.stored) expect(validate({ ...reading, seq: 1 }).tag).toBe("ok");
});

it("answers any words with a sentence, and stores nothing that was not submitted whole", async () => {
  const word = fc.oneof(
    fc.constantFrom(
      "heart-failure-short",
      "lang=sv",
      "1",
      "skip",
      "pillows=2",
      "=",
      "replaces=x",
      "at=08:00",
      "by=patient",
    ),
    fc.string(),
  );
  const command = fc.constantFrom("start", "answer", "back", "show", "cancel", "submit", "list");
  const hostile = fc.asyncProperty(
    fc.array(fc.tuple(command, fc.array(word, { maxLength: 4 })), { maxLength: 8 }),
    async (lines) => {
      for (const [name, words] of lines) {
        const { exit } = await home.data("questionnaire", name, ...words);
        expect([0, 2]).toContain(exit);
      }
      for (const reading of home.stored) expect(validate({ ...reading, seq: 1 }).tag).toBe("ok");
    },
  );
  await fc.assert(hostile, { numRuns: 150 });
});
