import { fromHex } from "../../../protocol/bytes.ts";
import { HubError } from "../../../protocol/errors.ts";
import type { Clock, HubTime } from "../../../protocol/ports/clock.ts";
import { isoUtc, seconds } from "../../../protocol/time.ts";
import type { Peer } from "../hci-adapter.ts";
import type { LinkSecurity, UnsecuredLink } from "../link-security.ts";
import { type Bond, resolves } from "./bond.ts";
import type { BondStore } from "./bond-store.ts";
import { pairingStep } from "./pairing.ts";
import type { PairedKeys, PairingEffect, PairingEvent, PairingPolicy, PairingState } from "./pairing-state.ts";
import type { PairingAddress } from "./smp-crypto.ts";
import { FAILURES, type IoCapability, SMP } from "./smp-pdu.ts";

/** A person at the hub while a pairing window is open: what the hub can show and ask decides the pairing method. */
export interface PairingPerson {
  readonly io: IoCapability;
  /** True where the sensor's catalogue entry demands a passkey or a comparison. */
  readonly mitm: boolean;
  showPasskey(passkey: number): void;
  /** Six digits as shown by the sensor; null to give up. */
  askPasskey(signal: AbortSignal): Promise<number | null>;
  compare(number: number, signal: AbortSignal): Promise<boolean>;
}

/** What the hub knows of an address before it connects. */
export interface SensorSecurity {
  /** True where the catalogue says that this sensor demands a bonded, encrypted link. */
  readonly bonded: boolean;
  /** Name for sentences. */
  readonly name: string;
}

export interface BondingOptions {
  readonly store: BondStore;
  readonly clock: Clock;
  readonly time: HubTime;
  /** Security of an enrolled sensor by identity address; null for one that is not enrolled. */
  securityOf(address: string): SensorSecurity | null;
  /** The person of the pairing window that is open for this address now; null when none is. Decides about pairing. */
  windowFor(address: string): PairingPerson | null;
  /** Bond lost: to be reported, never repaired in silence. */
  onBondLost(address: string, sentence: string): void;
  random(octets: number): Uint8Array;
}

export interface Bonding extends LinkSecurity {
  /** The identity address behind an advertised one: itself, or that of the bond whose key resolves it. */
  identityOf(address: string): string;
}

/** Pairing that makes no progress ends here (Core specification, Vol 3 Part H, 3.4). */
const SMP_DEADLINE = seconds(30);
/** HCI error 0x06, PIN or Key Missing: the sensor has forgotten the bond. */
const KEY_MISSING = 0x06;
/** Messages from a sensor that wait while a person is asked; a pairing has never more than a few outstanding. */
const WAITING_EVENTS = 64;

const octetsOf = (address: string): Uint8Array => fromHex(address.replaceAll(":", ""));
const pairingAddress = (peer: Peer): PairingAddress => ({
  type: peer.type === "public" ? 0 : 1,
  octets: octetsOf(peer.address),
});

interface Inbox {
  put(event: PairingEvent): void;
  next(signal: AbortSignal): Promise<PairingEvent>;
}

