// Long: every way a bond is made, used, lost and refused, over one pair of devices that the cases share.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../../../hardware-sim/clock/simulated-clock.ts";
import { radioAddress } from "../../../hardware-sim/radio/address.ts";
import { createAirLink } from "../../../hardware-sim/radio/air-link.ts";
import { createChance } from "../../../hardware-sim/radio/seeded.ts";
import {
  createSmpResponder,
  type SimulatedSecurity,
  type SmpResponderOptions,
} from "../../../hardware-sim/radio/smp/smp-responder.ts";
import { type HubError, isHubError } from "../../../protocol/errors.ts";
import { seconds } from "../../../protocol/time.ts";
import { until } from "../../../tests/support/until.ts";
import type { LinkSecurity, UnsecuredLink } from "../link-security.ts";
import type { BondStore } from "./bond-store.ts";
import { openBondStore } from "./bond-store.ts";
import { createBonding } from "./bonding.ts";
import type { PairingPerson } from "./pairing-person.ts";
import type { IoCapability } from "./smp-pdu.ts";

const HUB = radioAddress("00:00:5e:00:53:01");
const CUFF = radioAddress("c0:00:5e:00:53:10", "random");
const SMP_CHANNEL = 6;

let folder = "";
let clock: SimulatedClock;
let store: BondStore;
let lost: string[];
let bonded: string[];
let person: PairingPerson | null;
let endings: (HubError | null)[];
let demandsPerson: boolean;
let shownHere: Promise<number>;
let show: (number: number) => void;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "hemhub-bonding-"));
  clock = createSimulatedClock();
  store = await openBondStore(path.join(folder, "bonds.json"), () => undefined);
  lost = [];
  bonded = [];
  endings = [];
  demandsPerson = false;
  person = null;
  shownHere = new Promise((resolve) => {
    show = resolve;
  });
});
afterEach(() => rm(folder, { recursive: true }));

const cuff = (over: Partial<SmpResponderOptions> = {}): SimulatedSecurity =>
  createSmpResponder({
    clock,
    chance: createChance(7),
    io: "no-input-no-output",
    secureConnections: false,
    mitm: false,
    ...over,
  });

const bondingWith = (): LinkSecurity =>
  createBonding({
    store,
    clock,
    time: clock,
    securityOf: () => ({ bonded: true, authenticated: demandsPerson, name: "cuff" }),
    windowFor: () => person,
    onBonded: (address) => bonded.push(address),
    onBondLost: (_address, sentence) => lost.push(sentence),
    random: (octets) => Uint8Array.from(randomBytes(octets)),
  });

/** Someone at the hub: types what the sensor shows (or `types`), and says that numbers are the same (or not). */
const someone = (
  io: IoCapability,
  sensor: () => SimulatedSecurity,
  over: {
    readonly mitm?: boolean;
    readonly types?: number | null;
    readonly same?: boolean;
    readonly identity?: string;
  } = {},
): PairingPerson => ({
  io,
  mitm: over.mitm ?? io !== "no-input-no-output",
  identity: over.identity ?? CUFF.address,
  began: () => undefined,
  ended: (_address, error) => endings.push(error),
  showPasskey: (passkey) => show(passkey),
  askPasskey: () => Promise.resolve(over.types === undefined ? sensor().shown : over.types),
  compare: (number) => {
    show(number);
    return Promise.resolve(over.same ?? true);
  },
});

interface Session {
  readonly link: UnsecuredLink;
  readonly sent: Uint8Array[];
  /** Of each encryption that was started: whether it refreshed the key of a link that was encrypted already. */
  readonly encryptions: boolean[];
  /** The sensor sends this. */
  ask(bytes: Uint8Array): void;
  drop(): void;
}

