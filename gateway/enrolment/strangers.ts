import type { ReadingSink } from "../../drivers/driver.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, minutes } from "../../protocol/time.ts";
import type { SetAside } from "../config/enrol.ts";

/** A sensor nearby that is not read because it is not enrolled. */
export interface Stranger {
  /** `Bluetooth c0:26:da:00:00:01` or `USB 0403:6001 number A1`. */
  readonly what: string;
  /** Why it is not read. */
  readonly reason: string;
  /** What somebody can do. */
  readonly next: string;
  readonly seenAt: Millis;
}

/** A technician looks at a handful; a block of flats may have some dozen. About 0.3 kB each. */
export const MOST_STRANGERS = 32;

/** Who was not heard for a day is gone. */
const REMEMBERED: Millis = minutes(24 * 60);

/** The sensors nearby that are not enrolled, for the technician: bounded, the one that was heard least lately goes first. */
export interface Strangers {
  /** True where it was not known yet. */
  note(what: string, reason: string, next: string): boolean;
  list(): readonly Stranger[];
  /** The radio's own sink: what it reports as unknown is noted, and a sensor that was set aside is not unknown. */
  sinkOf(inner: ReadingSink): ReadingSink;
}

const NEXT = "enrol it with a catalogue entry, or leave it if it is a neighbour's";

export const createStrangers = (clock: Clock, setAside: readonly SetAside[]): Strangers => {
  const heard = new Map<string, Stranger>();
  const ours = new Map(
    setAside.flatMap(({ config, sentence }) =>
      config.transport === "ble" ? [[config.address.toLowerCase(), sentence] as const] : [],
    ),
  );

  const note = (what: string, reason: string, next: string): boolean => {
    const isNew = !heard.delete(what);
    heard.set(what, { what, reason, next, seenAt: clock.elapsed() });
    const [oldest] = heard.keys();
    if (heard.size > MOST_STRANGERS && oldest !== undefined) heard.delete(oldest);
    return isNew;
  };

  return {
    note,
    list: () => [...heard.values()].filter(({ seenAt }) => clock.elapsed() - seenAt < REMEMBERED).toReversed(),
    sinkOf: (inner) => ({
      ...inner,
      report: (code, message, detail) => {
        if (code !== "unknown-sensor" || typeof detail.address !== "string") {
          inner.report(code, message, detail);
          return;
        }
        // Why it is set aside has been told, and its own line in the list says it, too.
        if (ours.has(detail.address.toLowerCase())) return;
        note(`Bluetooth ${detail.address}`, `offers medical service ${String(detail.service)}, not enrolled`, NEXT);
        inner.report(code, message, detail);
      },
    }),
  };
};
