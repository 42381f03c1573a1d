import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type AnswerFrame, askHub } from "../../hardware-sim/home/ask-hub.ts";
import { createHome, type Home } from "../../hardware-sim/home/home.ts";
import type { HomeEvent } from "../../hardware-sim/home/home-event.ts";
import { HUB_SOCKET } from "../../hardware-sim/home/hub-config-file.ts";
import { scenarioNamed } from "../../hardware-sim/home/scenario.ts";
import type { Reading } from "../../protocol/reading.ts";
import { millis } from "../../protocol/time.ts";
import { bundledHub } from "../support/bundled.ts";
import { until } from "../support/until.ts";
import { createPartition, type Partition } from "./partition.ts";
import { plaintextIn, type Secret } from "./plaintext.ts";

let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "hemhub-stolen-"));
});
afterEach(() => rm(place, { recursive: true, force: true }));

const SENSORS = ["scale", "cuff", "thermometer", "spot-oximeter", "bathroom-scale", "body-scale", "glucose-meter"];
const NAME = "anna-andersson-19121212-1212";
/** Typed by hand: unusual enough not to be found by chance, and like nothing that the sensors measure. */
const TYPED = { weight: 83.47, temperature: 37.83 };

const PLANTED: readonly Secret[] = [
  { what: "the assignment", value: "a-7f3c9b" },
  { what: "a name and a personal number in the region's reason", value: NAME },
  { what: "a typed weight", value: TYPED.weight },
  { what: "a typed temperature", value: TYPED.temperature },
  { what: "a question of a form", value: "breath-rest" },
  { what: "an answer of a form", value: "dressing" },
  { what: "a code of a measurement", value: "MDC_MASS_BODY" },
  { what: "a reading", value: '"reading/1"' },
];

/** What of a reading tells something of a person. Numbers of few digits are found anywhere. */
const secretsOf = (reading: Reading): readonly Secret[] => [
  { what: "the digest of a reading", value: reading.idem.slice("sha256:".length) },
  { what: "the bytes of a measurement", value: reading.provenance.rawHex },
  ...reading.values.flatMap((one): readonly Secret[] => {
    const text = "value" in one && typeof one.value === "number" ? String(one.value) : "";
    return text.length >= 5 ? [{ what: "a measured value", value: text }] : [];
  }),
];

const ask = async (home: Home, ...words: readonly string[]): Promise<readonly AnswerFrame[]> => {
  const frames: AnswerFrame[] = [];
  const signal = AbortSignal.timeout(20_000);
  for await (const frame of askHub(join(home.configFile, "..", HUB_SOCKET), words, signal)) frames.push(frame);
  return frames;
};

const exitOf = (frames: readonly AnswerFrame[]): number =>
  frames.flatMap((frame) => ("done" in frame ? [frame.exit] : [])).at(-1) ?? -1;

/** Answers until the form is complete: a number, a choice by its number, a yes or no, or nothing. */
const answerForm = async (home: Home): Promise<void> => {
  await ask(home, "questionnaire start", "heart-failure-short", "lang=en");
  for (let question = 0; question < 30; question += 1) {
    if (exitOf(await ask(home, "questionnaire submit")) === 0) return;
    // The second question is answered with "dressing".
    for (const answer of question === 1 ? ["3"] : ["2", "no", "skip"]) {
      if (exitOf(await ask(home, "questionnaire answer", answer)) === 0) break;
    }
  }
  throw new Error("the form is not complete after 30 answers");
};

/** Bytes that nobody understood, from the hub itself. */
const capturesOf = async (home: Home): Promise<readonly Secret[]> => {
  const frames = await ask(home, "outbox captures", "100");
  const captures = frames.flatMap((frame) => ("data" in frame ? (frame.data as readonly { rawHex: string }[]) : []));
  return captures
    .filter(({ rawHex }) => rawHex.length >= 12)
    .map(({ rawHex }) => ({ what: "a capture", value: rawHex }));
};

it("F51: a stolen card shows nothing of a person: no value, no name, no identity, also in journals and removed files", async () => {
  const images: [string, Buffer][] = [];
  const look = async (partition: Partition, moment: string): Promise<void> => {
    images.push([moment, await partition.image()]);
  };
  const events: HomeEvent[] = [];
  await using program = await bundledHub();
  await using partition = await createPartition(place, join(place, "home", "data"));
  await using home = await createHome({
    seed: 51,
    scenario: { ...scenarioNamed("still"), trouble: { "body-scale": { line: { flip: 0.5, noise: 0.5 } } } },
    folder: join(place, "home"),
    hub: [process.execPath, program.file],
    observe: (event) => events.push(event),
    restartAfter: millis(20),
  });
  const count = (kind: HomeEvent["event"]): number => events.filter(({ event }) => event === kind).length;
  home.region.receiver.setFaults({ refuse: (reading) => (reading.kind === "body-temperature" ? NAME : null) });
  await home.start(AbortSignal.timeout(60_000));
  home.use("oximeter");
  const captured: Secret[] = [];
  for (const network of ["up", "cut", "up"] as const) {
    await home.setNetwork(network);
    const before = count("stored");
    for (const sensor of SENSORS) home.use(sensor);
    expect(exitOf(await ask(home, "entry add", "weight", String(TYPED.weight), "confirm"))).toBe(0);
    expect(exitOf(await ask(home, "entry add", "temperature", String(TYPED.temperature), "confirm"))).toBe(0);
    await answerForm(home);
    await look(partition, `network ${network}, while readings come`);
    await until(() => count("stored") >= before + SENSORS.length, "readings are stored", 60_000);
    await look(partition, `network ${network}, readings stored`);
    captured.push(...(await capturesOf(home)));
    await home.hub.kill();
    await look(partition, `network ${network}, hub killed`);
    await home.hub.whenReady(AbortSignal.timeout(60_000));
  }
  await until(() => home.region.receiver.counts().refused > 0, "the region refused a reading", 60_000);
  await until(() => count("applied") > 0, "receipts are applied", 60_000);
  expect(await home.hub.stop()).toBe(0);
  await look(partition, "hub stopped");

  const readings = home.region.receiver.accepted().map(({ reading }) => reading as Reading);
  expect(readings.some(({ kind }) => kind === "questionnaire")).toBe(true);
  expect(readings.some(({ provenance }) => provenance.transport === "manual")).toBe(true);
  expect(captured.length).toBeGreaterThan(0);
  const secrets = [...PLANTED, ...captured, ...readings.flatMap(secretsOf)];
  const distinct = [...new Map(secrets.map((secret) => [String(secret.value), secret])).values()];
  // What is no secret is seen, so a secret would be.
  for (const [moment, image] of images) {
    expect(plaintextIn(image, [{ what: "the count of starts", value: '"starts/1"' }], moment)).not.toEqual([]);
  }
  const found = images.flatMap(([moment, image]) => plaintextIn(image, distinct, moment));
  const bytes = images.reduce((sum, [, image]) => sum + image.length, 0);
  process.stdout.write(
    `${JSON.stringify({ fault: "F51", what: partition.kind, images: images.length, bytes, secrets: distinct.length, found: found.length })}\n`,
  );
  expect(found).toEqual([]);
}, 600_000);
