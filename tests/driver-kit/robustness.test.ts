import { describe, expect, it } from "vitest";
import type { CheckName } from "../../gateway/driver-kit/mutations.ts";
import { createToyDriver, TOY_CAPTURE, type ToyFaults } from "./support/toy-driver.ts";
import { tryWith } from "./support/try-toy.ts";

const MOST = 200;

/** Checks that the toy fails, each with its first fault. */
const failedBy = async (faults: ToyFaults, text = TOY_CAPTURE): Promise<Partial<Record<CheckName, string>>> => {
  const { robustness, differences } = await tryWith(createToyDriver(faults), text, MOST);
  expect(differences).toEqual([]);
  return Object.fromEntries(
    robustness.filter(({ failed }) => failed > 0).map(({ name, faults: [first] }) => [name, first]),
  );
};

describe("disturbing a capture", () => {
  it("finds nothing wrong with a driver that keeps its promises, and counts what it tried", async () => {
    const { robustness } = await tryWith(createToyDriver(), TOY_CAPTURE, MOST);
    expect(robustness.map(({ name, tried, possible, failed }) => [name, tried, possible, failed])).toEqual([
      ["truncate", 4, 4, 0],
      ["lose", 0, 0, 0],
      ["flip", 32, 32, 0],
      ["split", 0, 0, 0],
      ["drop", 3, 3, 0],
      ["silence", 3, 3, 0],
      ["refuse", 2, 2, 0],
    ]);
  });

  it("tries no more than it is allowed, and says of how many", async () => {
    const { robustness } = await tryWith(createToyDriver(), TOY_CAPTURE, 5);
    expect(robustness.find(({ name }) => name === "flip")).toMatchObject({ tried: 5, possible: 32 });
  });

  it("finds a driver that throws for a value that is cut", async () => {
    expect(await failedBy({ throwsOnShort: true })).toEqual({
      truncate: "line 10: cut to 0 of 2 bytes: the session threw low is undefined",
    });
  });

  it("finds a driver that invents the octets that are missing", async () => {
    expect((await failedBy({ invents: true })).truncate).toMatch(
      /^line 10: cut to 0 of 2 bytes: a number that the sensor never sent \(body-temperature: MDC_TEMP_BODY 0.0 Cel\)/,
    );
  });

  it("finds a driver that believes damaged bytes of a format with a checksum", async () => {
    const checked = TOY_CAPTURE.replace("zone:", "integrity: checksum\nzone:");
    expect((await failedBy({}, checked)).flip).toMatch(/a number that the sensor never sent/);
  });

  it("finds a driver that goes on when the reading could not be kept", async () => {
    expect(await failedBy({ swallows: true })).toEqual({
      refuse: "the outbox refuses take 1: the session goes on as if the reading were safe",
    });
  });

  it("finds a driver that waits for ever", async () => {
    expect((await failedBy({ hangs: true })).silence).toMatch(/silent from here: the session does not end/);
  });
});

it("finds a driver that tells the sensor before the reading is safe", async () => {
  const { differences } = await tryWith(createToyDriver({ confirmsEarly: true }), TOY_CAPTURE);
  expect(differences).toEqual([
    { line: 14, what: "confirmation", expected: "after the reading is durable", found: "2 confirmed before that" },
  ]);
});

it("finds a driver that gives a measurement twice", async () => {
  const { differences } = await tryWith(createToyDriver({ doubles: true }), TOY_CAPTURE);
  expect(differences.map(({ what }) => what)).toContain("readings[2]");
});

it("does not disturb a capture that fails already", async () => {
  const { robustness } = await tryWith(createToyDriver({ holds: true }), TOY_CAPTURE, MOST);
  expect(robustness).toEqual([]);
});
