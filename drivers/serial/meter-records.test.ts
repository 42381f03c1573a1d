import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { astmFrame } from "../../hardware-sim/serial/astm-frames.ts";
import { lifescanFrame } from "../../hardware-sim/serial/lifescan-frames.ts";
import { taidocAnswer } from "../../hardware-sim/serial/taidoc-frames.ts";
import { fromHex } from "../../protocol/bytes.ts";
import { SERIAL_CHANNEL } from "../../protocol/ids.ts";
import { createReadingValidator, requireReading } from "../../protocol/validate.ts";
import { enrolled } from "../../tests/serial/session-context.ts";
import type { ReadingContext, SensorDriver } from "../driver.ts";
import { deviceOfCatalogue } from "../normalise/device.ts";
import { driverOf } from "../registry.ts";

const text = (letters: string): Uint8Array => Uint8Array.from(Buffer.from(letters, "latin1"));

const answer = (command: number, hex: string): Uint8Array => taidocAnswer(command, [...fromHex(hex)]);

/** One record of each meter as it stands in provenance, and the first value in it. */
const RECORDS: Readonly<Record<string, readonly [raw: Uint8Array, value: number]>> = {
  "lifescan-ultra2": [text('P "SAT","03/21/15","16:42:11   ","  105 ","B","02", 00 099F\r\n'), 105],
  "lifescan-ultra-easy": [lifescanFrame(0, fromHex("05 06 3f2a0d55 69000000")), 105],
  "lifescan-verio": [lifescanFrame(0, fromHex("03 06 3f2a0d1d 6900 00 01 0000")), 105],
  "taidoc-glucose": [Uint8Array.from([...answer(0x25, "21240e15"), ...answer(0x26, "69000040")]), 105],
  "taidoc-pressure": [Uint8Array.from([...answer(0x25, "2124ce95"), ...answer(0x26, "7c005242")]), 124],
  "ascensia-contour": [astmFrame(3, "R|8|^^^Glucose|133|mg/dL^P||B/X||201202052034", true), 133],
  visomat: [text("M20115110321300134097083"), 134],
  "abbott-optium": [text("105  June 15 2026 17:17 G 0x00\r\n"), 105],
};

const driver = (id: string): SensorDriver<unknown> => {
  const found = driverOf(id);
  if (found === undefined) throw new Error(`no driver ${id}`);
  return found;
};

const validate = createReadingValidator();

const firstValue = (id: string, raw: Uint8Array): number | string | null => {
  const decoded = driver(id).decode(raw, SERIAL_CHANNEL);
  if (decoded.tag === "malformed") return decoded.reason;
  const context: ReadingContext = {
    assignment: enrolled().assignment,
    hub: { id: "hub-1" as never, version: "0.1.0" },
    device: deviceOfCatalogue(enrolled()),
    address: "sensor-1",
    driver: driver(id),
    transport: "serial",
    source: id,
    raw,
    at: createSimulatedClock().stamp(),
    pair: null,
    counter: 1,
    zone: "Europe/Stockholm",
  };
  const drafts = driver(id).normalise(decoded.record, context);
  for (const draft of drafts) requireReading(validate, { ...draft, seq: 1 });
  const [value] = drafts[0]?.values ?? [];
  return value?.value ?? null;
};

describe.each(Object.entries(RECORDS))("a record of %s", (id, [raw, value]) => {
  it("is read from its provenance", () => {
    expect(firstValue(id, raw)).toBe(value);
  });

  it("is nothing when it is cut anywhere", () => {
    // A line may lose its end, which says nothing.
    const end = raw.findLastIndex((octet) => octet !== 0x0d && octet !== 0x0a) + 1;
    for (let length = 0; length < end; length++) {
      expect(firstValue(id, raw.subarray(0, length)), `cut at ${length}`).toEqual(expect.any(String));
    }
  });

  it("is a reading of the schema or nothing, whatever its bytes are", () => {
    const spoiled = fc.tuple(fc.nat(raw.length - 1), fc.nat(255)).map(([at, octet]) => raw.with(at, octet));
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 80 }), spoiled, fc.string({ maxLength: 80 }).map(text)),
        (bytes) => {
          expect(() => firstValue(id, bytes)).not.toThrow();
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("what records of meters say besides", () => {
  const measured = (id: string, raw: Uint8Array): unknown => {
    const decoded = driver(id).decode(raw, SERIAL_CHANNEL);
    return decoded.tag === "ok" ? decoded.record : decoded.reason;
  };

  it("tells average and irregular pulse of a TaiDoc cuff beside its time", () => {
    expect(measured("taidoc-pressure", RECORDS["taidoc-pressure"]?.[0] ?? text(""))).toMatchObject({
      time: { year: 2018, month: 1, day: 1, hour: 21, minute: 14, second: null },
      irregular: true,
      average: true,
    });
  });

  it.each(["01", "10", "20", "3c", "ff"])("does not take a TaiDoc glucose with mark %s for one", (mark) => {
    const raw = [...answer(0x25, "21240e15"), ...answer(0x26, `690000${mark}`)];
    expect(measured("taidoc-glucose", Uint8Array.from(raw))).toBe("format");
  });

  it("does not take a pressure in a meter for both for a glucose", () => {
    const raw = [...answer(0x25, "21248e15"), ...answer(0x26, "7c005242")];
    expect(measured("taidoc-glucose", Uint8Array.from(raw))).toBe("unsupported");
  });

  it.each([
    ["R|1|^^^Glucose|133|mg/dL^P||B/X||", "unsupported"],
    ["R|1|^^^Ketone|0.2|mmol/L^B||||201202052034", "unsupported"],
    ["R|1|^^^Glucose|133|g/L^P||||201202052034", "unsupported"],
    ["R|3|^^^Glucose|133|mg/dL^P||>|B||||201202052034", "unsupported"],
    ["P|1", "format"],
  ])("does not take the ASTM record %s for a result of the Contour", (record, reason) => {
    expect(measured("ascensia-contour", astmFrame(1, record, true))).toBe(reason);
  });

  it.each([
    ["105  June 15 2026 17:17 G 0x04\r\n", "format"],
    ["105  Sept 15 2026 17:17 G 0x00\r\n", "format"],
    ["105  Feb  30 2026 17:17 G 0x00\r\n", "range"],
    ["003  June 15 2026 17:17 K 0x00\r\n", "unsupported"],
  ])("does not take the line %j for a glucose of the Optium", (line, reason) => {
    expect(measured("abbott-optium", text(line))).toBe(reason);
  });

  it.each([
    ["HI ", "high"],
    ["LO ", "low"],
  ])("reads %j of the Optium as what it is", (value, word) => {
    expect(measured("abbott-optium", text(`${value}  Jan  01 2026 00:00 G 0x00\r\n`))).toMatchObject({ value: word });
  });

  it("refuses a Verio's record with marks that nobody knows", () => {
    expect(measured("lifescan-verio", lifescanFrame(0, fromHex("03 06 3f2a0d1d 6900 02 01 0000")))).toBe("unsupported");
    expect(measured("lifescan-verio", lifescanFrame(0, fromHex("03 06 3f2a0d1d 6900 00 03 0000")))).toBe("unsupported");
  });
});
