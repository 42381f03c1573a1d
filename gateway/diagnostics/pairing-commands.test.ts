import { beforeEach, describe, expect, it } from "vitest";
import type { PairingPerson } from "../../drivers/ble/security/pairing-person.ts";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { HubError } from "../../protocol/errors.ts";
import { sensorId } from "../../protocol/ids.ts";
import { seconds } from "../../protocol/time.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import { until } from "../../tests/support/until.ts";
import { createPairingDesk } from "../radio/pairing-desk.ts";
import { createSensorPairing, type PairedSensor } from "../radio/sensor-pairing.ts";
import { pairingCommands } from "./pairing-commands.ts";
import type { BondView } from "./pairing-desk.ts";
import { createRegistry } from "./registry.ts";

const never = new AbortController().signal;
const CUFF = "c0:26:da:00:00:01";
const OXIMETER = "c0:26:da:00:00:02";
const SCALE = "c0:26:da:00:00:03";
const BOND: BondView = {
  keeper: "hub",
  since: "2026-06-15T12:00:00.000Z",
  method: "LE Secure Connections, passkey",
  authenticated: true,
};
const SENSORS: readonly PairedSensor[] = [
  { id: sensorId("cuff"), address: CUFF, pairing: "just-works", services: ["1810"] },
  { id: sensorId("oximeter"), address: OXIMETER, pairing: "passkey", services: ["1822"] },
  { id: sensorId("scale"), address: SCALE, pairing: "numeric-comparison", services: ["181d"] },
  { id: sensorId("belt"), address: "c0:26:da:00:00:04", pairing: "none", services: ["180d"] },
];

let clock: SimulatedClock;
let bonds: Map<string, BondView>;
let radioTrouble: string | null;

beforeEach(() => {
  clock = createSimulatedClock();
  bonds = new Map();
  radioTrouble = null;
});

const hub = () => {
  const pairing = createSensorPairing({ sensors: SENSORS, clock, logger: silentLogger, report: () => undefined });
  pairing.keepBondsIn({
    certain: true,
    bond: (address) => bonds.get(address) ?? null,
    forget: async (address) => void bonds.delete(address),
  });
  const desk = createPairingDesk({
    configured: ["cuff", "oximeter", "scale", "belt", "serial-scale"],
    sensors: SENSORS,
    pairing,
    radioTrouble: () => radioTrouble,
    clock,
  });
  const registry = createRegistry(pairingCommands(desk));
  /** What the Security Manager does when the sensor with this address connects. */
  const connects = (address: string): PairingPerson => {
    const person = pairing.security.windowFor(address);
    if (person === null) throw new Error(`no window is open for ${address}`);
    person.began();
    return person;
  };
  return { registry, connects };
};

interface Asked {
  readonly lines: string[];
  readonly data: unknown[];
  /** Exit code; null while it answers. */
  exit: number | null;
}

const ask = (registry: ReturnType<typeof hub>["registry"], words: string, json = false, signal = never): Asked => {
  const asked: Asked = { lines: [], data: [], exit: null };
  const run = async (): Promise<void> => {
    for await (const frame of registry.ask(words.split(" "), json, signal)) {
      if ("line" in frame) asked.lines.push(frame.line);
      else if ("data" in frame) asked.data.push(frame.data);
      else if ("error" in frame) asked.lines.push(`Error: ${frame.error}`);
      else asked.exit = frame.exit;
    }
  };
  run().catch((thrown: unknown) => asked.lines.push(`thrown: ${String(thrown)}`));
  return asked;
};

const shows = (asked: Asked, words: string): Promise<unknown> =>
  until(() => asked.lines.join(" ").includes(words), `the command shows ${words}: ${asked.lines.join(" ")}`);
const ends = async (asked: Asked): Promise<Asked> => {
  await until(() => asked.exit !== null, "the command ends");
  return asked;
};

