import { describe, expect, it } from "vitest";
import { createInboundGuard, type GuardFinding } from "./inbound-guard.ts";

const LIMIT = 1000;
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));

/** CONNACK, SUBACK, PUBACK, PUBLISH QoS 1 `t` id 5 `{}`, PINGRESP, DISCONNECT. */
const SOUND = "2003000000" + "9004000100" + "01" + "40020001" + "3208000174" + "000500" + "7b7d" + "d000" + "e000";

const inspect = (hex: string, size = Number.POSITIVE_INFINITY, protocol: "mqtt5" | "mqtt3.1.1" = "mqtt5") => {
  const guard = createInboundGuard(protocol, LIMIT);
  const all = bytes(hex);
  let finding: GuardFinding | null = null;
  for (let i = 0; i < all.length && finding === null; i += Math.min(size, all.length)) {
    finding = guard.inspect(all.subarray(i, i + size));
  }
  return { finding, lastPuback: guard.lastPuback };
};

describe("the guard before the MQTT client", () => {
  it.each([1, 2, 3, 7, 100])("lets sound packets through in pieces of %i bytes", (size) => {
    expect(inspect(SOUND, size).finding).toBeNull();
  });

  it("stops a packet at its header, before any of it is collected", () => {
    expect(inspect("30ffffff7f").finding).toEqual({ tag: "too-large", bytes: 127 + 127 * 128 });
    expect(inspect(`30e807${"00".repeat(10)}`).finding).toBeNull();
    expect(inspect("30e907").finding).toEqual({ tag: "too-large", bytes: 1001 });
  });

  it.each([
    ["a length of five bytes", "3080808080", "malformed"],
    ["a PUBLISH too short for its packet id", "32040002c401", "malformed"],
    ["a PUBLISH too short for its topic", "3003000474", "malformed"],
    ["a PUBLISH of one byte", "300100", "malformed"],
    ["an empty CONNACK", "2000", "malformed"],
    ["a PUBACK of one byte", "400100", "malformed"],
    ["a SUBACK without an answer", "90020001", "malformed"],
    ["QoS 2", "34", "not-asked-for"],
    ["QoS 3", "36", "not-asked-for"],
    ["PUBREC", "50", "not-asked-for"],
    ["PUBREL", "62", "not-asked-for"],
    ["AUTH", "f0", "not-asked-for"],
    ["a CONNECT", "10", "not-asked-for"],
    ["type 0", "00", "not-asked-for"],
  ])("stops %s", (_name, hex, tag) => {
    expect(inspect(hex).finding).toMatchObject({ tag });
    expect(inspect(hex, 1).finding).toMatchObject({ tag });
  });

  it("knows that MQTT 3.1.1 has no properties, and no DISCONNECT from a broker", () => {
    expect(inspect("3203000000", 9, "mqtt3.1.1").finding).toMatchObject({ tag: "malformed" });
    expect(inspect("320400000001", 9, "mqtt3.1.1").finding).toBeNull();
    expect(inspect("320400000001").finding).toMatchObject({ tag: "malformed" });
    expect(inspect("e000", 9, "mqtt3.1.1").finding).toMatchObject({ tag: "not-asked-for" });
  });

  it.each([1, 2, 100])("keeps the reason of a PUBACK, in pieces of %i bytes", (size) => {
    expect(inspect("40020009" + "4003010295", size).lastPuback).toEqual({ messageId: 258, reasonCode: 0x95 });
  });
});
