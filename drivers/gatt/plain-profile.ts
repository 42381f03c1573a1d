import { createSingleIntake } from "./intake.ts";
import type { GattProfile } from "./profile.ts";
import { alignClock } from "./sensor-clock.ts";

type Given = "id" | "version" | "name" | "measurements" | "decode" | "timeOf" | "measure";

/** What a service must say of itself; the rest is as most have it. */
export type PlainProfile<R> = Pick<GattProfile<R>, Given> & Partial<Omit<GattProfile<R>, Given>>;

/** A service of which every value is a record, that is stamped by a clock which can be set, and that sends by itself. */
export const defineProfile = <R>(profile: PlainProfile<R>): GattProfile<R> => ({
  stays: false,
  statics: [],
  alignClock,
  access: null,
  createIntake: (quirks) => createSingleIntake((bytes, channel) => profile.decode(bytes, channel, quirks)),
  complete: (record) => record,
  isOnClock: () => true,
  ...profile,
});
