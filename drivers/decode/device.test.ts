import { describe, expect, it } from "vitest";
import { fromHex } from "../../protocol/bytes.ts";
import { decodeDeviceText, decodeSystemId } from "./device-information.ts";
import { decodeView } from "./kinds.ts";

const shown = (kind: string, hex: string) => decodeView(kind, fromHex(hex));
const text = (value: string) => decodeDeviceText(new TextEncoder().encode(value));

describe("clock characteristics", () => {
  it("does not know a date of zeros, but the time of day", () => {
    expect(shown("ble.2a08", "00000000121a20")).toEqual({
      year: null,
      month: null,
      day: null,
      time: "18:26:32",
      local: null,
    });
  });

  it.each([
    ["", "truncated"],
    ["e20704110f33", "truncated"],
    ["e20704110f330000", "format"],
    ["e2070d110f3300", "range"],
    ["e607021d000000", "range"],
    ["2d060101000000", "range"],
  ])("refuses the date time %j as %s", (hex, reason) => {
    expect(shown("ble.2a08", hex)).toMatchObject({ outcome: "error", reason });
  });

  it("says whether the weekday is that of the date", () => {
    expect(shown("ble.2a2b", "e9070101000000 03 00 00")).toMatchObject({ dayOfWeekConsistent: true });
    expect(shown("ble.2a2b", "e9070101000000 01 00 00")).toMatchObject({ dayOfWeekConsistent: false });
    expect(shown("ble.2a2b", "e9070101000000 00 00 00")).not.toHaveProperty("dayOfWeekConsistent");
  });

  it("reads the first and the last year of the calendar, and names the reasons", () => {
    expect(shown("ble.2a2b", "2e060101000000 01 00 00")).toMatchObject({ time: { local: "1582-01-01T00:00:00" } });
    expect(shown("ble.2a2b", "0f270c1f173b3b 07 ff 0f")).toMatchObject({
      time: { local: "9999-12-31T23:59:59" },
      fractions256: 255,
      adjustReason: 15,
      adjustReasons: ["manual", "externalReference", "timeZone", "dst"],
    });
  });

  it.each([
    ["e9070d01000000 01 00 00", "range"],
    ["e9070101180000 01 00 00", "range"],
    ["e907010100003c 01 00 00", "range"],
    ["e9070101000000 08 00 00", "range"],
    ["e9070101000000 01 00", "truncated"],
    ["e9070101000000 01 00 00 00", "format"],
  ])("refuses the current time %s as %s", (hex, reason) => {
    expect(shown("ble.2a2b", hex)).toMatchObject({ outcome: "error", reason });
  });
});

describe("device information", () => {
  it("turns the system id round to an EUI-64", () => {
    expect(decodeSystemId(fromHex("563412feffa40c24"))).toEqual({
      tag: "ok",
      record: { systemId: "240ca4fffe123456", organisation: "240ca4", identifier: "fffe123456" },
    });
    expect(decodeSystemId(new Uint8Array(7))).toMatchObject({ reason: "truncated" });
    expect(decodeSystemId(new Uint8Array(9))).toMatchObject({ reason: "format" });
  });

  it("reads a text to its first NUL, without the blanks around it", () => {
    expect(text("UA-651BLE")).toEqual({ tag: "ok", record: "UA-651BLE" });
    expect(text(" 5161\u0000\u0000rest")).toEqual({ tag: "ok", record: "5161" });
    expect(text("Ångström")).toEqual({ tag: "ok", record: "Ångström" });
  });

  it("refuses what is no text", () => {
    expect(text("")).toMatchObject({ reason: "truncated" });
    expect(text("\u0000A")).toMatchObject({ reason: "truncated" });
    expect(text("a\u0007b")).toMatchObject({ reason: "format" });
    expect(decodeDeviceText(Uint8Array.of(0x41, 0xff))).toMatchObject({ reason: "format" });
    expect(text("a".repeat(513))).toMatchObject({ reason: "format" });
  });

  it("shows each text under the name of its field", () => {
    expect(shown("ble.2a29", "4126 44")).toEqual({ manufacturer: "A&D" });
    expect(shown("ble.2a24", "41")).toEqual({ model: "A" });
    expect(shown("ble.2a25", "3031")).toEqual({ serial: "01" });
    expect(shown("ble.2a26", "31")).toEqual({ firmware: "1" });
    expect(shown("ble.2a50", "01 3412 7856 0100")).toEqual({
      vendorSource: "bluetooth",
      vendor: 0x1234,
      product: 0x5678,
      version: 1,
    });
  });
});
