import type { Clock } from "../../../protocol/ports/clock.ts";
import { type Millis, seconds } from "../../../protocol/time.ts";
import { addressFrom, addressOctets, addressTypeOctet, type RadioAddress } from "../address.ts";
import type { KeyRequest, PeripheralLink } from "../air-link.ts";
import { CHANNEL } from "../hci-codes.ts";
import { le16, octets, reversed } from "../little-endian.ts";
import type { Chance } from "../seeded.ts";
import { type Bond, type Bonds, createBonds } from "./bonds.ts";
import { createLegacyPairing } from "./legacy-pairing.ts";
import type { Pairing, PairingContext } from "./pairing.ts";
import { type AgreedFeatures, agreeOn, authReq, type PairingAbilities } from "./pairing-features.ts";
import { createSecurePairing } from "./secure-pairing.ts";
import { KEYS, SMP, SMP_FAILURE } from "./smp-codes.ts";
import type { SmpResponder, SmpSession } from "./smp-port.ts";

/** After it a pairing has failed, and the link takes no more SMP (Core Vol 3 Part H 3.4). */
const PAIRING_TIMEOUT: Millis = seconds(30);
const NO_RAND = new Uint8Array(8);

export interface SmpResponderOptions extends PairingAbilities {
  readonly clock: Clock;
  readonly chance: Chance;
  /** Identity address and resolving key that the device gives away; without it none. Key most significant first. */
  readonly identity?: { readonly address: RadioAddress; readonly irk: Uint8Array };
  /** Sends a Security Request as soon as a central connects. Default false. */
  readonly requestsSecurity?: boolean;
  /** Refuses to pair again with a central that it is bonded with. Default false. */
  readonly refusesRepairing?: boolean;
  /** The passkey that it shows. Default random. */
  readonly passkey?: number;
  /** The patient types what the hub shows. Default: gives up. */
  typePasskey?(): Promise<number | null>;
  /** The patient compares the numbers. Default: they are the same. */
  compare?(shown: number): Promise<boolean>;
}

/** A device's Security Manager with its bonds. */
export interface SimulatedSecurity extends SmpResponder {
  readonly bonds: ReadonlyMap<string, Bond>;
  /** Six digits that it showed last, a passkey or a number to compare; null before. */
  readonly shown: number | null;
  /** Pairings that ended in a key, whether bonded or not. */
  readonly pairings: number;
  /** Whether it takes part in pairings at all. True at the start. */
  setPairable(pairable: boolean): void;
  /** Loses the key of one central, or of all. */
  forget(peer?: string): void;
}

/** A shorter key has its most significant octets zero (2.3.4). */
const sized = (key: Uint8Array, size: number): Uint8Array => key.map((octet, index) => (index < size ? octet : 0));

interface Progress {
  readonly features: AgreedFeatures;
  readonly pairing: Pairing;
  readonly finished: AbortController;
  /** Set when pairing has led to a key; least significant octet first. */
  key: Uint8Array | null;
  bond: Bond | null;
  identity: RadioAddress | null;
  expected: number;
}