const createInbox = (): Inbox => {
  const waiting: PairingEvent[] = [];
  let wake: (() => void) | null = null;
  return {
    put: (event) => {
      if (waiting.length >= WAITING_EVENTS) return;
      waiting.push(event);
      wake?.();
    },
    next: async (signal) => {
      for (;;) {
        signal.throwIfAborted();
        const event = waiting.shift();
        if (event !== undefined) return event;
        await new Promise<void>((resolve) => {
          wake = resolve;
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
      }
    },
  };
};

/**
 * Bonding as the hub does it: a stored key encrypts the link before anything is read; without one a sensor is paired
 * only inside a window that a person opened; a sensor that lost its key is reported and never paired again in silence.
 * `secure` rejects with HubError `bond-lost`, `ble-not-bonded`, `ble-timeout` or `ble-disconnected`.
 */
export const createBonding = (options: BondingOptions): Bonding => {
  const { store, clock, time } = options;

  const bondOf = (address: string): Bond | null =>
    store.get(address) ?? store.all().find((bond) => bond.irk !== null && resolves(bond.irk, address)) ?? null;

  const identityOf = (address: string): string => bondOf(address)?.identity.address ?? address;

  const nameOf = (address: string): string => options.securityOf(address)?.name ?? address;

  const reEncrypt = async (link: UnsecuredLink, bond: Bond, signal: AbortSignal): Promise<void> => {
    const diversifier = Uint8Array.of(bond.ediv & 0xff, bond.ediv >> 8);
    const status = await link.encrypt(fromHex(bond.rand), diversifier, fromHex(bond.ltk), signal);
    if (status === 0) return;
    const name = nameOf(bond.identity.address);
    if (status === KEY_MISSING) {
      const sentence = `${name}: the sensor has forgotten its bond with this hub; open a pairing window and pair it again`;
      options.onBondLost(bond.identity.address, sentence);
      throw new HubError("bond-lost", sentence);
    }
    const found = `HCI status 0x${status.toString(16).padStart(2, "0")}`;
    throw new HubError("ble-disconnected", `${name}: the encrypted link did not start (${found}); measure again`);
  };

  const remember = async (link: UnsecuredLink, keys: PairedKeys): Promise<void> => {
    const { utc } = time.stamp();
    const { identity, ...rest } = keys;
    await store.put({
      ...rest,
      identity: identity ?? { address: link.peer.address, type: link.peer.type },
      pairedAt: utc === null ? null : isoUtc(utc),
    });
  };

  const pair = async (
    link: UnsecuredLink,
    person: PairingPerson,
    inbox: Inbox,
    signal: AbortSignal,
    progress: () => void,
  ): Promise<void> => {
    const name = nameOf(link.peer.address);
    const policy: PairingPolicy = {
      io: person.io,
      mitm: person.mitm,
      secureConnections: true,
      local: pairingAddress(link.local),
      remote: pairingAddress(link.peer),
      random: options.random,
    };
    const asking = new AbortController();
    const ended = AbortSignal.any([signal, asking.signal]);
    /** A person answers in their own time; the answer joins the messages of the sensor. */
    const later = (answer: Promise<PairingEvent>, otherwise: PairingEvent): void => {
      answer.then(
        (event) => inbox.put(event),
        () => inbox.put(otherwise),
      );
    };
    /** Carry out one effect; the answer, where it has to be taken before anything that the sensor sends after it. */
    const perform = async (effect: PairingEffect): Promise<PairingEvent | null> => {
      switch (effect.tag) {
        case "send":
          link.smp.send(effect.pdu);
          return null;
        case "encrypt": {
          const status = await link.encrypt(new Uint8Array(8), new Uint8Array(2), effect.ltk, signal);
          return { tag: "encrypted", status };
        }
        case "show-passkey":
          person.showPasskey(effect.passkey);
          return null;
        case "ask-passkey":
          later(
            person.askPasskey(ended).then((passkey) => ({ tag: "passkey", passkey })),
            { tag: "passkey", passkey: null },
          );
          return null;
        case "compare":
          later(
            person.compare(effect.number, ended).then((equal) => ({ tag: "comparison", equal })),
            { tag: "comparison", equal: false },
          );
          return null;
        case "paired":
          if (effect.keys !== null) await remember(link, effect.keys);
          return null;
        case "failed":
          throw new HubError("ble-not-bonded", `${name}: pairing failed, ${effect.reason}; start the pairing again`);
      }
    };
    try {
      let state: PairingState = { tag: "idle" };
      let event: PairingEvent = { tag: "start" };
      for (;;) {
        const step = pairingStep(policy, state, event);
        state = step.state;
        let answer: PairingEvent | null = null;
        for (const effect of step.effects) answer = await perform(effect);
        if (state.tag === "done") return;
        event = answer ?? (await inbox.next(signal));
        progress();
      }
    } finally {
      asking.abort();
    }
  };

  /** Gives up when `work` lets 30 s pass between two calls of `progress`. */
  const withDeadline = async (
    name: string,
    signal: AbortSignal,
    work: (signal: AbortSignal, progress: () => void) => Promise<void>,
  ): Promise<void> => {
    const over = new AbortController();
    const late = new HubError("ble-timeout", `${name}: pairing made no progress in 30 s; start the pairing again`);
    let timer = new AbortController();
    const arm = (): void => {
      timer = new AbortController();
      clock.sleep(SMP_DEADLINE, timer.signal).then(
        () => over.abort(late),
        () => undefined,
      );
    };
    arm();
    try {
      await work(AbortSignal.any([signal, over.signal]), () => {
        timer.abort();
        arm();
      });
    } finally {
      timer.abort();
    }
  };

  const secure = async (link: UnsecuredLink, signal: AbortSignal): Promise<void> => {
    const { address } = link.peer;
    const bond = bondOf(address);
    const identity = bond?.identity.address ?? address;
    const person = bond === null ? options.windowFor(address) : null;
    const inbox = createInbox();
    let pairing = person !== null;
    link.smp.receive((bytes) => {
      if (pairing) inbox.put({ tag: "pdu", bytes });
      // A Security Request is answered by the encryption that is under way, or by a refusal: no pairing without a window.
      else if (bytes[0] === SMP.securityRequest && bond === null) {
        link.smp.send(Uint8Array.of(SMP.pairingFailed, FAILURES.pairingNotSupported));
      }
    });
    const guarded = AbortSignal.any([signal, link.lost]);
    if (bond !== null) return withDeadline(nameOf(identity), guarded, (within) => reEncrypt(link, bond, within));
    if (person !== null) {
      try {
        return await withDeadline(nameOf(identity), guarded, (within, progress) =>
          pair(link, person, inbox, within, progress),
        );
      } finally {
        pairing = false;
      }
    }
    if (options.securityOf(identity)?.bonded === true) {
      const sentence = `${nameOf(identity)}: not paired with this hub, and no pairing window is open; open one and pair it`;
      throw new HubError("ble-not-bonded", sentence);
    }
  };

  return { secure, identityOf };
};