/** A link between the hub and a sensor with this responder, through the simulated link layer. */
const connect = (responder: SimulatedSecurity, from = CUFF): Session => {
  const sent: Uint8Array[] = [];
  const encryptions: boolean[] = [];
  const gone = new AbortController();
  const early: Uint8Array[] = [];
  let receive: (bytes: Uint8Array) => void = (bytes) => early.push(bytes);
  const parameters = { interval: 24, latency: 0, timeout: 500 };
  const link = createAirLink({ clock, central: HUB, peripheral: from, parameters, rssi: () => -60 });
  link.join(
    {
      receive: (channel, pdu) => {
        if (channel === SMP_CHANNEL) receive(Uint8Array.from(pdu));
      },
      closed: () => gone.abort(new Error("gone")),
    },
    (end) => {
      const smp = responder.connect(end, from, () => undefined);
      return { ...smp, receive: (_channel, pdu) => smp.receive(pdu) };
    },
  );
  return {
    sent,
    encryptions,
    ask: (bytes) => receive(bytes),
    drop: () => link.central.disconnect(0x13),
    link: {
      peer: from,
      local: HUB,
      lost: gone.signal,
      smp: {
        send: (bytes) => {
          sent.push(bytes);
          link.central.send(SMP_CHANNEL, bytes);
        },
        receive: (listener) => {
          receive = listener;
          for (const bytes of early.splice(0)) listener(bytes);
        },
      },
      encrypt: (random, diversifier, key, signal) =>
        new Promise((resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
          const ediv = (diversifier[0] ?? 0) | ((diversifier[1] ?? 0) << 8);
          link.central.startEncryption({ rand: random, ediv }, key, (status, refreshed) => {
            encryptions.push(refreshed);
            resolve(status);
          });
        }),
    },
  };
};

/** Let radio, people and disk do their part until the attempt ends; `passing` is how much time goes by meanwhile. */
const outcomeOf = async (attempt: Promise<void>, passing = seconds(0)): Promise<unknown> => {
  let ended = false;
  const outcome = attempt.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  void outcome.finally(() => {
    ended = true;
  });
  await until(async () => {
    await clock.advance(passing);
    return ended;
  }, "the attempt to secure the link ends");
  return await outcome;
};

const secure = (session: Session, passing = seconds(0)): Promise<unknown> =>
  outcomeOf(bondingWith().secure(session.link, new AbortController().signal), passing);

const METHODS: readonly [string, IoCapability, Partial<SmpResponderOptions>, boolean][] = [
  ["legacy Just Works", "no-input-no-output", {}, false],
  ["Secure Connections Just Works", "no-input-no-output", { secureConnections: true }, false],
  ["legacy passkey shown by the sensor", "keyboard-display", { io: "display-only", mitm: true }, true],
  [
    "Secure Connections passkey shown by the sensor",
    "keyboard-display",
    { io: "display-only", mitm: true, secureConnections: true },
    true,
  ],
  [
    "legacy passkey typed into the sensor",
    "display-only",
    { io: "keyboard-only", mitm: true, typePasskey: () => shownHere },
    true,
  ],
  [
    "Secure Connections passkey typed into the sensor",
    "display-only",
    { io: "keyboard-only", mitm: true, secureConnections: true, typePasskey: () => shownHere },
    true,
  ],
  ["numeric comparison", "display-yes-no", { io: "display-yes-no", mitm: true, secureConnections: true }, true],
];

describe.each(METHODS)("%s", (_name, io, options, authenticated) => {
  it("pairs once inside the window, and encrypts with the stored key ever after", async () => {
    const sensor = cuff({ ...options, refusesRepairing: true });
    person = someone(io, () => sensor);
    expect(await secure(connect(sensor))).toBeNull();
    expect(store.all()).toHaveLength(1);
    expect(store.get(CUFF.address)).toMatchObject({
      authenticated,
      secureConnections: options.secureConnections ?? false,
    });

    person = null;
    store = await openBondStore(path.join(folder, "bonds.json"), () => undefined);
    for (let session = 0; session < 3; session++) {
      const again = connect(sensor);
      expect(await secure(again)).toBeNull();
      expect(again.sent).toEqual([]);
    }
    expect(sensor.pairings).toBe(1);
    expect(lost).toEqual([]);
  });
});

