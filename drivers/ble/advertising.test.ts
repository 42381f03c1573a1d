import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { fromHex } from "../../protocol/bytes.ts";
import {
  type AdvertisingReport,
  createEther,
  HEARD_LIMIT,
  kindOfExtended,
  kindOfLegacy,
  servicesIn,
} from "./advertising.ts";

const at = createSimulatedClock().stamp();

const report = (change: Partial<AdvertisingReport>): AdvertisingReport => ({
  address: "C4:F3:12:53:F2:C9",
  addressType: "public",
  kind: "connectable",
  data: fromHex("020106 0303 1018"),
  rssi: -61,
  ...change,
});

describe("services in advertising data", () => {
  it("reads lists of 16-bit services, complete and incomplete", () => {
    expect(servicesIn(fromHex("020106 0503 1018 0a18 0302 1d18"))).toEqual(["1810", "180a", "181d"]);
  });

  it("reads 128-bit services, and shortens those that the Bluetooth SIG assigned", () => {
    const own = "1107 9ecadc240ee5a9e093f3a3b50100406e";
    const assigned = "1107 fb349b5f80000080001000001f180000";
    expect(servicesIn(fromHex(`${own} ${assigned}`))).toEqual(["6e400001b5a3f393e0a9e50e24dcca9e", "181f"]);
  });

  it("takes any bytes and looks at none beyond the end", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 255 }), (data) => {
        expect(servicesIn(data).every((uuid) => /^([0-9a-f]{4}|[0-9a-f]{32})$/.test(uuid))).toBe(true);
      }),
    );
  });

  it("gives what stands before a cut at every place of the data", () => {
    const whole = fromHex("020106 0303 1018 0303 1d18");
    const found = Array.from({ length: whole.length + 1 }, (_, end) => servicesIn(whole.subarray(0, end)).length);
    expect(found).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2]);
  });
});

describe("kinds of reports", () => {
  it("tells what can be connected to from what cannot, in legacy and extended reports", () => {
    expect([0, 1, 2, 3, 4].map(kindOfLegacy)).toEqual([
      "connectable",
      "connectable",
      "not-connectable",
      "not-connectable",
      "scan-response",
    ]);
    expect([0x13, 0x12, 0x10, 0x1b].map(kindOfExtended)).toEqual([
      "connectable",
      "not-connectable",
      "not-connectable",
      "scan-response",
    ]);
  });
});

describe("the ether", () => {
  it("tells of an advertiser at its first report, in lower case", () => {
    expect(createEther().hear(report({}), at)).toEqual({
      address: "c4:f3:12:53:f2:c9",
      addressType: "public",
      connectable: true,
      services: ["1810"],
      rssi: -61,
      at,
    });
  });

  it("joins a scan response with the advertisement before it", () => {
    const ether = createEther();
    ether.hear(report({ data: fromHex("020106") }), at);
    const joined = ether.hear(report({ kind: "scan-response", data: fromHex("0303 1d18") }), at);
    expect(joined).toMatchObject({ connectable: true, services: ["181d"] });
    expect(ether.hear(report({ data: fromHex("020106") }), at).services).toEqual(["181d"]);
  });

  it("does not take a scan response alone for an invitation to connect", () => {
    expect(createEther().hear(report({ kind: "scan-response" }), at).connectable).toBe(false);
  });

  it("remembers a bounded number of the thousands of addresses that pass by, and those heard last", () => {
    const ether = createEther();
    const addressOf = (i: number): string => `7a:00:00:00:${(i >> 8).toString(16)}:${(i & 0xff).toString(16)}`;
    for (let i = 0; i < 20_000; i++) {
      ether.hear(report({ address: addressOf(i) }), at);
      ether.hear(report({}), at);
    }
    expect(ether.remembered).toBe(HEARD_LIMIT);
    expect(ether.hear(report({ kind: "scan-response" }), at).connectable).toBe(true);
    expect(ether.hear(report({ address: addressOf(1), kind: "scan-response" }), at).connectable).toBe(false);
  });
});
