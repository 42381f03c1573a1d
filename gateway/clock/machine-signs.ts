import { randomUUID } from "node:crypto";
import { access, readFile } from "node:fs/promises";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, millis } from "../../protocol/time.ts";
import { askChrony } from "./ask-chrony.ts";
import { createKernelClock } from "./ask-kernel.ts";
import { createTimesyncd } from "./ask-timesyncd.ts";
import type { ClockSigns } from "./hub-time.ts";
import { type SourceAnswer, type SyncSource, settle } from "./synchronisation.ts";
import { askTimesyncBus } from "./timesync-bus.ts";

const RTC_PLACES = ["/sys/class/rtc/rtc0", "/dev/rtc0"];
const BOOT_ID = "/proc/sys/kernel/random/boot_id";

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** How each source is asked. None of them rejects. */
export type AskSource = Readonly<Record<Exclude<SyncSource, "region">, () => Promise<SourceAnswer>>>;

export const machineSources = (clock: Clock): AskSource => ({
  chrony: () => askChrony(clock),
  timesyncd: createTimesyncd({ clock, lastExchange: () => askTimesyncBus(clock) }),
  kernel: createKernelClock(clock),
});

/** Whether the two daemons have anything to say, be it that nothing is synchronised. */
const isSaid = ({ tag }: SourceAnswer): boolean => tag === "synchronised" || tag === "unsynchronised";

/**
 * What this Linux machine shows of its clock, at a datagram and a few file accesses. The kernel is asked only where
 * neither chrony nor timesyncd says anything: its state is what one of them told it, with chrony's `local` directive,
 * too, which keeps a clock by itself.
 */
export const machineSigns =
  (clock: Clock, ask: AskSource = machineSources(clock)) =>
  async (): Promise<ClockSigns> => {
    const [chrony, timesyncd] = await Promise.all([ask.chrony(), ask.timesyncd()]);
    const kernel: SourceAnswer = isSaid(chrony) || isSaid(timesyncd) ? { tag: "absent" } : await ask.kernel();
    return {
      sync: settle([chrony, timesyncd, kernel]),
      rtc: (await Promise.all(RTC_PLACES.map(exists))).includes(true),
      answers: { chrony, timesyncd, kernel },
    };
  };

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
