import { isResolvable, resolves } from "./bond.ts";
import type { BondStore } from "./bond-store.ts";

/**
 * Resolvable private addresses that are remembered with what they were found to be, about 0.1 kB each. A phone or a
 * sensor takes a new one every 15 minutes: more than are near a home at one time. The one not heard for longest goes.
 */
export const RESOLVED_LIMIT = 512;

export interface AddressResolver {
  /** The identity address behind an advertised one: itself, or that of the bond whose key resolves it. */
  identityOf(address: string): string;
  /** Addresses remembered; never above RESOLVED_LIMIT. */
  readonly remembered: number;
  /** Addresses that were tried against the keys, since it was made. */
  readonly tried: number;
}

/**
 * Finds who is behind a private address. In a block of flats hundreds of them are heard many times a second, and each
 * costs one AES block a bond: so each is tried once, and again only when bonds have come or gone.
 */
export const createAddressResolver = (store: BondStore): AddressResolver => {
  const known = new Map<string, string>();
  let revision = store.revision;
  let tried = 0;

  const resolve = (address: string): string => {
    tried += 1;
    return store.all().find(({ irk }) => irk !== null && resolves(irk, address))?.identity.address ?? address;
  };

  return {
    get remembered() {
      return known.size;
    },
    get tried() {
      return tried;
    },
    identityOf: (address) => {
      if (!isResolvable(address) || store.get(address) !== null) return address;
      if (revision !== store.revision) known.clear();
      revision = store.revision;
      const identity = known.get(address) ?? resolve(address);
      known.delete(address);
      known.set(address, identity);
      const [oldest] = known.keys();
      if (known.size > RESOLVED_LIMIT && oldest !== undefined) known.delete(oldest);
      return identity;
    },
  };
};
