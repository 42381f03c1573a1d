import { createECDH, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../protocol/bytes.ts";
import { seconds } from "../../../protocol/time.ts";
import { createSimulatedClock, type SimulatedClock } from "../../clock/simulated-clock.ts";
import { addressOctets, radioAddress } from "../address.ts";
import { createAirLink, type KeyRequest } from "../air-link.ts";
import { le16, octets, reversed, sameBytes } from "../little-endian.ts";
import { createChance } from "../seeded.ts";
import { associationOf, IO_CAPABILITIES, type IoCapability } from "./association.ts";
import { hasPasskey, passkeyOctets } from "./pairing.ts";
import { c1, f4, f5, f6, g2, s1 } from "./smp-functions.ts";
import { createSmpResponder, type SimulatedSecurity, type SmpResponderOptions } from "./smp-responder.ts";

const HUB = radioAddress("00:00:5e:00:53:01");
const CUFF = radioAddress("c0:00:5e:00:53:10", "random");
const IRK = fromHex("ec0234a357c8ad05341010a60a397d9b");
const SMP_CHANNEL = 6;
const NO_RAND = new Uint8Array(8);

/** A connection between a device with this responder and a hub that speaks SMP by hand. */
interface Connection {
  readonly clock: SimulatedClock;
  readonly bonds: string[];
  send(...fields: readonly (number | Iterable<number>)[]): void;
  /** The next PDU of the device; throws when it stays silent. */
  next(): Promise<Uint8Array>;
  encrypt(request: KeyRequest, key: Uint8Array): Promise<number>;
  security(): { readonly authenticated: boolean; readonly bond: string | null };
}

const connect = async (responder: SimulatedSecurity, clock: SimulatedClock): Promise<Connection> => {
  const inbox: Uint8Array[] = [];
  const bonds: string[] = [];
  const parameters = { interval: 24, latency: 0, timeout: 500 };
  const link = createAirLink({ clock, central: HUB, peripheral: CUFF, parameters, rssi: () => -60 });
  let session: ReturnType<SimulatedSecurity["connect"]> | null = null;
  link.join({ receive: (_channel, pdu) => inbox.push(pdu), closed: () => undefined }, (end) => {
    const smp = responder.connect(end, CUFF, () => bonds.push("made"));
    session = smp;
    return { ...smp, receive: (_channel, pdu) => smp.receive(pdu) };
  });
  return {
    clock,
    bonds,
    send: (...fields) => link.central.send(SMP_CHANNEL, octets(...fields)),
    next: async () => {
      await clock.advance(seconds(0));
      const pdu = inbox.shift();
      if (pdu === undefined) throw new Error("the device said nothing");
      return pdu;
    },
    encrypt: (request, key) => new Promise((resolve) => link.central.startEncryption(request, key, resolve)),
    security: () => session?.security ?? { authenticated: false, bond: null },
  };
};

interface Hub {
  readonly io: IoCapability;
  readonly mitm?: boolean;
  readonly secureConnections?: boolean;
  readonly bonding?: boolean;
  readonly keySize?: number;
  /** What the person types into the hub, from what the device shows. */
  type?(shown: number): number;
  /** What the hub shows for the person to type into the device. */
  readonly shows?: number;
  compare?(shown: number): void;
}

interface Paired {
  readonly association: string;
  readonly status: number;
  readonly ltk: Uint8Array;
  readonly request: KeyRequest;
  readonly irk: string | null;
  readonly identity: string | null;
}

class PairingFailed extends Error {
  readonly reason: number;
  constructor(reason: number) {
    super(`pairing failed, reason ${reason}`);
    this.reason = reason;
  }
}

/** The initiator, written out step by step from Core Vol 3 Part H appendix C. Its own SMP, not the hub's. */
const pair = async (connection: Connection, hub: Hub, responder: SimulatedSecurity): Promise<Paired> => {
  const { send } = connection;
  const next = async (code: number): Promise<Uint8Array> => {
    const pdu = await connection.next();
    if (pdu[0] === 0x05) throw new PairingFailed(pdu[1] ?? 0);
    expect(pdu[0]).toBe(code);
    return pdu;
  };
  const value = async (code: number): Promise<Uint8Array> => reversed((await next(code)).subarray(1));

  const auth = (hub.bonding === false ? 0 : 1) | (hub.mitm === true ? 4 : 0) | (hub.secureConnections === true ? 8 : 0);
  const preq = octets(0x01, IO_CAPABILITIES.indexOf(hub.io), 0, auth, hub.keySize ?? 16, 0x03, 0x03);
  send(preq);
  const pres = await next(0x02);
  const secure = ((pres[3] ?? 0) & auth & 8) !== 0;
  const guarded = (((pres[3] ?? 0) | auth) & 4) !== 0;
  const association = guarded
    ? associationOf(hub.io, IO_CAPABILITIES[pres[1] ?? 0] ?? "no-input-no-output", secure)
    : "just-works";
  const passkey = (): number => {
    if (!hasPasskey(association)) return 0;
    return association === "responder-displays" ? (hub.type?.(responder.shown ?? -1) ?? -1) : (hub.shows ?? 0);
  };
  const initiator = octets(0, reversed(addressOctets(HUB)));
  const peer = octets(1, reversed(addressOctets(CUFF)));

  const legacyKey = async (): Promise<Uint8Array> => {
    const context = { preq: reversed(preq), pres: reversed(pres), initiator, responder: peer };
    const tk = passkeyOctets(passkey());
    const mrand = randomBytes(16);
    send(0x03, reversed(c1(tk, mrand, context)));
    const confirm = await value(0x03);
    send(0x04, reversed(mrand));
    const srand = await value(0x04);
    expect(toHex(c1(tk, srand, context))).toBe(toHex(confirm));
    return reversed(s1(tk, srand, mrand));
  };

  const secureKey = async (): Promise<Uint8Array> => {
    const ecdh = createECDH("prime256v1");
    const point = Uint8Array.from(ecdh.generateKeys());
    const ownX = point.slice(1, 33);
    send(0x0c, reversed(ownX), reversed(point.slice(33)));
    const theirs = (await next(0x0c)).subarray(1);
    const peerX = reversed(theirs.subarray(0, 32));
    const shared = ecdh.computeSecret(octets(0x04, peerX, reversed(theirs.subarray(32))));
    const typed = passkey();
    let na: Uint8Array = new Uint8Array();
    let nb: Uint8Array = new Uint8Array();
    for (let round = 0; round < (hasPasskey(association) ? 20 : 1); round++) {
      const z = hasPasskey(association) ? 0x80 | ((typed >> round) & 1) : 0;
      na = Uint8Array.from(randomBytes(16));
      if (hasPasskey(association)) send(0x03, reversed(f4(ownX, peerX, na, z)));
      const confirm = await value(0x03);
      send(0x04, reversed(na));
      nb = await value(0x04);
      if (!sameBytes(f4(peerX, ownX, nb, z), confirm)) throw new PairingFailed(0x04);
    }
    if (association === "numeric-comparison") hub.compare?.(g2(ownX, peerX, na, nb) % 1_000_000);
    const r = passkeyOctets(typed);
    const { macKey, ltk } = f5(shared, na, nb, initiator, peer);
    send(0x0d, reversed(f6(macKey, na, nb, r, reversed(preq).subarray(3, 6), initiator, peer)));
    const check = await value(0x0d);
    expect(toHex(check)).toBe(toHex(f6(macKey, nb, na, r, reversed(pres).subarray(3, 6), peer, initiator)));
    return reversed(ltk);
  };

  const shorten = (key: Uint8Array): Uint8Array => key.map((octet, index) => (index < (hub.keySize ?? 16) ? octet : 0));
  const key = shorten(secure ? await secureKey() : await legacyKey());
  const status = await connection.encrypt({ ediv: 0, rand: NO_RAND }, key);
  let ltk = key;
  let request: KeyRequest = { ediv: 0, rand: NO_RAND };
  if (((pres[6] ?? 0) & 1) !== 0) {
    ltk = (await next(0x06)).subarray(1);
    const named = Buffer.from(await next(0x07));
    request = { ediv: named.readUInt16LE(1), rand: Uint8Array.from(named.subarray(3)) };
  }
  const irk = ((pres[6] ?? 0) & 2) === 0 ? null : toHex(await value(0x08));
  const identity = irk === null ? null : toHex(await value(0x09));
  if (((pres[5] ?? 0) & 1) !== 0) {
    send(0x06, randomBytes(16));
    send(0x07, le16(7), randomBytes(8));
  }
  send(0x08, new Uint8Array(16));
  send(0x09, 0, addressOctets(HUB));
  await connection.clock.advance(seconds(0));
  return { association, status, ltk, request, irk, identity };
};

const device = (options: Partial<SmpResponderOptions> = {}) => {
  const clock = createSimulatedClock();
  const responder = createSmpResponder({
    clock,
    chance: createChance(9),
    io: "no-input-no-output",
    secureConnections: true,
    mitm: false,
    identity: { address: CUFF, irk: IRK },
    ...options,
  });
  return { responder, connect: () => connect(responder, clock), clock };
};

const reasonOf = async (pairing: Promise<unknown>): Promise<number | null> =>
  pairing.then(
    () => null,
    (thrown: unknown) => {
      if (thrown instanceof PairingFailed) return thrown.reason;
      throw thrown;
    },
  );

describe("pairing", () => {
  const typed = (shown: number): number => shown;

  it.each<[string, Partial<SmpResponderOptions>, Hub, string]>([
    ["legacy Just Works", { secureConnections: false }, { io: "no-input-no-output" }, "just-works"],
    [
      "legacy passkey that the device shows",
      { secureConnections: false, io: "display-only", mitm: true },
      { io: "keyboard-display", mitm: true, type: typed },
      "responder-displays",
    ],
    [
      "legacy passkey that the hub shows",
      { secureConnections: false, io: "keyboard-only", typePasskey: async () => 123_456 },
      { io: "display-only", mitm: true, shows: 123_456 },
      "responder-types",
    ],
    ["Secure Connections Just Works", {}, { io: "no-input-no-output", secureConnections: true }, "just-works"],
    [
      "Secure Connections numeric comparison",
      { io: "display-yes-no" },
      { io: "display-yes-no", mitm: true, secureConnections: true },
      "numeric-comparison",
    ],
    [
      "Secure Connections passkey that the device shows",
      { io: "display-only", passkey: 7 },
      { io: "keyboard-display", mitm: true, secureConnections: true, type: typed },
      "responder-displays",
    ],
    [
      "Secure Connections passkey that the hub shows",
      { io: "keyboard-only", typePasskey: async () => 999_999 },
      { io: "display-only", mitm: true, secureConnections: true, shows: 999_999 },
      "responder-types",
    ],
    ["a hub without Secure Connections", {}, { io: "no-input-no-output" }, "just-works"],
    ["a key of 7 octets", {}, { io: "no-input-no-output", keySize: 7 }, "just-works"],
  ])("%s: encrypts, bonds, and encrypts again on the next connection", async (_what, options, hub, association) => {
    const { responder, connect: again } = device(options);
    const first = await again();
    const paired = await pair(first, hub, responder);
    expect(paired).toMatchObject({ association, status: 0, irk: toHex(IRK), identity: "c0005e00531001" });
    expect(first.bonds).toEqual(["made"]);
    expect(first.security()).toEqual({ authenticated: association !== "just-works", bond: HUB.address });
    expect(responder.bonds.get(HUB.address)).toMatchObject({ authenticated: association !== "just-works" });

    const second = await again();
    expect(second.security()).toEqual({ authenticated: false, bond: HUB.address });
    expect(await second.encrypt(paired.request, paired.ltk)).toBe(0);
    expect(second.security()).toEqual({ authenticated: association !== "just-works", bond: HUB.address });
    expect(responder.pairings).toBe(1);
  });

  it("shows the same number on both sides in a numeric comparison", async () => {
    const seen: number[] = [];
    const { responder, connect: once } = device({
      io: "display-yes-no",
      compare: async (shown) => {
        seen.push(shown);
        return true;
      },
    });
    const hub: Hub = {
      io: "display-yes-no",
      mitm: true,
      secureConnections: true,
      compare: (shown) => seen.push(shown),
    };
    await pair(await once(), hub, responder);
    expect(seen).toHaveLength(2);
    expect(seen[0]).toBe(seen[1]);
  });

  it("encrypts without a bond for a hub that does not want one", async () => {
    const { responder, connect: once } = device();
    const connection = await once();
    expect(await pair(connection, { io: "no-input-no-output", bonding: false }, responder)).toMatchObject({
      status: 0,
    });
    expect(responder.bonds.size).toBe(0);
  });

  it("works with any passkey, Secure Connections and legacy", async () => {
    for (const passkey of [0, 1, 19_655, 524_287, 999_999]) {
      for (const secureConnections of [true, false]) {
        const { responder, connect: once } = device({ io: "display-only", passkey, secureConnections });
        const hub: Hub = { io: "keyboard-only", mitm: true, secureConnections, type: (shown) => shown };
        expect(await pair(await once(), hub, responder), String(passkey)).toMatchObject({ status: 0 });
      }
    }
  });
});

describe("pairing fails", () => {
  it.each([true, false])("on a wrong passkey (Secure Connections: %s)", async (secureConnections) => {
    const { responder, connect: once } = device({ io: "display-only", secureConnections });
    const hub: Hub = { io: "keyboard-only", mitm: true, secureConnections, type: (shown) => shown ^ 1 };
    expect(await reasonOf(pair(await once(), hub, responder))).toBe(0x04);
    expect(responder.bonds.size).toBe(0);
  });

  it.each<[string, Partial<SmpResponderOptions>, Hub, number]>([
    [
      "when the device demands a person and there is none",
      { io: "display-only", mitm: true },
      { io: "no-input-no-output" },
      0x03,
    ],
    ["when the key would be too short", {}, { io: "no-input-no-output", keySize: 6 }, 0x06],
    ["when the key size is beyond the range", {}, { io: "no-input-no-output", keySize: 17 }, 0x0a],
    [
      "when the patient types nothing",
      { io: "keyboard-only" },
      { io: "display-only", mitm: true, secureConnections: true },
      0x01,
    ],
    [
      "when the patient says that the numbers differ",
      { io: "display-yes-no", compare: async () => false },
      { io: "display-yes-no", mitm: true, secureConnections: true },
      0x0c,
    ],
  ])("%s", async (_what, options, hub, reason) => {
    const { responder, connect: once } = device(options);
    expect(await reasonOf(pair(await once(), hub, responder))).toBe(reason);
  });

  it("while the device is not pairable, and for a bonded hub where the device refuses to pair again", async () => {
    const { responder, connect: again } = device({ refusesRepairing: true });
    responder.setPairable(false);
    expect(await reasonOf(pair(await again(), { io: "no-input-no-output" }, responder))).toBe(0x05);
    responder.setPairable(true);
    await pair(await again(), { io: "no-input-no-output" }, responder);
    expect(await reasonOf(pair(await again(), { io: "no-input-no-output" }, responder))).toBe(0x05);
    responder.forget();
    expect(await reasonOf(pair(await again(), { io: "no-input-no-output" }, responder))).toBeNull();
  });

  it("on a reflected public key and on one that is not on the curve", async () => {
    const { connect: again } = device();
    const request = octets(0x01, 3, 0, 0x09, 16, 0, 0);
    const offCurve = await again();
    offCurve.send(request);
    await offCurve.next();
    offCurve.send(0x0c, new Uint8Array(64).fill(1));
    expect(toHex(await offCurve.next())).toBe("050b");
    const short = await again();
    short.send(request);
    await short.next();
    short.send(0x0c, new Uint8Array(10));
    expect(toHex(await short.next())).toBe("050a");
  });

  it("30 s after it stopped, and then nothing more is answered", async () => {
    const { connect: once, clock } = device();
    const connection = await once();
    const request = octets(0x01, 3, 0, 0x01, 16, 0, 0);
    connection.send(request);
    await connection.next();
    await clock.advance(seconds(31));
    connection.send(request);
    await expect(connection.next()).rejects.toThrow("the device said nothing");
  });

  it("without a word on what comes out of turn or is no command", async () => {
    const { connect: once } = device();
    const connection = await once();
    for (const stray of ["03", "04", "0d", "0e01", "ff", ""]) connection.send(fromHex(stray));
    await expect(connection.next()).rejects.toThrow("the device said nothing");
  });
});

describe("bonds", () => {
  it("are gone when the device forgot them: encryption is refused with PIN or Key Missing", async () => {
    const { responder, connect: again } = device();
    const paired = await pair(await again(), { io: "no-input-no-output" }, responder);
    responder.forget(HUB.address);
    const next = await again();
    expect(await next.encrypt(paired.request, paired.ltk)).toBe(0x06);
    expect(next.security()).toEqual({ authenticated: false, bond: null });
  });

  it("do not open to another key", async () => {
    const { responder, connect: again } = device();
    const paired = await pair(await again(), { io: "no-input-no-output", secureConnections: true }, responder);
    const wrong = paired.ltk.map((octet) => octet ^ 1);
    expect(await (await again()).encrypt(paired.request, wrong)).toBe(0x06);
  });

  it("are asked for by the device right after the connection, where it is made so", async () => {
    const { connect: once } = device({ requestsSecurity: true, io: "display-only", mitm: true });
    expect(toHex(await (await once()).next())).toBe("0b0d");
  });
});
