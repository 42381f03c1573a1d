import { stat } from "node:fs/promises";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, seconds } from "../../protocol/time.ts";
import type { BleAdapter } from "./adapter.ts";

/** Two reads of the directory a second would not be noticed either; a person who unplugs waits longer than this. */
const LOOK_EVERY: Millis = seconds(2);

/** What is there as long as the adapter is plugged in. */
export const devicePathOf = (adapter: BleAdapter): string => {
  switch (adapter.type) {
    case "uart":
      return adapter.path;
    case "hci":
      return `/sys/class/bluetooth/hci${adapter.device}`;
  }
};

/** Which device a path leads to; null where it leads to none. */
const identityOf = async (path: string): Promise<string | null> => {
  try {
    const { dev, ino, rdev } = await stat(path);
    return `${dev}:${ino}:${rdev}`;
  } catch {
    return null;
  }
};

/**
 * Resolves true when the device is gone, or another has taken its name; false when the signal aborts, or at once where
 * the path never led to a device. Needed because serialport reads on for ever where a read was under way while the
 * port was hung up, and the native socket where the adapter was pulled: neither tells anybody.
 */
export const untilUnplugged = async (path: string, clock: Clock, signal: AbortSignal): Promise<boolean> => {
  const opened = await identityOf(path);
  if (opened === null) return false;
  try {
    do await clock.sleep(LOOK_EVERY, signal);
    while ((await identityOf(path)) === opened);
  } catch {
    // Only the signal ends the sleep.
    return false;
  }
  return !signal.aborted;
};
