import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createRealClock } from "../../hardware-sim/clock/real-clock.ts";
import { createBloodPressureCuff } from "../../hardware-sim/gatt/blood-pressure-cuff.ts";
import { openPty, type Pty } from "../../hardware-sim/pty/pty.ts";
import { radioAddress } from "../../hardware-sim/radio/address.ts";
import { createAir } from "../../hardware-sim/radio/air.ts";
import { createChance } from "../../hardware-sim/radio/seeded.ts";
import { createSmpResponder } from "../../hardware-sim/radio/smp/smp-responder.ts";
import { createVirtualController } from "../../hardware-sim/radio/virtual-controller.ts";
import { until } from "../support/until.ts";
import { startHub, type TestHub } from "./support/test-hub.ts";

const ADDRESS = "c0:26:da:00:00:01";
const clock = createRealClock();

/** A cuff on the air, and the serial line of the hub's adapter. */
const home = async () => {
  const line = await openPty();
  const air = createAir({ clock, seed: 1 });
  const controller = createVirtualController({ line, air, address: radioAddress("c0:26:da:ff:00:01") });
  const smp = createSmpResponder({
    clock,
    chance: createChance(1),
    io: "no-input-no-output",
    secureConnections: true,
    mitm: false,
  });
  const identity = {
    manufacturer: "A&D",
    model: "UA-651BLE",
    serial: "1",
    firmware: "1",
    systemId: "c026dafffe000001",
  };
  const cuff = createBloodPressureCuff({ air, address: radioAddress(ADDRESS), identity, security: "encrypted", smp });
  return {
    line,
    smp,
    cuff,
    [Symbol.asyncDispose]: async () => {
      await cuff.close();
      await controller.close();
      await line.close();
    },
  };
};

const settings = (line: Pty, console_: Pty | null = null): Record<string, unknown> => ({
  ble: { adapter: { type: "uart", path: line.path } },
  sensors: [{ id: "cuff", model: "and-ua-651ble", ble: { address: ADDRESS } }],
  diagnostics: { socket: "./hemhub.sock", ...(console_ === null ? {} : { serial: { path: console_.path } }) },
});

const bondOf = async (hub: TestHub): Promise<{ bond: { method: string } | null }> =>
  JSON.parse((await hub.ask("sensor", "bond", "cuff", "--json")).out);

const stateOf = async (hub: TestHub): Promise<string> =>
  JSON.parse((await hub.ask("sensor", "list", "--json")).out)[0].state;

describe("a technician at the command line of a running hub", () => {
  it("pairs a sensor, sees its bond, and removes it", { timeout: 60_000 }, async () => {
    await using radio = await home();
    await using hub = await startHub(settings(radio.line), [radio.line]);
    await until(async () => (await stateOf(hub)) === "not-paired", "the cuff is not paired");
    expect((await hub.ask("sensor", "bond", "cuff")).out).toBe("cuff: not paired\n");

    const paired = hub.ask("sensor", "pair", "cuff");
    await hub.logged("pairing window opened");
    radio.cuff.wake();
    const { out, exit } = await paired;
    expect(out).toMatch(/^pairing window of cuff open for 120 s\nHold the sensor near the hub/);
    expect(out).toMatch(/cuff is paired\n$/);
    expect(exit).toBe(0);
    expect((await bondOf(hub)).bond).toMatchObject({ method: "LE Secure Connections, Just Works" });
    expect(["connected", "waiting"]).toContain(await stateOf(hub));

    const file = join(hub.folder, "data", "bonds.json");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const { ltk } = JSON.parse(await readFile(file, "utf8")).bonds[0];
    expect(hub.out()).not.toContain(ltk);

    expect(await hub.ask("sensor", "forget", "cuff")).toMatchObject({
      exit: 2,
      err: expect.stringContaining("sensor forget cuff confirm removes it"),
    });
    expect((await hub.ask("sensor", "forget", "cuff", "confirm")).exit).toBe(0);
    expect((await bondOf(hub)).bond).toBeNull();
    expect(await readFile(file, "utf8")).not.toContain(ltk);
  });

  it("is told by status that a sensor has lost its bond, as the region is by an event", {
    timeout: 60_000,
  }, async () => {
    await using radio = await home();
    await using hub = await startHub(settings(radio.line), [radio.line]);
    const paired = hub.ask("sensor", "pair", "cuff");
    await hub.logged("pairing window opened");
    radio.cuff.wake();
    expect((await paired).exit).toBe(0);
    radio.cuff.measure({ systolic: 124, diastolic: 86, meanArterial: 97, pulse: 51 });
    await hub.logged("reading stored");
    await until(() => radio.cuff.state === "asleep", "the cuff sleeps");
    radio.smp.forget();
    radio.cuff.measure({ systolic: 124, diastolic: 86, meanArterial: 97, pulse: 51 });
    const event = await hub.logged("event");
    expect(event).toMatchObject({ event: "bond-lost", severity: "alarm", sensor: "cuff" });
    expect(String(event.text)).toContain("open a pairing window and pair it again");
    expect(await stateOf(hub)).toBe("bond-lost");
    expect((await hub.ask("status")).out).toMatch(/sensors +0 of 1 ready, bond lost: cuff\n/);
    expect((await hub.ask("check")).out).toMatch(/forgotten its bond/);
    expect(radio.smp.pairings).toBe(1);
    expect(radio.cuff.waiting).toBe(1);
  });
});

describe("a technician at the serial console", () => {
  it("pairs a sensor", { timeout: 60_000 }, async () => {
    await using radio = await home();
    await using console_ = await openPty();
    await using hub = await startHub(settings(radio.line, console_), [radio.line, console_]);
    let screen = "";
    void (async () => {
      for await (const bytes of console_.incoming) screen += Buffer.from(bytes).toString("utf8");
    })();
    const see = (pattern: RegExp): Promise<boolean> => until(() => pattern.test(screen), `the screen shows ${pattern}`);
    await see(/\]> $/);
    await console_.write(Buffer.from("sensor pair cuff\r"));
    await see(/pairing window of cuff open for 120 s/);
    radio.cuff.wake();
    await see(/cuff is paired\r\n.*\]> $/);
    await console_.write(Buffer.from("sensor bond cuff\r"));
    await see(/cuff: paired since .*, LE Secure Connections, Just Works, not/);
    expect(radio.smp.pairings).toBe(1);
    expect(hub.err()).toBe("");
  });
});
