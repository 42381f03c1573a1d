import { describe, expect, it } from "vitest";
import { createGlucoseDriver } from "../../drivers/gatt/glucose.ts";
import { createNoninSpotDriver } from "../../drivers/serial/nonin-spot.ts";
import { differenceLine } from "../../gateway/driver-kit/difference.ts";
import { createToyDriver, TOY_CAPTURE } from "./support/toy-driver.ts";
import { captureOf, tryWith } from "./support/try-toy.ts";

const differencesOf = async (...given: Parameters<typeof tryWith>): Promise<readonly string[]> => {
  const { capture, differences } = await tryWith(...given);
  return differences.map((one) => differenceLine(capture, one));
};

describe("a capture against its driver", () => {
  it("passes where readings, times and end are as expected", async () => {
    expect(await differencesOf(createToyDriver(), TOY_CAPTURE)).toEqual([]);
  });

  it("names place, expectation and finding of each field that differs", async () => {
    const other = TOY_CAPTURE.replace("value: 37.2", "value: 37.3")
      .replace('start: "2026-06-15T12:00:00.500Z"', 'start: "2026-06-15T11:00:00.500Z"')
      .replace("end: disconnected", "end: complete");
    const found = await differencesOf(createToyDriver(), other);
    expect(found).toEqual([
      "toy.yaml:14 end: expected complete, found disconnected",
      "toy.yaml:15 readings[0].values: expected MDC_TEMP_BODY 37.3 Cel, found MDC_TEMP_BODY 37.2 Cel",
      "toy.yaml:15 readings[0].time.start: expected 2026-06-15T11:00:00.500Z, found 2026-06-15T12:00:00.500Z",
    ]);
  });

  it("does not take 37.20 for 37.2, nor one unit for another", async () => {
    const decimals = await differencesOf(
      createToyDriver(),
      TOY_CAPTURE.replace("37.2, decimals: 1", "37.2, decimals: 2"),
    );
    expect(decimals).toEqual([
      "toy.yaml:15 readings[0].values: expected MDC_TEMP_BODY 37.20 Cel, found MDC_TEMP_BODY 37.2 Cel",
    ]);
    expect(await differencesOf(createToyDriver(), TOY_CAPTURE.replace("unit: Cel", 'unit: "[degF]"'))).toHaveLength(1);
  });

  it("finds a value too many, a reading too many and a reading too few", async () => {
    const noValue = TOY_CAPTURE.replace("[{ quantity: body-temperature, value: 37.2, decimals: 1, unit: Cel }]", "[]");
    expect((await differencesOf(createToyDriver(), noValue))[0]).toMatch(
      /expected no such value, found MDC_TEMP_BODY 37.2/,
    );
    const fewer = TOY_CAPTURE.replace(
      / {4}- kind: body-temperature\n {6}values: \[\{ quantity: body-temperature, value: 38.0.*\n/,
      "",
    );
    expect((await differencesOf(createToyDriver(), fewer))[0]).toMatch(/readings\[1\]: expected no further reading/);
    const more = TOY_CAPTURE.replace("  end:", "    - kind: body-weight\n  end:");
    expect((await differencesOf(createToyDriver(), more))[0]).toMatch(
      /:20 readings\[2\]: expected a body-weight, found none/,
    );
  });

  it("finds what is kept as unreadable, where the capture does not expect it", async () => {
    const cut = TOY_CAPTURE.replace('hex: "01 7c"', 'hex: "01"');
    expect(await differencesOf(createToyDriver(), cut)).toEqual([
      expect.stringMatching(/unreadable\[0\]: expected nothing unreadable, found truncated: .* on 2a1c \(01\)/),
      expect.stringMatching(/readings\[1\]: expected a body-temperature, found none/),
    ]);
  });

  it("fails for a driver that rejects, and says why", async () => {
    const cut = TOY_CAPTURE.replace('hex: "01 7c"', 'hex: "01"');
    const found = await differencesOf(createToyDriver({ throwsOnShort: true }), cut);
    expect(found).toContain("toy.yaml:14 end: expected disconnected, found failed (low is undefined)");
  });

  it("knows the models and drivers of this hub only", async () => {
    const { differences } = await tryWith(createToyDriver(), TOY_CAPTURE.replace("driver: toy", "model: and-ua-651bl"));
    expect(differences).toEqual([
      { line: 4, what: "model", expected: expect.stringMatching(/did you mean and-ua-651ble/), found: "and-ua-651bl" },
    ]);
  });
});

const SPOT = (out: string): string => `schema: capture/1
about: A spot check of an oximeter whose clock is asked and is right
source: Nonin 6470-000-01, pages 4 to 7
model: nonin-9560
zone: Europe/Stockholm
hub: { clock: "2026-06-15T12:00:00.000Z" }
session:
  - { at: 100, in: "00 02 00 0d 00 0e 20 26 06 15 14 00 00 00 02 00 00 48 00 61 20 03" }
  - { at: 110, out: "02 72 00 03" }
  - { at: 150, in: "02 f2 06 1a 06 0f 0e 00 00 03" }
  - { at: 160, out: "${out}" }
expect:
  readings:
    - kind: pulse-oximetry
      values:
        - { quantity: spo2, value: 97, decimals: 0, unit: "%" }
        - { quantity: pulse-rate.oximeter, value: 72, decimals: 0, unit: "/min" }
`;

describe("what the hub writes", () => {
  it("is compared with the capture, and the sensor answers when it was asked", async () => {
    expect(await differencesOf(createNoninSpotDriver(), SPOT("06"))).toEqual([]);
  });

  it("may differ where the capture has dots", async () => {
    expect(await differencesOf(createNoninSpotDriver(), SPOT(".."))).toEqual([]);
  });

  it("is a difference where it is other than the capture says, or not there", async () => {
    expect(await differencesOf(createNoninSpotDriver(), SPOT("15"))).toEqual([
      "toy.yaml:11 write serial: expected 15, found 06",
    ]);
    const more = SPOT("06").replace("expect:", '  - { at: 170, out: "07" }\nexpect:');
    expect(await differencesOf(createNoninSpotDriver(), more)).toEqual([
      "toy.yaml:12 write serial: expected a write of 07 within 120 s, found none",
    ]);
  });

  it("is a difference where the capture has no such write", async () => {
    const none = SPOT("06").replace(/ {2}- \{ at: 160.*\n/, '  - { at: 5000, in: "06" }\n');
    expect(await differencesOf(createNoninSpotDriver(), none)).toEqual([
      "toy.yaml:11 write serial: expected no further write, found 06",
    ]);
  });

  it("is refused with the ATT error of the capture", async () => {
    const refused = `schema: capture/1
about: A meter that refuses the report of its records
source: written for this test
driver: gatt-glucose
zone: Europe/Stockholm
hub: { clock: "2026-06-15T12:00:00.000Z" }
link:
  - { channel: "2a18", properties: [notify] }
  - { channel: "2a52", properties: [indicate, write] }
session:
  - { at: 100, write: "2a52", hex: ".. ..", refused: "03" }
  - { at: 3000, disconnect: true }
expect:
  readings: []
`;
    const { tried } = await tryWith(createGlucoseDriver(), refused);
    expect(tried?.replayed.taken).toEqual([]);
    expect(tried?.replayed.written).toBeGreaterThan(0);
  });
});

it("keeps the lines of a capture for what differs", () => {
  const capture = captureOf(TOY_CAPTURE);
  expect(capture.session.map(({ line }) => line)).toEqual([10, 11, 12]);
  expect(capture.expect.readings.map(({ line }) => line)).toEqual([15, 18]);
});
