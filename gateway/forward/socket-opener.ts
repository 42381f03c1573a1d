import type { TLSSocket } from "node:tls";
import { type HubError, isHubError } from "../../protocol/errors.ts";
import { type EpochMs, minutes } from "../../protocol/time.ts";
import type { TimeEscape } from "../credentials/time-escape.ts";
import type { AddressMemory } from "./address-memory.ts";
import { type LinkTrouble, networkLogin } from "./explain-link-error.ts";
import { type BrokerAddress, type LinkCredentials, openTlsSocket } from "./tls-socket.ts";

/** Opens a TLS connection to the region; as `openTlsSocket`. */
export type OpenSocket = (
  address: BrokerAddress,
  credentials: LinkCredentials,
  signal: AbortSignal,
) => Promise<TLSSocket>;

export interface SocketOpenerOptions {
  readonly addresses: AddressMemory;
  readonly time: TimeEscape;
  readonly subject?: string;
}

/** The server's certificate did not fit the time: it may be the machine's clock that is wrong. */
const OF_TIME: readonly LinkTrouble[] = ["region-certificate-expired", "region-certificate-not-yet-valid"];
/** Somebody else than the region answered. */
const OF_ANOTHER: readonly LinkTrouble[] = [
  "region-certificate-name",
  "region-certificate-unknown",
  "region-certificate-self-signed",
  "region-certificate-altered",
  "network-login",
];
/** A network that asks for a login also looks like these: it answers for every name, and lets nothing else out. */
const MAY_BE_LOGIN: readonly LinkTrouble[] = [...OF_ANOTHER, "nobody-listens", "no-answer", "closed", "name-unknown"];

/** What was checked at a time is not checked again at one that is no further from it. */
const SAME_TIME = minutes(1);

const isOneOf = (error: HubError, troubles: readonly LinkTrouble[]): boolean =>
  (troubles as readonly unknown[]).includes(error.context.trouble);

/**
 * Open connections in spite of a failing name service and a wrong clock, as far as that is safe, and tell a network that
 * asks for a login from a region that is away.
 */
export const createSocketOpener =
  ({ addresses, time, subject }: SocketOpenerOptions): OpenSocket =>
  async (address, credentials, signal) => {
    const { host } = address;
    const attempt = async (checkAt: EpochMs | null): Promise<TLSSocket> => {
      const options = { lookup: addresses.lookup, checkAt, ...(subject === undefined ? {} : { subject }) };
      const socket = await openTlsSocket(address, credentials, signal, options);
      if (socket.remoteAddress !== undefined) addresses.reached(host, socket.remoteAddress);
      return socket;
    };

    const checkAt = await time.checkTime(signal);
    try {
      return await attempt(checkAt);
    } catch (thrown) {
      if (signal.aborted || !isHubError(thrown)) throw thrown;
      if (isOneOf(thrown, OF_ANOTHER)) addresses.misled(host);
      if (isOneOf(thrown, OF_TIME)) {
        await time.prove(signal);
        const proven = await time.checkTime(signal);
        const isOther = proven !== null && Math.abs(proven - (checkAt ?? 0)) > SAME_TIME;
        if (isOther && !signal.aborted) return await attempt(proven);
      } else if (isOneOf(thrown, MAY_BE_LOGIN) && (await time.prove(signal)) === "login") {
        throw networkLogin(thrown);
      }
      throw thrown;
    }
  };