describe("sensor pair", () => {
  it("opens a window, says what to do at the sensor, and tells when it is paired", async () => {
    const { registry, connects } = hub();
    const pair = ask(registry, "sensor pair cuff");
    await shows(pair, "pairing window of cuff open for 120 s");
    await shows(pair, "put it into pairing mode, as its manual says. No code is needed.");
    connects(CUFF).ended(CUFF, null);
    await ends(pair);
    expect(pair.lines.at(-1)).toBe("cuff is paired");
    expect(pair.exit).toBe(0);
    expect(pair.lines.filter((line) => line.length > 80)).toEqual([]);
  });

  it("asks for the passkey of the sensor, which is typed in the next command", async () => {
    const { registry, connects } = hub();
    const pair = ask(registry, "sensor pair oximeter");
    await shows(pair, "type sensor passkey oximeter 123456 when asked, or before");
    const person = connects(OXIMETER);
    const passkey = person.askPasskey(never);
    await ends(pair);
    expect(pair.lines.at(-1)).toBe("type the sensor's six digits within 30 s: sensor passkey oximeter 123456");
    const typed = ask(registry, "sensor passkey oximeter 004711");
    expect(await passkey).toBe(4711);
    person.ended(OXIMETER, null);
    expect((await ends(typed)).lines.at(-1)).toBe("oximeter is paired");
  });

  it("takes the passkey before it is asked for, too", async () => {
    const { registry, connects } = hub();
    ask(registry, "sensor pair oximeter");
    await until(() => clock.sleeping > 0, "the window is open");
    await shows(ask(registry, "sensor passkey oximeter 004711"), "kept until the sensor is heard");
    expect(await connects(OXIMETER).askPasskey(never)).toBe(4711);
  });

  it.each([
    ["yes", true],
    ["no", false],
  ])("shows the number to compare, and takes the answer %s", async (word, same) => {
    const { registry, connects } = hub();
    const pair = ask(registry, "sensor pair scale");
    await until(() => clock.sleeping > 0, "the window is open");
    const person = connects(SCALE);
    const answer = person.compare(42, never);
    await shows(await ends(pair), "number 000042: does the sensor show the same? sensor confirm scale yes (or no)");
    const confirm = ask(registry, `sensor confirm scale ${word}`);
    expect(await answer).toBe(same);
    person.ended(SCALE, same ? null : new HubError("ble-not-bonded", "the numbers differ"));
    await ends(confirm);
    expect(confirm.exit).toBe(same ? 0 : 1);
    expect(confirm.lines.join(" ")).toContain(same ? "scale is paired" : "pairing window closed: the numbers were");
  });

  it("shows a passkey to type at the sensor, and goes on", async () => {
    const { registry, connects } = hub();
    const pair = ask(registry, "sensor pair oximeter");
    await until(() => clock.sleeping > 0, "the window is open");
    const person = connects(OXIMETER);
    person.showPasskey(77);
    await shows(pair, "type 000077 at the sensor within 30 s");
    person.ended(OXIMETER, null);
    expect((await ends(pair)).exit).toBe(0);
  });

  it("says why an attempt failed and waits for the next", async () => {
    const { registry, connects } = hub();
    const pair = ask(registry, "sensor pair oximeter");
    await until(() => clock.sleeping > 0, "the window is open");
    connects(OXIMETER).ended(OXIMETER, new HubError("ble-not-bonded", "wrong passkey; start the pairing again"));
    await shows(pair, "attempt failed: wrong passkey; start the pairing again. Waiting for the sensor");
    expect(pair.exit).toBeNull();
  });

  it("says every 10 s that it waits, ends after 50 s, and leaves the window open", async () => {
    const { registry } = hub();
    const pair = ask(registry, "sensor pair cuff");
    for (let silence = 1; silence <= 5; silence++) {
      await until(() => clock.sleeping > 0, "it waits");
      await clock.advance(seconds(10));
      await shows(pair, `Waiting for the sensor, the window is open for ${120 - silence * 10} s more`);
    }
    expect((await ends(pair)).exit).toBe(0);
    await shows(ask(registry, "sensor bond cuff"), "Waiting for the sensor, the window is open for 70 s more");
    await clock.advance(seconds(70));
    await shows(ask(registry, "sensor bond cuff"), "pairing window closed: the window of 120 s is over");
  });

  it("closes the window when it is told to, for whoever follows it", async () => {
    const { registry } = hub();
    const pair = ask(registry, "sensor pair cuff");
    await until(() => clock.sleeping > 0, "the window is open");
    const cancel = await ends(ask(registry, "sensor pair cuff cancel"));
    expect(cancel.lines).toEqual(["pairing window closed: cancelled by the technician"]);
    expect((await ends(pair)).exit).toBe(1);
    expect(clock.sleeping).toBe(0);
  });

  it("goes on without whoever asked: Ctrl-C does not close the window", async () => {
    const { registry, connects } = hub();
    const pressed = new AbortController();
    ask(registry, "sensor pair cuff", false, pressed.signal);
    await until(() => clock.sleeping > 0, "the window is open");
    pressed.abort();
    connects(CUFF).ended(CUFF, null);
    await shows(ask(registry, "sensor bond cuff"), "cuff is paired");
  });

  it("tells programs each stage as data, without ever repeating what was typed", async () => {
    const { registry, connects } = hub();
    const pair = ask(registry, "sensor pair oximeter", true);
    await until(() => clock.sleeping > 0, "the window is open");
    ask(registry, "sensor passkey oximeter 004711", true);
    connects(OXIMETER).ended(OXIMETER, null);
    await ends(pair);
    expect(pair.data[0]).toEqual({ sensor: "oximeter", stage: { tag: "waiting" }, leftS: 120, failed: null });
    expect(pair.data.at(-1)).toMatchObject({ stage: { tag: "paired" }, leftS: null });
    expect(JSON.stringify(pair.data)).not.toContain("4711");
  });
});

