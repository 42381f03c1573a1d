import { fromHex } from "../../../protocol/bytes.ts";
import { HubError, isHubError, messageOf } from "../../../protocol/errors.ts";
import type { Clock, HubTime } from "../../../protocol/ports/clock.ts";
import { isoUtc, seconds } from "../../../protocol/time.ts";
import type { LinkSecurity, UnsecuredLink } from "../link-security.ts";
import { createAddressResolver } from "./address-resolver.ts";
import type { Bond } from "./bond.ts";
import type { BondStore } from "./bond-store.ts";
import { createPairingInbox, type PairingInbox, pairLink } from "./pair-link.ts";
import type { PairingPerson, SensorSecurity } from "./pairing-person.ts";
import type { PairedKeys } from "./pairing-state.ts";
import { FAILURES, SMP } from "./smp-pdu.ts";

export interface BondingOptions {
  readonly store: BondStore;
  readonly clock: Clock;
  readonly time: HubTime;
  /** Security of an enrolled sensor by identity address; null for one that is not enrolled. */
  securityOf(address: string): SensorSecurity | null;
  /**
   * The person of the pairing window that is open for this address now; null when none is. Decides about pairing. The
   * identity address, or that on the air of a sensor whose identity is not known yet.
   */
  windowFor(address: string): PairingPerson | null;
  /** A link of the sensor with this identity address is encrypted with a bond, an old or a new one. */
  onBonded(address: string): void;
  /** Bond lost: to be reported, never repaired in silence. */
  onBondLost(address: string, sentence: string): void;
  random(octets: number): Uint8Array;
}

/** Pairing that makes no progress ends here (Core specification, Vol 3 Part H, 3.4). */
const SMP_DEADLINE = seconds(30);
/** HCI error 0x06, PIN or Key Missing: the sensor has forgotten the bond. */
const KEY_MISSING = 0x06;
const SUCCESS = 0x00;

/**
 * Bonding as the hub does it: a stored key encrypts the link before anything is read; without one a sensor is paired
 * only inside a window that a person opened; a sensor that lost its key is reported and never paired again in silence.
 * In a window too the stored key comes first: it is replaced only where the sensor does not have it any more, and only
 * when the new bond is made. `secure` rejects with HubError `bond-lost`, `ble-not-bonded`, `ble-timeout` or
 * `ble-disconnected`.
 */
