import type { BluezRadio } from "../../drivers/ble/bluez-radio.ts";
import type { Association } from "../../drivers/ble/security/association.ts";
import type { BondStore } from "../../drivers/ble/security/bond-store.ts";
import { openBondStore } from "../../drivers/ble/security/bond-store.ts";
import { isHubError } from "../../protocol/errors.ts";
import type { BondView } from "../diagnostics/pairing-desk.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";

/** Who keeps the keys: the hub in a file, or BlueZ. */
export interface BondKeeper {
  bond(address: string): BondView | null;
  /** Durable when it resolves. Rejects with HubError. */
  forget(address: string): Promise<void>;
  /** True where a sensor without a bond has certainly none: connecting to it would only find that out again. */
  readonly certain: boolean;
}

const WORDS: Readonly<Record<Association, string>> = {
  "just-works": "Just Works",
  "passkey-entered-here": "passkey",
  "passkey-shown-here": "passkey",
  "numeric-comparison": "numeric comparison",
};

export const keeperOfStore = (store: BondStore): BondKeeper => ({
  bond: (address) => {
    const bond = store.get(address);
    if (bond === null) return null;
    const kind = bond.secureConnections ? "LE Secure Connections" : "LE legacy pairing";
    const { authenticated, pairedAt: since } = bond;
    return { keeper: "hub", since, method: `${kind}, ${WORDS[bond.association]}`, authenticated };
  },
  forget: (address) => store.remove(address),
  certain: true,
});

export const keeperOfBluez = (radio: BluezRadio): BondKeeper => ({
  bond: (address) =>
    radio.isBonded(address) === true ? { keeper: "bluez", since: null, method: null, authenticated: null } : null,
  forget: (address) => radio.forget(address),
  certain: false,
});

/** Nothing can be kept: the sensors wait, and every attempt to pair says why. */
const closedStore = (reason: unknown): BondStore => ({
  get: () => null,
  all: () => [],
  revision: 0,
  put: () => Promise.reject(reason),
  remove: () => Promise.reject(reason),
});

/** The hub's bonds. A file that cannot be used is an event, and no reason to stop reading the other sensors. */
export const openBonds = async (file: string, report: ReportEvent): Promise<BondStore> => {
  const tell = (sentence: string): void => report("bond-lost", sentence, { path: file, state: "damaged" });
  try {
    return await openBondStore(file, tell);
  } catch (thrown) {
    if (!isHubError(thrown)) throw thrown;
    tell(thrown.message);
    return closedStore(thrown);
  }
};