describe("what cannot be", () => {
  it.each([
    ["sensor pair", "expected sensor pair <id> [cancel]"],
    ["sensor pair cuff twice", "expected sensor pair <id> [cancel]"],
    ["sensor pair cuf", "sensor cuf: not configured (did you mean cuff?); sensor list names those that are"],
    ["sensor pair serial-scale", "not read over Bluetooth now, so there is nothing to pair"],
    ["sensor pair belt", "its model is read without pairing; measure with it"],
    ["sensor pair cuff cancel", "no pairing window is open; sensor pair cuff opens one"],
    ["sensor passkey oximeter 123456", "no pairing window is open; sensor pair oximeter opens one"],
    ["sensor passkey oximeter 12345", "expected six digits, as the sensor has them"],
    ["sensor confirm scale yes", "no pairing window is open"],
    ["sensor confirm scale maybe", "expected sensor confirm <id> yes|no"],
    ["sensor bond", "expected sensor bond <id>"],
    ["sensor forget cuff", "not paired, there is no bond to remove"],
    ["sensor forget cuff now", "expected sensor forget <id> confirm"],
  ])("%s: says the next step", async (words, sentence) => {
    const asked = await ends(ask(hub().registry, words));
    expect(asked.lines.join(" ")).toContain(sentence);
    expect(asked.exit).toBeGreaterThan(0);
  });

  it("opens no window where no radio hears the sensor", async () => {
    radioTrouble = "Bluetooth adapter hci0: there is no such adapter; plug it in, or correct `device`";
    const asked = await ends(ask(hub().registry, "sensor pair cuff"));
    expect(asked.lines).toEqual([`Error: ${radioTrouble}`]);
  });

  it("does not take a comparison before there is something to compare", async () => {
    const { registry } = hub();
    ask(registry, "sensor pair scale");
    await until(() => clock.sleeping > 0, "the window is open");
    await shows(ask(registry, "sensor confirm scale yes"), "no number is to be compared now");
  });
});

describe("sensor bond and sensor forget", () => {
  it("show since when and how it is paired, and no key", async () => {
    bonds.set(OXIMETER, BOND);
    const { registry } = hub();
    const bond = await ends(ask(registry, "sensor bond oximeter"));
    expect(bond.lines).toEqual([
      "oximeter: paired since 2026-06-15T12:00Z, LE Secure Connections, passkey,",
      "authenticated",
    ]);
    const { data } = await ends(ask(registry, "sensor bond oximeter", true));
    expect(data).toMatchObject([{ sensor: "oximeter", bond: BOND, pairing: { stage: { tag: "closed" } } }]);
    expect((await ends(ask(registry, "sensor bond cuff"))).lines).toEqual(["cuff: not paired"]);
  });

  it("say what is not known of a bond that BlueZ keeps", async () => {
    bonds.set(CUFF, { keeper: "bluez", since: null, method: null, authenticated: null });
    expect((await ends(ask(hub().registry, "sensor bond cuff"))).lines).toEqual([
      "cuff: paired, keys and method kept by BlueZ",
    ]);
  });

  it("remove a bond only when the word is given", async () => {
    bonds.set(CUFF, BOND);
    const { registry } = hub();
    const asked = await ends(ask(registry, "sensor forget cuff"));
    expect(asked.exit).toBe(2);
    expect(asked.lines.join(" ")).toContain("sensor forget cuff confirm removes it");
    expect(bonds.size).toBe(1);
    const removed = await ends(ask(registry, "sensor forget cuff confirm"));
    expect(removed.exit).toBe(0);
    expect(bonds.size).toBe(0);
  });
});
