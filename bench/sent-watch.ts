import type { LogFields, Logger } from "../protocol/ports/logger.ts";
import { hrMs, type ProgramLine } from "./job.ts";

/** What the broker has acknowledged, as the hub's own log tells. */
export interface SentWatch {
  /** The logger that the hub is to have. */
  listening(logger: Logger): Logger;
  /** Resolves when the link is up. */
  readonly linkUp: Promise<void>;
  /** When the last PUBACK came. */
  readonly lastAt: number;
  /** The sensor `timed` gives a reading now: its time to the PUBACK will be among `latenciesMs`. */
  taking(): void;
  readonly latenciesMs: readonly number[];
  /** Resolves when `count` readings have a PUBACK; of those up to the number `upTo`. */
  reached(count: number, upTo?: number): Promise<void>;
  /** Resolves when everything that was taken by `timed` has a PUBACK. */
  timed(): Promise<void>;
}

/** The sensor whose readings are timed. */
export const TIMED = "timed";

export const createSentWatch = (say: (line: ProgramLine) => void): SentWatch => {
  const linkUp = Promise.withResolvers<void>();
  const takenAt: number[] = [];
  const waiting = new Map<number, number>();
  const latenciesMs: number[] = [];
  let goal: { readonly isMet: () => boolean; readonly met: () => void } | null = null;
  let hasSaid = false;
  let acknowledged = 0;
  let counted = Number.POSITIVE_INFINITY;
  let lastAt = 0;

  /** In the order in which they were taken: the outbox keeps it. */
  const onStored = ({ sensor, seq }: LogFields): void => {
    const at = sensor === TIMED ? takenAt.shift() : undefined;
    if (at !== undefined) waiting.set(Number(seq), at);
  };

  const onSent = ({ firstSeq, lastSeq, count }: LogFields): void => {
    lastAt = hrMs();
    if (!hasSaid) say({ event: "acknowledged" });
    hasSaid = true;
    if (Number(firstSeq) <= counted) acknowledged += Number(count);
    for (const [seq, at] of waiting) {
      if (seq < Number(firstSeq) || seq > Number(lastSeq)) continue;
      waiting.delete(seq);
      latenciesMs.push(lastAt - at);
    }
    if (goal?.isMet() === true) goal.met();
  };

  const listening = (inner: Logger): Logger => ({
    ...inner,
    info: (message, fields = {}) => {
      if (message === "link up") {
        say({ event: "connected" });
        linkUp.resolve();
      }
      if (message === "reading stored") onStored(fields);
      if (message === "batch sent") onSent(fields);
      inner.info(message, fields);
    },
    with: (fields) => listening(inner.with(fields)),
  });

  const until = (isMet: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      goal = { isMet, met: resolve };
      if (isMet()) resolve();
    });

  return {
    listening,
    linkUp: linkUp.promise,
    get lastAt() {
      return lastAt;
    },
    taking: () => {
      takenAt.push(hrMs());
    },
    latenciesMs,
    reached: (count, upTo = Number.POSITIVE_INFINITY) => {
      counted = upTo;
      return until(() => acknowledged >= count);
    },
    timed: () => until(() => takenAt.length + waiting.size === 0),
  };
};
