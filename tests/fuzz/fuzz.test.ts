import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Framed, Framer } from "../../drivers/driver.ts";
import { createTaidocFramer } from "../../drivers/framer/taidoc.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { fromHex } from "../../protocol/bytes.ts";
import { checkFraming, checkResync } from "./checks.ts";
import { framerSubjects } from "./framer-subjects.ts";
import { createFuzzer } from "./fuzz.ts";
import { samplesOf } from "./samples.ts";

const FRAMERS = join(import.meta.dirname, "..", "..", "drivers", "framer");

/** Not a format of its own: it makes the framers. */
const GENERIC: ReadonlySet<string> = new Set(["createCuttingFramer"]);

const pass = (bytes: Uint8Array): Framed[] => (bytes.length === 0 ? [] : [{ tag: "frame", bytes }]);

describe("a short fuzz of every decoder, driver and framer", () => {
  for (const seed of [1, 2, 3]) {
    it(`finds no crash and no number that is none, seed ${seed}`, { timeout: 60_000 }, () => {
      const fuzzer = createFuzzer(seed);
      for (let round = 0; round < 15; round++) expect(fuzzer.round()).toEqual([]);
      expect(fuzzer.counts.decoderInputs).toBeGreaterThan(500);
    });
  }

  it("knows every framer that there is", async () => {
    const files = (await readdir(FRAMERS)).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
    const modules = await Promise.all(files.map((name) => import(join(FRAMERS, name)) as Promise<object>));
    const exported = modules
      .flatMap((module) => Object.keys(module))
      .filter((name) => /^create\w*Framer$/.test(name) && !GENERIC.has(name));
    expect(exported.length).toBeGreaterThan(10);
    expect(exported.filter((name) => !framerSubjects.some((subject) => subject.name === name))).toEqual([]);
  });

  it("starts from frames that the framers know", () => {
    for (const { name, create, frames } of framerSubjects) {
      for (const frame of frames) {
        expect(
          [...create().push(frame)].map(({ tag }) => tag),
          `${name} ${Buffer.from(frame).toString("hex")}`,
        ).toEqual(["frame"]);
      }
    }
  });

  it("starts from what the simulated sensors send, also where nothing is published", () => {
    expect(samplesOf("ble.2a35").length).toBeGreaterThan(7);
    expect(samplesOf("serial.tanita.line").length).toBeGreaterThan(1);
  });
});

describe("what the fuzz calls wrong", () => {
  const frames = [fromHex("512200000000a316")];
  const subject = (push: Framer["push"], holds = 8) => ({
    name: "broken",
    create: () => ({ push }),
    holds,
    frames,
    samples: [],
  });
  const chance = createChance(1);

  it("is a framer that loses a byte", () => {
    expect(
      checkFraming(
        subject((bytes) => pass(bytes.slice(1))),
        [fromHex("010203")],
      ),
    ).toMatch(/lost/);
  });

  it("is a framer that holds more than it says", () => {
    expect(
      checkFraming(
        subject(() => [], 2),
        [fromHex("010203")],
      ),
    ).toBe("3 bytes held, at most 2 are allowed");
  });

  it("is a framer that makes other frames of other pieces", () => {
    expect(checkFraming(subject(pass), [fromHex("0102"), fromHex("03")])).toMatch(/other frames/);
  });

  it("is a framer that never comes back after noise", () => {
    const lost = subject((bytes) => [{ tag: "discarded", bytes, reason: "noise" }]);
    expect(checkResync(lost, fromHex("ff"), chance)).toMatch(/is not found/);
    const sound = { ...lost, create: createTaidocFramer };
    expect(checkResync(sound, fromHex("5100ff51"), chance)).toBeNull();
  });
});
