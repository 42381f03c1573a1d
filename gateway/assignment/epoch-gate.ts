import type { Seq } from "../../protocol/ids.ts";
import type { TimeGate } from "../forward/time-gate.ts";
import type { SeqRange } from "../store/seq-ranges.ts";
import type { Epoch, Ledger } from "./ledger.ts";

export interface EpochGateOptions {
  readonly time: TimeGate;
  readonly ledger: () => Ledger;
  readonly outbox: { readonly series: string; waitingBetween(from: number, to: number): number };
  /** Readings that no broker takes: they do not keep others waiting. */
  readonly quarantined: () => readonly { readonly seq: Seq }[];
  /** The last reading from before the hand-over is gone. */
  readonly onDelivered: (epoch: Epoch) => void;
}

/** What a hand-over holds back, around what the clock does. */
export interface EpochGate extends TimeGate {
  /** Readings from before the epoch that still wait: sealed, or to be delivered first. */
  waitingBefore(epoch: Epoch): number;
}

/** Numbers that are held: the sealed ones, and all from `blocking.since` on. */
interface Holds {
  readonly sealed: readonly SeqRange[];
  readonly blocking: Epoch | null;
}

const covers =
  (seq: number) =>
  ([from, to]: SeqRange): boolean =>
    from <= seq && seq <= to;

/**
 * After a hand-over everything new waits until what is older is delivered (`deliver`), or what the former assignment left
 * stays where it is (`seal`) until the region asks for it (design faults.md, F53). A reading's number tells on which side
 * it is: of several people in one home all wait for as long as that takes.
 */
export const createEpochGate = (options: EpochGateOptions): EpochGate => {
  const { time, ledger, outbox, quarantined, onDelivered } = options;

  const ours = (): readonly Epoch[] => ledger().epochs.filter(({ series }) => series === outbox.series);

  /** What was stored in the epoch before; what is older still was to be delivered, or is sealed by its own end. */
  const sealedBy = (epoch: Epoch): SeqRange => {
    const before = ours().findLast(({ number }) => number < epoch.number);
    return [before?.since ?? 1, epoch.since - 1];
  };
  const sealed = (): readonly SeqRange[] => ours().flatMap((one) => (one.backlog === "seal" ? [sealedBy(one)] : []));

  /** Sealed numbers are not among those that have to be delivered first. */
  const undelivered = ({ since }: Epoch): number => {
    const aside = sealed().filter(([, to]) => to < since);
    const asideWaiting = aside.reduce((sum, [from, to]) => sum + outbox.waitingBetween(from, to), 0);
    const poison = quarantined().filter(({ seq }) => seq < since && !aside.some(covers(seq))).length;
    return Math.max(0, outbox.waitingBetween(1, since - 1) - asideWaiting - poison);
  };

  const delivers = ({ backlog, from }: Epoch): boolean => backlog === "deliver" && from !== null;

  const look = (): Holds => ({
    sealed: sealed(),
    blocking: ours().find((one) => delivers(one) && undelivered(one) > 0) ?? null,
  });

  /** As of the last look, which is before each message is cut. What it holds too long is freed by the next. */
  let seen: Holds | null = null;
  const holds = (): Holds => {
    seen ??= look();
    return seen;
  };

  return {
    leavesTimed: time.leavesTimed === true,
    view: (readings) => time.view(readings),
    isHeld: (seq) => {
      const { sealed: closed, blocking } = holds();
      return closed.some(covers(seq)) || (blocking !== null && seq >= blocking.since) || time.isHeld(seq);
    },
    /** Of a hand-over the lowest number: whoever goes back to it finds the others. */
    freed: () => {
      const before = holds();
      const now = look();
      seen = now;
      const free = before.sealed.filter(([from]) => !now.sealed.some(covers(from))).map(([from]) => from as Seq);
      if (before.blocking !== null && before.blocking.number !== now.blocking?.number) {
        free.push(before.blocking.since as Seq);
        onDelivered(before.blocking);
      }
      return [...time.freed(), ...free].toSorted((a, b) => a - b);
    },
    wait: () => time.wait(),
    get held() {
      return time.held;
    },
    waitingBefore: (epoch) => {
      if (epoch.series !== outbox.series) return 0;
      if (epoch.backlog === "seal") return outbox.waitingBetween(...sealedBy(epoch));
      return delivers(epoch) ? undelivered(epoch) : 0;
    },
  };
};
