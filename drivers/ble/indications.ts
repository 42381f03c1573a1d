import { HubError } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, seconds } from "../../protocol/time.ts";

/**
 * A sensor drops the link when its indication is not confirmed in 30 s (Core Vol 3 Part F 3.3.3). 5 s less, so that the
 * hub hangs up first and knows that the sensor still has the value.
 */
export const CONFIRM_DEADLINE: Millis = seconds(25);

export interface Indications {
  /** An indication arrived: what confirms it. Only the first call does anything, and only while the link lives. */
  arrived(): () => void;
  /** Confirm nothing any more. */
  close(): void;
}

/** Confirms an indication when it is durable. Calls `late` when that does not happen in time. */
export const createIndications = (
  peer: string,
  clock: Clock,
  send: () => void,
  late: (error: HubError) => void,
): Indications => {
  const open = new Set<AbortController>();
  return {
    arrived: () => {
      const one = new AbortController();
      open.add(one);
      clock.sleep(CONFIRM_DEADLINE, one.signal).then(
        () => {
          if (!open.delete(one)) return;
          const found = `not stored in ${CONFIRM_DEADLINE / 1000} s; the hub hangs up and the sensor keeps it; check the disk`;
          late(new HubError("ble-timeout", `indication of ${peer}: ${found}`));
        },
        () => undefined,
      );
      return () => {
        if (!open.delete(one)) return;
        one.abort();
        send();
      };
    },
    close: () => {
      for (const one of open) one.abort();
      open.clear();
    },
  };
};
