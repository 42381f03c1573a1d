import { fromHex } from "../../../protocol/bytes.ts";
import { HubError } from "../../../protocol/errors.ts";
import type { Peer } from "../hci-adapter.ts";
import type { UnsecuredLink } from "../link-security.ts";
import { pairingStep } from "./pairing.ts";
import type { PairingPerson } from "./pairing-person.ts";
import type { PairedKeys, PairingEffect, PairingEvent, PairingPolicy, PairingState } from "./pairing-state.ts";
import type { PairingAddress } from "./smp-crypto.ts";

/** Messages from a sensor that wait while a person is asked; a pairing has never more than a few outstanding. */
const WAITING_EVENTS = 64;

const pairingAddress = (peer: Peer): PairingAddress => ({
  type: peer.type === "public" ? 0 : 1,
  octets: fromHex(peer.address.replaceAll(":", "")),
});

/** What a pairing waits for: messages of the sensor and answers of the person, in the order in which they came. */
export interface PairingInbox {
  put(event: PairingEvent): void;
  next(signal: AbortSignal): Promise<PairingEvent>;
}

export const createPairingInbox = (): PairingInbox => {
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
          const stop = (): void => resolve();
          signal.addEventListener("abort", stop, { once: true });
          wake = () => {
            signal.removeEventListener("abort", stop);
            resolve();
          };
        });
      }
    },
  };
};

export interface PairLinkOptions {
  readonly link: UnsecuredLink;
  readonly person: PairingPerson;
  /** Messages of the sensor arrive here. */
  readonly inbox: PairingInbox;
  /** Name for sentences. */
  readonly name: string;
  random(octets: number): Uint8Array;
  /** Keep the keys, durably. Rejects where they are not wanted. */
  keep(keys: PairedKeys): Promise<void>;
  /** The pairing got on. */
  progress(): void;
}

/**
 * Pair over a link, with the person who opened the window. Resolves when the link is encrypted and the keys are kept
 * (a sensor that does not bond leaves none); rejects with HubError `ble-not-bonded`, or with the signal's reason.
 */
export const pairLink = async (options: PairLinkOptions, signal: AbortSignal): Promise<void> => {
  const { link, person, inbox, name } = options;
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
      case "paired": {
        const found = "the sensor does not keep the bond; check the model";
        if (effect.keys === null) throw new HubError("ble-not-bonded", `${name}: pairing failed, ${found}`);
        await options.keep(effect.keys);
        return null;
      }
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
      options.progress();
    }
  } finally {
    asking.abort();
  }
};
