import { HubError, messageOf } from "../../protocol/errors.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { SealedFile } from "../store/sealed-file.ts";
import {
  type Configured,
  clockTrusted,
  type Epoch,
  type HandOver,
  handedOver,
  type Ledger,
  type Moment,
  metWith,
  released,
} from "./ledger.ts";

/** The ledger of one hub, as it is on the disk. */
export interface Assignments {
  /** Throws where it was never met with a configuration. */
  readonly ledger: Ledger;
  /** Meet it with the configuration; the epochs that began by that. Durable when it resolves. */
  meet(configured: Configured, at: Moment): Promise<readonly Epoch[]>;
  /** The epoch in which it ended. Durable when it resolves; a second time nothing changes. */
  handOver(handOver: HandOver, at: Moment): Promise<Epoch>;
  /** Whether there was something sealed to release. Durable when it resolves. */
  release(epoch: number): Promise<boolean>;
  /** The hub's clock is trusted; at once in memory, on the disk as soon as it can. */
  trusted(utcMs: number): void;
}

const isLedger = (value: unknown): value is Ledger =>
  typeof value === "object" && value !== null && (value as { schema?: unknown }).schema === "assignments/1";

/** Throws HubError `outbox-key` where the file cannot be read: the hub must not guess whose readings it takes. */
export const openAssignments = async (file: SealedFile, logger: Logger): Promise<Assignments> => {
  const read = await file.read();
  if (read !== null && !isLedger(read)) {
    throw new HubError("outbox-key", "assignments: written by a newer release; install that one again");
  }
  let ledger: Ledger | null = read;
  let writing: Promise<void> = Promise.resolve();

  const known = (): Ledger => {
    if (ledger === null) throw new Error("assignments were not met with the configuration");
    return ledger;
  };

  /** In memory only when it is durable, so that no reading is taken for an assignment that a cut would undo. */
  const write = async (next: Ledger): Promise<void> => {
    const written = writing.then(() => file.write(next));
    writing = written.catch(() => undefined);
    await written;
    ledger = next;
  };

  return {
    get ledger() {
      return known();
    },
    meet: async (configured, at) => {
      const before = ledger;
      const next = metWith(before, configured, at);
      if (JSON.stringify(next) !== JSON.stringify(before)) await write(next);
      const last = before?.epochs.at(-1)?.number ?? 0;
      return before === null ? [] : next.epochs.filter(({ number }) => number > last);
    },
    handOver: async (handOver, at) => {
      const next = handedOver(known(), handOver, at);
      if (next !== ledger) await write(next);
      const epoch = next.epochs.findLast(({ command }) => command === handOver.command);
      if (epoch === undefined) throw new Error("a hand-over made no epoch");
      return epoch;
    },
    release: async (number) => {
      const next = released(known(), number);
      if (next === null) return false;
      await write(next);
      return true;
    },
    trusted: (utcMs) => {
      const { epochs } = known();
      if (!epochs.some(({ begunMs, from }) => begunMs === null && from !== null)) return;
      const next = clockTrusted(known(), utcMs);
      // True at once: what is stored from now on may be compared with it, and a cut only makes it later.
      ledger = next;
      write(next).catch((thrown: unknown) => {
        logger.warn("begin of the assignment not written", { reason: messageOf(thrown) });
      });
    },
  };
};