it("reports a sensor that lost the bond, and never pairs again in silence", async () => {
  const sensor = cuff();
  person = someone("no-input-no-output", () => sensor);
  await secure(connect(sensor));
  sensor.forget();
  person = null;
  const outcome = await secure(connect(sensor));
  expect(isHubError(outcome, "bond-lost")).toBe(true);
  expect(lost).toEqual([expect.stringContaining("cuff: the sensor has forgotten its bond")]);
  expect(sensor.pairings).toBe(1);
  expect(store.get(CUFF.address)).not.toBeNull();
});

it("pairs anew in a window a sensor that lost its bond, on the same link, and keeps the old bond until then", async () => {
  const sensor = cuff();
  person = someone("no-input-no-output", () => sensor);
  await secure(connect(sensor));
  const before = store.get(CUFF.address);
  sensor.forget();
  sensor.setPairable(false);
  expect(isHubError(await secure(connect(sensor)), "ble-not-bonded")).toBe(true);
  expect(store.get(CUFF.address)).toEqual(before);
  sensor.setPairable(true);
  expect(await secure(connect(sensor))).toBeNull();
  expect(store.get(CUFF.address)?.ltk).not.toBe(before?.ltk);
  expect(lost).toEqual([]);
  expect(endings.map((one) => one?.code)).toEqual([undefined, "ble-not-bonded", undefined]);
});

it("uses the stored key in a window too, where the sensor still has it", async () => {
  const sensor = cuff();
  person = someone("no-input-no-output", () => sensor);
  await secure(connect(sensor));
  const again = connect(sensor);
  expect(await secure(again)).toBeNull();
  expect(again.sent).toEqual([]);
  expect(sensor.pairings).toBe(1);
  expect(endings).toEqual([null, null]);
});

it("keeps no bond with another sensor than the enrolled one that answers in the window", async () => {
  const sensor = cuff();
  person = someone("no-input-no-output", () => sensor, { identity: "c0:00:5e:00:53:77" });
  const outcome = await secure(connect(sensor));
  expect(String(outcome)).toContain("the sensor that answered is c0:00:5e:00:53:10, and c0:00:5e:00:53:77 is enrolled");
  expect(store.all()).toEqual([]);
  expect(bonded).toEqual([]);
});

it("does not use a bond without a passkey for a sensor whose catalogue entry demands one", async () => {
  const sensor = cuff();
  person = someone("no-input-no-output", () => sensor);
  await secure(connect(sensor));
  person = null;
  demandsPerson = true;
  const outcome = await secure(connect(sensor));
  expect(isHubError(outcome, "ble-not-bonded")).toBe(true);
  expect(String(outcome)).toContain("paired without the passkey or comparison that it demands");
});

it("gives a bonded sensor that asks for security a fresh session key of the same bond", async () => {
  const sensor = cuff({ secureConnections: true });
  person = someone("no-input-no-output", () => sensor);
  await secure(connect(sensor));
  person = null;
  const session = connect(sensor);
  expect(await secure(session)).toBeNull();
  expect(session.encryptions).toEqual([false]);
  session.ask(Uint8Array.of(0x0b, 0x09));
  await until(() => session.encryptions.length === 2, "the link is encrypted again");
  // The second one refreshes the key of an encrypted link.
  expect(session.encryptions).toEqual([false, true]);
  expect(session.sent).toEqual([]);
});

it("does not pair without a window, not even when the sensor asks for it", async () => {
  const sensor = cuff({ requestsSecurity: true });
  const session = connect(sensor);
  const outcome = await secure(session);
  expect(isHubError(outcome, "ble-not-bonded")).toBe(true);
  await clock.advance(seconds(1));
  expect(session.sent).toEqual([Uint8Array.of(0x05, 0x05)]);
  expect(store.all()).toEqual([]);
});

it("pairs with a sensor that asks for security first", async () => {
  const sensor = cuff({ requestsSecurity: true, secureConnections: true });
  person = someone("no-input-no-output", () => sensor);
  expect(await secure(connect(sensor))).toBeNull();
  expect(sensor.pairings).toBe(1);
});

