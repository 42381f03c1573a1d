import { describe, expect, it } from "vitest";
import { TOY_CAPTURE } from "./support/toy-driver.ts";
import { captureOf, problemsOf } from "./support/try-toy.ts";

const changed = (from: string | RegExp, to: string): readonly string[] => {
  const text = TOY_CAPTURE.replace(from, to);
  expect(text).not.toBe(TOY_CAPTURE);
  return problemsOf(text);
};

describe("a file that is no capture", () => {
  it("is told with line and next step, every problem at once", () => {
    expect(problemsOf("schema: capture/2\nzone: 5\n")).toEqual(
      expect.arrayContaining([
        '1 schema: expected capture/1, found "capture/2"',
        "1 session: required, but missing",
        expect.stringMatching(/^2 zone: expected the home's time zone such as Europe\/Stockholm, in quotes, found 5/),
      ]),
    );
  });

  it.each([
    ["an empty file", "", /the file is empty; a capture begins with schema: capture\/1/],
    ["no YAML", "a: [", /not valid YAML/],
  ])("may be %s", (_, text, found) => {
    expect(problemsOf(text)[0]).toMatch(found);
  });

  it.each<[string, string | RegExp, string, RegExp]>([
    ["a misspelt key", 'hex: "01 74"', 'hexx: "01 74"', /^10 session\[0\].hexx: unknown key \(did you mean hex\?\)/],
    ["half a byte", '"01 74"', '"01 7"', /^10 session\[0\].hex: expected bytes as pairs of hex digits/],
    ["a number without quotes", '"01 74"', "174", /^10 session\[0\].hex: expected .* in quotes, found 174/],
    [
      "two actions",
      "disconnect: true",
      'disconnect: true, read: "2a1c"',
      /^12 session\[2\]: expected one action, found read and disconnect/,
    ],
    ["no action", "disconnect: true", "took: 3", /^12 session\[2\]: expected one of in, text, out/],
    ["a value without bytes", ', hex: "01 74"', "", /^10 session\[0\]: expected hex, the bytes of this value/],
    ["time that runs back", "at: 900", "at: 400", /^11 session\[1\].at: 400 ms is before the event above \(500 ms\)/],
    ["serial bytes over Bluetooth", "disconnect: true", 'in: "00"', /^12 session\[2\]: in is for a serial sensor/],
    [
      "an unknown characteristic",
      'value: "2a1c", hex: "01 7c"',
      'value: "2a35", hex: "01"',
      /^11 session\[1\]: channel 2a35 is not under link/,
    ],
    [
      "a guess in what the sensor sent",
      '"01 74"',
      '"01 .."',
      /^10 session\[0\]: expected every byte that the sensor sent/,
    ],
    [
      "model and driver",
      "driver: toy",
      "driver: toy\nmodel: and-ek-l",
      /expected either model \(of the catalogue\) or driver/,
    ],
    ["a zone that is none", "Europe/Stockholm", "Europe/Stokholm", /^5 zone: Europe\/Stokholm is no time zone/],
    [
      "a quantity that is none",
      "quantity: body-temperature",
      "quantity: temperature",
      /quantity temperature is not in the code table/,
    ],
    ["more decimals than it says", "37.2, decimals: 1", "37.25, decimals: 1", /value 37.25 has more than 1 decimals/],
    ["value and absence", "value: 37.2,", "value: 37.2, absent: error,", /expected either value or absent/],
  ])("may have %s", (_, from, to, found) => {
    expect(changed(from, to).join("\n")).toMatch(found);
  });

  it("may go on after its end", () => {
    const problems = changed("expect:", '  - { at: 2100, value: "2a1c", hex: "01 7c" }\nexpect:');
    expect(problems).toEqual(["13 session[3]: nothing happens after disconnect or stop"]);
  });
});

it("takes text of a serial sensor as its bytes, and spaces or colons in hex", () => {
  const { session } = captureOf(`schema: capture/1
about: Three ways to write bytes
source: written for this test
driver: and-scale
zone: Europe/Stockholm
hub: { clock: "2026-06-15T12:00:00Z" }
session:
  - { at: 0, text: "ST\\r\\n" }
  - { at: 0, in: "53 54 0d 0a" }
  - { at: 0, in: "53:54:0D:0A" }
expect: { readings: [] }
`);
  const bytes = session.map((event) => (event.tag === "received" ? [...event.bytes] : []));
  expect(bytes).toEqual(Array(3).fill([0x53, 0x54, 0x0d, 0x0a]));
});
