import { openDbus } from "../../drivers/ble/bluez/dbus.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { millis } from "../../protocol/time.ts";
import type { TimesyncExchange } from "./ask-timesyncd.ts";

/** A bus that does not answer must not hold up the hub's look at its clock. */
const PATIENCE = millis(1000);

/**
 * Property NTPMessage of org.freedesktop.timesync1.Manager (systemd's D-Bus interface page): leap, version, mode,
 * stratum, precision, root delay and root dispersion (microseconds), reference id, then origin, receive, transmit and
 * destination time (microseconds since 1970), spike, packet count, jitter.
 */
const MEMBERS = 15;

const numberOf = (value: unknown): number =>
  typeof value === "bigint" || typeof value === "number" ? Number(value) : Number.NaN;

/** Address family and octets, as the property ServerAddress has them. */
const addressOf = (value: unknown): string | null => {
  const [family, octets] = Array.isArray(value) ? (value as unknown[]) : [];
  return family === 2 && octets instanceof Uint8Array && octets.length === 4 ? [...octets].join(".") : null;
};

/** Null for anything that is not an answer of a server that is synchronised itself. */
export const readExchange = (message: unknown, address: unknown): TimesyncExchange | null => {
  if (!Array.isArray(message) || message.length !== MEMBERS || message[12] === true) return null;
  const number = (at: number): number => numberOf((message as unknown[])[at]);
  const [leap, stratum, rootDelay, rootDispersion] = [number(0), number(3), number(5), number(6)];
  const [origin, receive, transmit, destination] = [number(8), number(9), number(10), number(11)];
  // RFC 5905, 8: offset and delay of one exchange.
  const offset = (receive - origin + (transmit - destination)) / 2;
  const delay = Math.max(0, destination - origin - (transmit - receive));
  const boundMs = (Math.abs(offset) + rootDispersion + (rootDelay + delay) / 2) / 1000;
  const isSound = leap >= 0 && leap < 3 && stratum >= 1 && stratum <= 15 && rootDelay >= 0 && rootDispersion >= 0;
  return isSound && Number.isFinite(boundMs) && origin > 0 ? { reference: addressOf(address), stratum, boundMs } : null;
};

/**
 * Ask timesyncd for its last exchange over the bus at `address` (null: the system bus), on a connection of its own:
 * that is once in half a minute to half an hour, and a connection that is kept would have to be watched. Null where
 * there is no bus, no such daemon, or no answer within a second. Never rejects.
 */
export const askTimesyncBus = async (clock: Clock, address: string | null = null): Promise<TimesyncExchange | null> => {
  const done = new AbortController();
  const late = clock.sleep(PATIENCE, done.signal).then(
    () => null,
    () => null,
  );
  const listener = { signal: () => undefined, asked: () => null, lost: () => undefined };
  try {
    const bus = openDbus(address, listener);
    const property = async (name: string): Promise<unknown> => {
      const { body } = await bus.call({
        destination: "org.freedesktop.timesync1",
        path: "/org/freedesktop/timesync1",
        iface: "org.freedesktop.DBus.Properties",
        member: "Get",
        signature: "ss",
        body: ["org.freedesktop.timesync1.Manager", name],
      });
      return body[0];
    };
    const asked = async (): Promise<TimesyncExchange | null> => {
      await bus.ready;
      return readExchange(await property("NTPMessage"), await property("ServerAddress"));
    };
    try {
      return await Promise.race([asked().catch(() => null), late]);
    } finally {
      bus.close();
    }
  } catch {
    // dbus-next throws where the address of the bus cannot be understood: then there is none.
    return null;
  } finally {
    done.abort();
  }
};