it.each([
  ["legacy", false],
  ["Secure Connections", true],
])("refuses a wrong passkey (%s), keeps no bond, and says what to do", async (_name, secureConnections) => {
  const sensor = cuff({ io: "display-only", mitm: true, secureConnections, passkey: 123_456 });
  person = someone("keyboard-display", () => sensor, { types: 123_457 });
  const outcome = await secure(connect(sensor));
  expect(isHubError(outcome, "ble-not-bonded")).toBe(true);
  expect(String(outcome)).toContain("start the pairing again");
  expect(store.all()).toEqual([]);
});

it.each([
  ["gives up the passkey", "keyboard-display", { io: "display-only", mitm: true }, { types: null }],
  [
    "sees different numbers",
    "display-yes-no",
    { io: "display-yes-no", mitm: true, secureConnections: true },
    { same: false },
  ],
  ["needs protection that the sensor cannot give", "keyboard-display", { io: "no-input-no-output" }, { mitm: true }],
] as const)("ends the pairing when the person %s", async (_name, io, options, over) => {
  const sensor = cuff(options);
  person = someone(io, () => sensor, over);
  expect(isHubError(await secure(connect(sensor)), "ble-not-bonded")).toBe(true);
  expect(store.all()).toEqual([]);
});

it("ends a pairing that makes no progress after 30 s", async () => {
  const sensor = cuff({ io: "display-only", mitm: true });
  person = { ...someone("keyboard-display", () => sensor), askPasskey: () => new Promise(() => undefined) };
  expect(isHubError(await secure(connect(sensor), seconds(1)), "ble-timeout")).toBe(true);
});

it("ends with the link, in the middle of a pairing", async () => {
  const sensor = cuff({ io: "display-only", mitm: true });
  const session = connect(sensor);
  person = { ...someone("keyboard-display", () => sensor), askPasskey: () => new Promise(() => undefined) };
  const outcome = secure(session);
  await clock.advance(seconds(1));
  session.drop();
  expect(await outcome).toBeInstanceOf(Error);
  expect(store.all()).toEqual([]);
});

it("knows a sensor that changes its address by its identity key", async () => {
  const irk = Uint8Array.from(Buffer.from("ec0234a357c8ad05341010a60a397d9b", "hex"));
  const identity = radioAddress("c0:00:5e:00:53:99", "random");
  const sensor = cuff({ secureConnections: true, identity: { address: identity, irk } });
  // Core specification Vol 3 Part H, Appendix D.7: this key makes 0dfbaa of 708194.
  const resolvable = radioAddress("70:81:94:0d:fb:aa", "random");
  person = someone("no-input-no-output", () => sensor, { identity: identity.address });
  expect(await secure(connect(sensor, resolvable))).toBeNull();
  expect(bondingWith().identityOf(resolvable.address)).toBe(identity.address);
  expect(bondingWith().identityOf("70:81:94:0d:fb:ab")).toBe("70:81:94:0d:fb:ab");
  person = null;
  expect(await secure(connect(sensor, resolvable))).toBeNull();
  expect(sensor.pairings).toBe(1);
});

it("survives any bytes from a sensor, as itself and in the middle of a pairing", async () => {
  const chance = createChance(11);
  for (let round = 0; round < 300; round++) {
    const session = connect(cuff({ secureConnections: chance.whole(0, 1) === 1 }));
    let listener: (bytes: Uint8Array) => void = () => undefined;
    const link: UnsecuredLink = {
      ...session.link,
      smp: {
        send: () => {
          const pdu = Uint8Array.from({ length: chance.whole(0, 66) }, () => chance.whole(0, 255));
          if (pdu.length > 0) pdu[0] = chance.whole(0, 15);
          queueMicrotask(() => listener(pdu));
        },
        receive: (given) => {
          listener = given;
        },
      },
    };
    person = someone("no-input-no-output", () => cuff());
    const outcome = await outcomeOf(bondingWith().secure(link, new AbortController().signal), seconds(1));
    expect(isHubError(outcome), String(outcome)).toBe(true);
  }
  expect(store.all()).toEqual([]);
});
