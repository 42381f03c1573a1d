import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, millis } from "../../protocol/time.ts";

export interface WatchdogOptions {
  readonly clock: Clock;
  /** Longest silence towards the broker; at most KEEPALIVE. */
  readonly keepalive: Millis;
  readonly sendPing: () => void;
  /** When the message that has waited longest for its PUBACK was sent; null where none waits. */
  readonly oldestUnacknowledged: () => Millis | null;
  readonly onDead: (why: "silent" | "no-puback") => void;
}

/** Notices a connection that is open and dead. */
export interface Watchdog {
  sent(): void;
  received(): void;
  acknowledged(): void;
}

/** Keepalive that the hub announces. Half-open connections are noticed after 1.5 x 30 s = 45 s (MQTT 5.0, 3.1.2.10). */
export const KEEPALIVE = millis(30_000);
/**
 * Longest wait for a PUBACK while none comes at all. Not per message: on a link of 9.6 kbit/s the last of several
 * messages waits for the bytes of those before it. Not shorter than the keepalive, so that no look comes too late.
 */
export const PUBACK_DEADLINE = KEEPALIVE;

const DEAD_AFTER_KEEPALIVES = 1.5;

export const startWatchdog = (options: WatchdogOptions, signal: AbortSignal): Watchdog => {
  const { clock, keepalive, sendPing, oldestUnacknowledged, onDead } = options;
  let lastSent = clock.elapsed();
  let lastReceived = lastSent;
  let lastAcknowledged = lastSent;
  let lastPing: Millis | null = null;

  const pubackDue = (): number => {
    const oldest = oldestUnacknowledged();
    return oldest === null ? Number.POSITIVE_INFINITY : Math.max(oldest, lastAcknowledged) + PUBACK_DEADLINE;
  };

  const watch = async (): Promise<void> => {
    while (!signal.aborted) {
      const now = clock.elapsed();
      const deadAt = lastReceived + keepalive * DEAD_AFTER_KEEPALIVES;
      if (now >= deadAt) return onDead("silent");
      if (now >= pubackDue()) return onDead("no-puback");
      // Both directions need a sign of life: the broker counts what it receives, the hub what it receives.
      const quietSince = Math.min(lastSent, Math.max(lastReceived, lastPing ?? 0));
      if (now >= quietSince + keepalive) {
        lastPing = now;
        sendPing();
        continue;
      }
      await clock.sleep(millis(Math.min(quietSince + keepalive, deadAt, pubackDue()) - now), signal);
    }
  };
  void watch().catch((thrown: unknown) => {
    // The end of the connection cuts the sleep short; everybody learns of it through the same signal.
    if (!signal.aborted) throw thrown;
  });

  return {
    sent: () => {
      lastSent = clock.elapsed();
    },
    received: () => {
      lastReceived = clock.elapsed();
    },
    acknowledged: () => {
      lastAcknowledged = clock.elapsed();
    },
  };
};
