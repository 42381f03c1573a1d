import { rename, rm, symlink } from "node:fs/promises";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, millis } from "../../protocol/time.ts";
import { createListenerCheck } from "../pty/listening.ts";
import { openPty, type Pty } from "../pty/pty.ts";
import type { Chance } from "../radio/seeded.ts";
import { disturb, type Flippable, type LineFaults } from "./disturb.ts";

export interface LineOutcome {
  /** The kernel took every byte while a reader had the port open; false: nobody heard it. */
  readonly heard: boolean;
  readonly disturbed: boolean;
  /** The reader had only just opened the port. Opening discards what is in it, so these bytes may be gone. */
  readonly early: boolean;
}

/** Locking and flushing a port that is opened are microseconds apart; a machine under load may stretch that. */
const OPENING = millis(500);
/** How often a line looks whether somebody listens: well below the time in which a hub can start again. */
const LOOK_EVERY = millis(100);

/**
 * A serial cable with a sensor at this end. `path` is what a hub opens: a link that stays the same, as a udev name
 * does, while the device behind it comes and goes with the cable.
 */
export interface SerialLine extends AsyncDisposable {
  readonly path: string;
  readonly plugged: boolean;
  /** Somebody listens, and has done so for long enough that nothing sent now is `early`. */
  readonly settled: boolean;
  /** For `childStdio`; null while unplugged. */
  readonly pty: Pty | null;
  /** Send one message, in order of the calls, disturbed as the line's faults have it. */
  send(message: Uint8Array): Promise<LineOutcome>;
  setFaults(faults: LineFaults): void;
  /** Pull the cable: the hub gets a hang-up, and the path is gone. */
  unplug(): Promise<void>;
  plug(): Promise<void>;
}

export interface SerialLineOptions {
  /** Where to put the link. */
  readonly path: string;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly faults?: LineFaults;
  readonly flippable?: Flippable;
  /** Bytes that the hub sent. */
  readonly receive?: (bytes: Uint8Array) => void;
}

const UNHEARD: LineOutcome = { heard: false, disturbed: false, early: false };

export const createSerialLine = async (options: SerialLineOptions): Promise<SerialLine> => {
  const { path, chance, clock } = options;
  let faults = options.faults ?? {};
  let pty: Pty | null = null;
  let reading: Promise<void> = Promise.resolve();
  let watching = new AbortController();
  /** Null while nobody listens. */
  let listeningSince: Millis | null = null;

  const watch = async (signal: AbortSignal, isListening: () => boolean): Promise<void> => {
    for (;;) {
      listeningSince = isListening() ? (listeningSince ?? clock.elapsed()) : null;
      await clock.sleep(LOOK_EVERY, signal);
    }
  };

  const readFrom = async (from: Pty): Promise<void> => {
    for await (const bytes of from.incoming) options.receive?.(bytes);
  };

  const plug = async (): Promise<void> => {
    if (pty !== null) return;
    pty = await openPty({ clock });
    watching = new AbortController();
    const watched = watch(watching.signal, createListenerCheck(pty.path)).catch(() => undefined);
    reading = Promise.all([readFrom(pty), watched]).then(() => undefined);
    // Renaming puts the new device in place of an old link in one step.
    await symlink(pty.path, `${path}.new`);
    await rename(`${path}.new`, path);
  };

  const unplug = async (): Promise<void> => {
    const old = pty;
    if (old === null) return;
    pty = null;
    watching.abort();
    listeningSince = null;
    await rm(path, { force: true });
    await old.close();
    await reading;
  };

  const isSettled = (): boolean => listeningSince !== null && clock.elapsed() - listeningSince >= OPENING;

  await plug();
  return {
    path,
    get settled() {
      return isSettled();
    },
    get plugged() {
      return pty !== null;
    },
    get pty() {
      return pty;
    },
    send: async (message) => {
      if (pty === null) return UNHEARD;
      const { bytes, disturbed } = disturb(message, faults, options.flippable ?? "any-bit", chance);
      const heard = (await pty.write(bytes)) === "written";
      return { heard, disturbed, early: heard && !isSettled() };
    },
    setFaults: (next) => {
      faults = next;
    },
    unplug,
    plug,
    [Symbol.asyncDispose]: unplug,
  };
};
