import { stat } from "node:fs/promises";
import { messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Millis } from "../../protocol/time.ts";
import { ageOf, type SourceAnswer, type Synchronisation, UNKNOWN_DRIFT } from "./synchronisation.ts";

/** systemd-timesyncd touches this at each synchronisation, and removes it at start (its manual page). */
export const TIMESYNCD_SYNCHRONISED = "/run/systemd/timesync/synchronized";

/** What a home router's NTP over the internet leaves, with room: timesyncd says tens of milliseconds. */
export const NTP_ERROR_MS = 100;

/** What timesyncd told over D-Bus of its last exchange with a server. */
export interface TimesyncExchange {
  readonly reference: string | null;
  readonly stratum: number | null;
  /** |offset| + root dispersion + (root delay + delay) / 2, milliseconds. */
  readonly boundMs: number;
}

export interface TimesyncdOptions {
  readonly clock: Clock;
  readonly file?: string;
  /** Null where it cannot be had: no system bus, no such property. */
  readonly lastExchange: () => Promise<TimesyncExchange | null>;
}

/**
 * systemd-timesyncd as a source. The file's time says when it last compared, at the price of one stat; only when that
 * has changed (every 32 to 2048 s) is the daemon asked over D-Bus how good the comparison was. Without an answer the
 * bound is NTP_ERROR_MS. timesyncd measures no frequency, so the clock drifts as an unmeasured one. Never rejects.
 */
export const createTimesyncd = (options: TimesyncdOptions): (() => Promise<SourceAnswer>) => {
  const { clock, file = TIMESYNCD_SYNCHRONISED, lastExchange } = options;
  let known: { readonly touched: number; readonly exchange: TimesyncExchange | null } | null = null;

  const syncAt = async (touched: number, ageMs: Millis): Promise<Synchronisation> => {
    if (known?.touched !== touched) known = { touched, exchange: await lastExchange() };
    const { reference, stratum, boundMs } = known.exchange ?? { reference: null, stratum: null, boundMs: NTP_ERROR_MS };
    const grown = boundMs + UNKNOWN_DRIFT * ageMs;
    const drift = UNKNOWN_DRIFT;
    return { source: "timesyncd", reference, stratum, boundMs: grown, drift, ageMs, comparison: touched };
  };

  return async () => {
    try {
      const { mtimeMs } = await stat(file);
      const ageMs = ageOf(mtimeMs, clock.now());
      if (ageMs === null) return { tag: "unsynchronised", why: "the clock was set back since it was compared" };
      return { tag: "synchronised", sync: await syncAt(mtimeMs, ageMs) };
    } catch (thrown) {
      const isAbsent = (thrown as NodeJS.ErrnoException).code === "ENOENT";
      return isAbsent ? { tag: "absent" } : { tag: "silent", why: messageOf(thrown) };
    }
  };
};