export const createSmpResponder = (options: SmpResponderOptions): SimulatedSecurity => {
  const { clock, chance } = options;
  const bonds: Bonds = createBonds();
  let pairable = true;
  let shown: number | null = null;
  let pairings = 0;

  const connect = (link: PeripheralLink, own: RadioAddress, changed: () => void): SmpSession => {
    let progress: Progress | null = null;
    let timedOut = false;
    let inUse: Bond | null = null;
    let bonded: string | null = bonds.all.has(link.central.address) ? link.central.address : null;
    let authenticated = false;
    let turn: Promise<void> = Promise.resolve();

    const send = (...fields: readonly (number | Iterable<number>)[]): void => link.send(CHANNEL.SMP, octets(...fields));

    const end = (): void => {
      progress?.finished.abort();
      progress = null;
    };
    const fail = (reason: number): void => {
      end();
      send(SMP.PAIRING_FAILED, reason);
    };

    const show = (number: number): number => {
      shown = number;
      return number;
    };

    const contextOf = (request: Uint8Array, features: AgreedFeatures): PairingContext => ({
      association: features.association,
      chance,
      preq: reversed(request),
      pres: reversed(features.response),
      initiator: octets(addressTypeOctet(link.central), reversed(addressOctets(link.central))),
      responder: octets(addressTypeOctet(own), reversed(addressOctets(own))),
      passkey: async () => {
        if (features.association !== "responder-displays") return (await options.typePasskey?.()) ?? null;
        return shown;
      },
      compare: async (number) => (await options.compare?.(show(number))) ?? true,
      send: (code, ...values) => send(code, ...values.map(reversed)),
    });

    const begin = (request: Uint8Array): void => {
      end();
      const refused = !pairable || (options.refusesRepairing === true && bonded !== null);
      const features = refused ? SMP_FAILURE.NOT_SUPPORTED : agreeOn(request, options);
      if (typeof features === "number") {
        fail(features);
        return;
      }
      if (features.association === "responder-displays") show(options.passkey ?? chance.whole(0, 999_999));
      const context = contextOf(request, features);
      const finished = new AbortController();
      progress = {
        features,
        pairing: features.secureConnections ? createSecurePairing(context) : createLegacyPairing(context),
        finished,
        key: null,
        bond: null,
        identity: null,
        expected: features.fromInitiator,
      };
      clock.sleep(PAIRING_TIMEOUT, finished.signal).then(
        () => {
          timedOut = true;
          end();
        },
        // Finished in time.
        () => undefined,
      );
      send(features.response);
    };

    const finish = (done: Progress): void => {
      const peer = done.identity?.address ?? link.central.address;
      end();
      if (!done.features.bonding || done.bond === null) return;
      bonds.add({ ...done.bond, peer });
      bonded = peer;
      changed();
    };

    const bondOf = ({ features, key }: Progress): Bond | null => {
      const { secureConnections, association, keySize } = features;
      const base = { peer: link.central.address, authenticated: association !== "just-works", secureConnections };
      if (secureConnections) return key === null ? null : { ...base, ltk: key, ediv: 0, rand: NO_RAND };
      if ((features.fromResponder & KEYS.ENCRYPTION) === 0) return null;
      return { ...base, ltk: sized(chance.bytes(16), keySize), ediv: chance.whole(1, 0xffff), rand: chance.bytes(8) };
    };

    /** Keys of the responder go first, those of the initiator after them (3.6.1). */
    const distribute = (current: Progress): void => {
      const { features } = current;
      pairings += 1;
      authenticated = features.association !== "just-works";
      current.bond = bondOf(current);
      const { identity } = options;
      if (current.bond !== null && !features.secureConnections) {
        send(SMP.ENCRYPTION_INFORMATION, current.bond.ltk);
        send(SMP.CENTRAL_IDENTIFICATION, le16(current.bond.ediv), current.bond.rand);
      }
      if ((features.fromResponder & KEYS.IDENTITY) !== 0) {
        const { address, irk } = identity ?? { address: own, irk: new Uint8Array(16) };
        send(SMP.IDENTITY_INFORMATION, reversed(irk));
        send(SMP.IDENTITY_ADDRESS, addressTypeOctet(address), addressOctets(address));
      }
      if (current.expected === 0) finish(current);
    };

    const takeKey = (current: Progress, code: number, value: Uint8Array): void => {
      if (code === SMP.CENTRAL_IDENTIFICATION) current.expected &= ~KEYS.ENCRYPTION;
      if (code === SMP.IDENTITY_ADDRESS) {
        current.identity = addressFrom(value[0] ?? 0, value.subarray(1, 7));
        current.expected &= ~KEYS.IDENTITY;
      }
      if (current.expected === 0) finish(current);
    };

    const handle = async (pdu: Uint8Array): Promise<void> => {
      const code = pdu[0] ?? 0;
      if (timedOut) return;
      if (code === SMP.PAIRING_REQUEST) return begin(pdu);
      if (code === SMP.PAIRING_FAILED) return end();
      const current = progress;
      if (current === null || code === SMP.KEYPRESS || code > SMP.KEYPRESS) return;
      if (current.bond !== null || current.key !== null) return takeKey(current, code, pdu.subarray(1));
      const step = await current.pairing.receive(code, pdu.subarray(1));
      if (progress !== current || step.tag === "waiting") return;
      if (step.tag === "failed") return fail(step.reason);
      current.key = sized(reversed(step.key), current.features.keySize);
      send(step.reply.code, reversed(step.reply.value));
    };

    const keyFor = (request: KeyRequest): Uint8Array | null => {
      const fresh = progress?.key ?? null;
      inUse = null;
      if (fresh !== null && request.ediv === 0 && request.rand.every((octet) => octet === 0)) return fresh;
      inUse = bonds.find(link.central.address, request);
      return inUse?.ltk ?? null;
    };

    if (options.requestsSecurity === true) send(SMP.SECURITY_REQUEST, authReq(options));

    return {
      receive: (pdu) => {
        turn = turn.then(() => handle(pdu));
      },
      keyFor,
      encrypted: () => {
        if (inUse !== null) {
          authenticated = inUse.authenticated;
          bonded = inUse.peer;
        } else if (progress !== null) distribute(progress);
      },
      get security() {
        return { authenticated, bond: bonded };
      },
      closed: end,
    };
  };

  return {
    bonds: bonds.all,
    get shown() {
      return shown;
    },
    get pairings() {
      return pairings;
    },
    setPairable: (on) => {
      pairable = on;
    },
    forget: bonds.forget,
    connect,
  };
};