export const createBonding = (options: BondingOptions): LinkSecurity => {
  const { store, clock, time } = options;
  const { identityOf } = createAddressResolver(store);
  /** Enrolled sensors that did not have their key when it was last used. */
  const lost = new Set<string>();

  const nameOf = (identity: string): string => options.securityOf(identity)?.name ?? identity;

  const encryptWith = (link: UnsecuredLink, bond: Bond, signal: AbortSignal): Promise<number> =>
    link.encrypt(fromHex(bond.rand), Uint8Array.of(bond.ediv & 0xff, bond.ediv >> 8), fromHex(bond.ltk), signal);

  /** True where the sensor has the key and the link is encrypted, false where it has forgotten it. */
  const reEncrypt = async (link: UnsecuredLink, bond: Bond, signal: AbortSignal): Promise<boolean> => {
    const { address } = bond.identity;
    const status = await encryptWith(link, bond, signal);
    if (status === SUCCESS) {
      lost.delete(address);
      options.onBonded(address);
      return true;
    }
    if (status !== KEY_MISSING) {
      const found = `HCI status 0x${status.toString(16).padStart(2, "0")}`;
      const message = `${nameOf(address)}: the encrypted link did not start (${found}); measure again`;
      throw new HubError("ble-disconnected", message);
    }
    lost.add(address);
    return false;
  };

  const keep = async (link: UnsecuredLink, person: PairingPerson, keys: PairedKeys): Promise<void> => {
    const { identity: given, ...rest } = keys;
    const identity = given ?? { address: link.peer.address, type: link.peer.type };
    if (identity.address !== person.identity) {
      const found = `the sensor that answered is ${identity.address}, and ${person.identity} is enrolled`;
      const sentence = `${nameOf(person.identity)}: not paired, ${found}; correct the configuration, or pair the right one`;
      throw new HubError("ble-not-bonded", sentence);
    }
    const { utc } = time.stamp();
    await store.put({ ...rest, identity, pairedAt: utc === null ? null : isoUtc(utc) });
    lost.delete(identity.address);
    options.onBonded(identity.address);
  };

  /** Gives up when `work` lets 30 s pass between two calls of `progress`. */
  const withDeadline = async <T>(
    name: string,
    signal: AbortSignal,
    work: (signal: AbortSignal, progress: () => void) => Promise<T>,
  ): Promise<T> => {
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
      return await work(AbortSignal.any([signal, over.signal]), () => {
        timer.abort();
        arm();
      });
    } finally {
      timer.abort();
    }
  };

  const pair = async (
    link: UnsecuredLink,
    person: PairingPerson,
    inbox: PairingInbox,
    signal: AbortSignal,
  ): Promise<void> => {
    const name = nameOf(person.identity);
    const { random } = options;
    const keepKeys = (keys: PairedKeys): Promise<void> => keep(link, person, keys);
    person.began();
    try {
      await withDeadline(name, signal, (within, progress) =>
        pairLink({ link, person, inbox, name, random, keep: keepKeys, progress }, within),
      );
    } catch (thrown) {
      const cut = `${name}: pairing was cut off (${messageOf(thrown)}); start the pairing again`;
      person.ended(link.peer.address, isHubError(thrown) ? thrown : new HubError("ble-not-bonded", cut));
      throw thrown;
    }
    person.ended(link.peer.address, null);
  };

  const secure = async (link: UnsecuredLink, signal: AbortSignal): Promise<void> => {
    const identity = identityOf(link.peer.address);
    const known = options.securityOf(identity);
    const person = options.windowFor(identity);
    const bond = store.get(identity);
    const guarded = AbortSignal.any([signal, link.lost]);
    const inbox = createPairingInbox();
    let phase: "pairing" | "encrypting" | "bonded" | "open" = "open";

    /** Core Vol 3 Part H 2.4.6: a link that is encrypted gets a fresh session key of the same bond. */
    const refresh = async (with_: Bond): Promise<void> => {
      phase = "encrypting";
      // A link that does not come out of it encrypted is ended by the controller.
      await encryptWith(link, with_, link.lost).catch(() => undefined);
      phase = "bonded";
    };

    link.smp.receive((bytes) => {
      if (phase === "pairing") return inbox.put({ tag: "pdu", bytes });
      // Else nothing but a Security Request is looked at. One that comes while the key is used already is answered.
      if (bytes[0] !== SMP.securityRequest) return;
      const current = store.get(identityOf(link.peer.address));
      if (phase === "bonded" && current !== null) void refresh(current);
      // No pairing without a window.
      else if (phase === "open") link.smp.send(Uint8Array.of(SMP.pairingFailed, FAILURES.pairingNotSupported));
    });

    const usable = bond !== null && (known?.authenticated !== true || bond.authenticated);
    if (usable && !(person !== null && lost.has(identity))) {
      phase = "encrypting";
      if (await withDeadline(nameOf(identity), guarded, (within) => reEncrypt(link, bond, within))) {
        phase = "bonded";
        if (person !== null) {
          person.began();
          person.ended(link.peer.address, null);
        }
        return;
      }
    }
    if (person !== null) {
      phase = "pairing";
      await pair(link, person, inbox, guarded);
      phase = "bonded";
      return;
    }
    phase = "open";
    if (usable) {
      const sentence = `${nameOf(identity)}: the sensor has forgotten its bond with this hub; open a pairing window and pair it again`;
      options.onBondLost(identity, sentence);
      throw new HubError("bond-lost", sentence);
    }
    if (known?.bonded !== true) return;
    const found =
      bond === null ? "not paired with this hub" : "paired without the passkey or comparison that it demands";
    const next = "no pairing window is open; open one and pair it";
    throw new HubError("ble-not-bonded", `${known.name}: ${found}, and ${next}`);
  };

  return { secure, identityOf };
};
