import { randomUUID } from "node:crypto";
import { access, readFile } from "node:fs/promises";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, millis } from "../../protocol/time.ts";
import type { ClockSigns } from "./hub-time.ts";

/** systemd-timesyncd touches this when it has set the clock from a server, and removes it at start (its manual page). */
const TIMESYNCD_SYNCHRONISED = "/run/systemd/timesync/synchronized";
const RTC_PLACES = ["/sys/class/rtc/rtc0", "/dev/rtc0"];
const BOOT_ID = "/proc/sys/kernel/random/boot_id";

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** What this Linux machine shows of its clock: presence of files only, so that looking costs nothing. */
export const machineSigns = async (): Promise<ClockSigns> => ({
  synchronised: await exists(TIMESYNCD_SYNCHRONISED),
  rtc: (await Promise.all(RTC_PLACES.map(exists))).includes(true),
});

/** The kernel's random id of this boot (proc(5)); where there is none, one of this process. */
export const machineBootId = async (): Promise<string> => {
  try {
    return (await readFile(BOOT_ID, "utf8")).trim();
  } catch {
    return randomUUID();
  }
};

/** Time from the machine's start to the zero of `clock.elapsed`: hrtime is CLOCK_MONOTONIC, which counts from it. */
export const machineZero = (clock: Clock): Millis =>
  millis(Number(process.hrtime.bigint()) / 1_000_000 - clock.elapsed());
