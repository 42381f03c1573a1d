import type { KeyRequest } from "../air-link.ts";
import { sameBytes } from "../little-endian.ts";

/** What a device keeps of a central that it has bonded with. Octet strings are least significant first. */
export interface Bond {
  /** Identity address of the central. */
  readonly peer: string;
  readonly ltk: Uint8Array;
  /** 0 and zeros for a key of Secure Connections. */
  readonly ediv: number;
  readonly rand: Uint8Array;
  readonly authenticated: boolean;
  readonly secureConnections: boolean;
}

/** A small device remembers few hubs; the one that came first is forgotten first. */
const MAX_BONDS = 8;

export interface Bonds {
  readonly all: ReadonlyMap<string, Bond>;
  add(bond: Bond): void;
  /** The bond whose key is asked for on a link with `peer`. */
  find(peer: string, request: KeyRequest): Bond | null;
  forget(peer?: string): void;
}

export const createBonds = (): Bonds => {
  const all = new Map<string, Bond>();
  return {
    all,
    add: (bond) => {
      all.delete(bond.peer);
      all.set(bond.peer, bond);
      for (const oldest of all.keys()) {
        if (all.size <= MAX_BONDS) break;
        all.delete(oldest);
      }
    },
    find: (peer, { ediv, rand }) => {
      const matches = (bond: Bond): boolean => bond.ediv === ediv && sameBytes(bond.rand, rand);
      const own = all.get(peer);
      if (own !== undefined && matches(own)) return own;
      // A legacy key is named by EDIV and Rand, whatever address the central has now.
      return [...all.values()].find((bond) => !bond.secureConnections && matches(bond)) ?? null;
    },
    forget: (peer) => {
      if (peer === undefined) all.clear();
      else all.delete(peer);
    },
  };
};
