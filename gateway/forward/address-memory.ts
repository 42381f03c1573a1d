import { type LookupAddress, type LookupOptions, lookup as systemLookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, minutes } from "../../protocol/time.ts";

/** The form of `lookup` of node:dns that gives every address. */
export type LookupAll = (
  host: string,
  options: LookupOptions & { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Where the region was last reached, for when its name cannot be looked up. Only an address whose server proved its name is
 * kept, and the name is proved again each time: what a name service says decides where a hub knocks, never whom it
 * believes.
 */
export interface AddressMemory {
  readonly lookup: LookupFunction;
  /** A server there has proved to be `host`. */
  reached(host: string, address: string): void;
  /** What the name service said led to somebody else: the next look-up begins with the kept address, the one after not. */
  misled(host: string): void;
}

/** A broker moves rarely, and a home whose name service fails for longer has other troubles. */
const KEPT_FOR = minutes(7 * 24 * 60);
/** Broker, enrolment and time service, with room. */
const MOST_HOSTS = 8;

interface Kept {
  readonly address: string;
  readonly at: Millis;
  readonly first: boolean;
}

export const createAddressMemory = (clock: Clock, resolve: LookupAll = systemLookup): AddressMemory => {
  const hosts = new Map<string, Kept>();

  const keptOf = (host: string): Kept | null => {
    const kept = hosts.get(host);
    return kept !== undefined && clock.elapsed() - kept.at <= KEPT_FOR ? kept : null;
  };

  const lookup: LookupFunction = (host, options, callback) => {
    const give = (addresses: readonly LookupAddress[]): void => {
      const [first] = addresses;
      if (options.all === true) callback(null, [...addresses]);
      else callback(null, first?.address ?? "", first?.family);
    };
    resolve(host, { ...options, all: true }, (error, found) => {
      const kept = keptOf(host);
      const own = kept === null ? [] : [{ address: kept.address, family: isIP(kept.address) }];
      if (error !== null && kept === null) return callback(error, "");
      if (error !== null) return give(own);
      give(kept?.first === true ? own : found);
    });
  };

  return {
    lookup,
    reached: (host, address) => {
      if (isIP(host) !== 0) return;
      hosts.delete(host);
      hosts.set(host, { address, at: clock.elapsed(), first: false });
      const oldest = hosts.keys().next();
      if (hosts.size > MOST_HOSTS && oldest.done !== true) hosts.delete(oldest.value);
    },
    misled: (host) => {
      const kept = keptOf(host);
      if (kept !== null) hosts.set(host, { ...kept, first: !kept.first });
    },
  };
};
