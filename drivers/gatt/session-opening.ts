import { HubError } from "../../protocol/errors.ts";
import type { ChannelId } from "../../protocol/ids.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { BleLink } from "../../protocol/ports/transport.ts";
import { type Millis, seconds } from "../../protocol/time.ts";
import type { EnrolledSensor } from "../driver.ts";
import type { GattProfile } from "./profile.ts";
import { ACCESS_POINT } from "./record-reader.ts";

/** What a reading waits at most for the clocks: three operations of a slow link (ATT gives an indication 30 s). */
export const CLOCK_PATIENCE = seconds(5);

/** Run a step under a signal that aborts with the given one, or when `patience` is over. */
export const withPatience = async <T>(
  patience: Millis,
  clock: Clock,
  signal: AbortSignal,
  step: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const over = new AbortController();
  const done = new AbortController();
  clock.sleep(patience, done.signal).then(
    () => over.abort(new HubError("ble-timeout", `sensor: no answer within ${patience / 1000} s`)),
    () => undefined,
  );
  try {
    return await step(AbortSignal.any([signal, over.signal]));
  } finally {
    done.abort();
  }
};

/** What a session subscribes to, in order. Throws HubError `sensor-unknown` for a sensor without any measurement. */
export const channelsOf = <R>(
  profile: GattProfile<R>,
  link: BleLink,
  sensor: EnrolledSensor,
): { readonly measurements: readonly ChannelId[]; readonly all: readonly ChannelId[] } => {
  const measurements = profile.measurements.filter((channel) => link.has(channel));
  if (measurements.length === 0) {
    const sought = profile.measurements[0] ?? profile.name;
    const message = `sensor ${sensor.id}: has no ${profile.name} (${sought}); check that it is the model it is enrolled as`;
    throw new HubError("sensor-unknown", message);
  }
  const controls = profile.access !== null && link.has(ACCESS_POINT) ? [ACCESS_POINT] : [];
  return { measurements, all: [...measurements, ...controls] };
};

/** True when every channel is subscribed; false when the connection is gone, or the signal aborted, before that. */
export const subscribeAll = async (
  link: BleLink,
  channels: readonly ChannelId[],
  signal: AbortSignal,
): Promise<boolean> => {
  try {
    for (const channel of channels) await link.subscribe(channel, signal);
    return true;
  } catch (thrown) {
    if (link.lost.aborted || signal.aborted) return false;
    throw thrown;
  }
};
