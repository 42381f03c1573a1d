import { toHex } from "../../protocol/bytes.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { type Arrival, isoUtc, minutes } from "../../protocol/time.ts";
import type { MalformedReason, ReadingSink } from "../driver.ts";

/** Unreadable pieces that are kept in one hour for the technician, so that a noisy line does not wear the card. */
const MAX_KEPT = 20;
const KEPT_PERIOD = minutes(60);
/** Bytes of one unreadable piece that are kept: enough to see what it is. */
const MAX_KEPT_BYTES = 512;

export interface LineWatchOptions {
  readonly sensor: string;
  /** Name of the format in provenance. */
  readonly source: string;
  /** Bytes in a row without anything readable after which the line is called wrong. */
  readonly unreadableAfter: number;
  readonly sink: ReadingSink;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Looks after what of a line cannot be read. */
export interface LineWatch {
  /** Something on the line made sense: what was unreadable before was no more than noise. */
  readable(): void;
  /** Bytes that say nothing. When a line brings nothing else, `serial-fault` is reported once, with what to check. */
  unreadable(raw: Uint8Array, at: Arrival): Promise<void>;
  /** A message that is whole and cannot be read. It is kept, and `malformed-data` reported once. */
  malformed(raw: Uint8Array, reason: MalformedReason, detail: string, at: Arrival): Promise<void>;
}

/** A watch over one connection. It keeps at most 20 pieces an hour, of 512 bytes each. */
export const createLineWatch = ({
  sensor,
  source,
  unreadableAfter,
  sink,
  clock,
  logger,
}: LineWatchOptions): LineWatch => {
  let unreadableBytes = 0;
  let isUnreadableReported = false;
  let isMalformedReported = false;
  let kept = 0;
  let keptSince = clock.elapsed();

  const keep = async (raw: Uint8Array, reason: string, at: Arrival): Promise<void> => {
    if (clock.elapsed() - keptSince > KEPT_PERIOD) {
      kept = 0;
      keptSince = clock.elapsed();
    }
    kept += 1;
    if (kept > MAX_KEPT) return;
    await sink.keepUnreadable({
      sensor,
      channel: source,
      reason,
      rawHex: toHex(raw.subarray(0, MAX_KEPT_BYTES)),
      receivedUtc: at.utc === null ? null : isoUtc(at.utc),
    });
  };

  return {
    readable: () => {
      unreadableBytes = 0;
      isUnreadableReported = false;
    },
    unreadable: async (raw, at) => {
      unreadableBytes += raw.length;
      if (unreadableBytes < unreadableAfter || isUnreadableReported) return;
      isUnreadableReported = true;
      await keep(raw, "noise: nothing readable on the line", at);
      const message = `sensor ${sensor}: bytes arrive but none make sense; check that its baud rate is the one of its catalogue entry, and that it is the sensor on this port`;
      logger.warn("nothing readable on the line", { bytes: unreadableBytes });
      sink.report("serial-fault", message, { sensor, source, bytes: unreadableBytes });
    },
    malformed: async (raw, reason, detail, at) => {
      await keep(raw, `${reason}: ${detail}`, at);
      logger.warn("message not understood, kept", { reason });
      if (isMalformedReported) return;
      isMalformedReported = true;
      const message = `sensor ${sensor} sent messages that the hub cannot read; they are kept for the technician`;
      sink.report("malformed-data", message, { sensor, source, reason });
    },
  };
};
