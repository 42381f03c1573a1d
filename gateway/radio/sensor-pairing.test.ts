import { beforeEach, describe, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { sensorId } from "../../protocol/ids.ts";
import type { Advertisement } from "../../protocol/ports/radio.ts";
import { seconds } from "../../protocol/time.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import type { BondKeeper } from "./bond-keeper.ts";
import { createSensorPairing, type SensorPairing } from "./sensor-pairing.ts";

const CUFF = sensorId("cuff");
const SCALE = sensorId("scale");
const BELT = sensorId("belt");
const [CUFF_ADDRESS, SCALE_ADDRESS] = ["c0:26:da:00:00:01", "c0:26:da:00:00:02"];
const RPA = "5a:11:22:33:44:55";

let clock: SimulatedClock;
let bonded: Set<string>;
let reports: { code: string; message: string; detail: object }[];

beforeEach(() => {
  clock = createSimulatedClock();
  bonded = new Set();
  reports = [];
});

const keeper = (certain: boolean): BondKeeper => ({
  certain,
  bond: (address) => (bonded.has(address) ? { keeper: "hub", since: null, method: null, authenticated: null } : null),
  forget: async (address) => void bonded.delete(address),
});

const pairingWith = (kept: BondKeeper | null = keeper(true)): SensorPairing => {
  const pairing = createSensorPairing({
    sensors: [
      { id: CUFF, address: CUFF_ADDRESS, pairing: "just-works", services: ["1810"] },
      { id: SCALE, address: SCALE_ADDRESS, pairing: "passkey", services: ["181d"] },
      { id: BELT, address: "c0:26:da:00:00:03", pairing: "none", services: ["180d"] },
    ],
    clock,
    logger: silentLogger,
    report: (code, message, detail) => reports.push({ code, message, detail }),
  });
  if (kept !== null) pairing.keepBondsIn(kept);
  return pairing;
};

const heard = (address: string, services: readonly string[], over: Partial<Advertisement> = {}): Advertisement => ({
  address,
  addressType: "random",
  connectable: true,
  services,
  rssi: -60,
  at: clock.stamp(),
  ...over,
});

describe("who is connected to", () => {
  it("is a bonded sensor, one that needs no bond, and one in its window", () => {
    const pairing = pairingWith();
    bonded.add(CUFF_ADDRESS);
    expect([CUFF, SCALE, BELT].map(pairing.admits)).toEqual([true, false, true]);
    pairing.openWindow(SCALE);
    expect(pairing.admits(SCALE)).toBe(true);
    pairing.window(SCALE)?.cancel();
    expect(pairing.admits(SCALE)).toBe(false);
  });

  it("is nobody who needs a bond before it is known who keeps the bonds", () => {
    expect([CUFF, BELT].map(pairingWith(null).admits)).toEqual([false, true]);
  });

  it("is a sensor that lost its bond once in 30 s, and reported once", async () => {
    const pairing = pairingWith();
    bonded.add(CUFF_ADDRESS);
    for (let i = 0; i < 3; i++)
      pairing.security.onBondLost(CUFF_ADDRESS, "sensor cuff: has forgotten its bond; pair it");
    expect(reports).toEqual([
      { code: "bond-lost", message: "sensor cuff: has forgotten its bond; pair it", detail: { sensor: CUFF } },
    ]);
    expect(pairing.admits(CUFF)).toBe(false);
    await clock.advance(seconds(30));
    expect([pairing.admits(CUFF), pairing.admits(CUFF)]).toEqual([true, false]);
    expect(pairing.view(CUFF)).toEqual({ state: "bond-lost", trouble: "sensor cuff: has forgotten its bond; pair it" });
    pairing.security.onBonded(CUFF_ADDRESS);
    expect(pairing.view(CUFF)).toBeNull();
    expect(reports.at(-1)).toMatchObject({ code: "bond-lost", detail: { sensor: CUFF, state: "recovered" } });
  });

  it("is a sensor of which only BlueZ can tell whether it is bonded, once in 30 s", async () => {
    const pairing = pairingWith(keeper(false));
    expect([pairing.admits(CUFF), pairing.admits(CUFF)]).toEqual([true, false]);
    await clock.advance(seconds(30));
    expect(pairing.admits(CUFF)).toBe(true);
  });
});

describe("an advertiser that nobody knows", () => {
  it("is taken for a sensor in its window where its address hides who it is and its services fit", () => {
    const pairing = pairingWith();
    expect(pairing.candidate(heard(RPA, ["181d"]))).toBeNull();
    pairing.openWindow(SCALE);
    expect(pairing.candidate(heard(RPA, ["1810"]))).toBeNull();
    expect(pairing.candidate(heard("c0:99:88:77:66:55", ["181d"]))).toBeNull();
    expect(pairing.candidate(heard(RPA, ["181d"], { addressType: "public" }))).toBeNull();
    expect(pairing.security.windowFor(RPA)).toBeNull();
    expect(pairing.candidate(heard(RPA, ["181d"]))).toBe(SCALE);
    expect(pairing.security.windowFor(RPA)).toMatchObject({ identity: SCALE_ADDRESS, mitm: true });
  });

  it("does not keep the stand-ins of a window but the last", () => {
    const pairing = pairingWith();
    pairing.openWindow(SCALE);
    pairing.candidate(heard(RPA, ["181d"]));
    pairing.candidate(heard("5b:11:22:33:44:55", ["181d"]));
    expect(pairing.security.windowFor(RPA)).toBeNull();
    expect(pairing.security.windowFor("5b:11:22:33:44:55")).not.toBeNull();
  });
});

describe("security of a sensor", () => {
  it("comes from its catalogue entry", () => {
    const { securityOf } = pairingWith().security;
    expect(securityOf(CUFF_ADDRESS)).toEqual({ bonded: true, authenticated: false, name: "sensor cuff" });
    expect(securityOf(SCALE_ADDRESS)).toEqual({ bonded: true, authenticated: true, name: "sensor scale" });
    expect(securityOf("c0:26:da:00:00:03")).toMatchObject({ bonded: false });
    expect(securityOf("c0:26:da:00:00:99")).toBeNull();
  });

  it("is a state that the technician sees: not paired, being paired, well, lost", async () => {
    const pairing = pairingWith();
    expect(pairing.view(CUFF)).toEqual({
      state: "not-paired",
      trouble: "not paired with this hub; sensor pair cuff begins it",
    });
    pairing.openWindow(CUFF);
    expect(pairing.view(CUFF)?.state).toBe("pairing");
    bonded.add(CUFF_ADDRESS);
    pairing.window(CUFF)?.cancel();
    expect(pairing.view(CUFF)).toBeNull();
    await pairing.forget(CUFF);
    expect(pairing.view(CUFF)?.state).toBe("not-paired");
    expect(pairing.view(BELT)).toBeNull();
  });
});
