import type { Seq } from "../../protocol/ids.ts";

/** Why a reading is not sent. */
export type QuarantineCause =
  | { readonly tag: "refused"; readonly reason: string }
  /** Larger than the broker's maximum packet size, which another broker may set higher. */
  | { readonly tag: "too-large"; readonly bytes: number; readonly limit: number };

export const quarantineReason = (cause: QuarantineCause): string =>
  cause.tag === "refused"
    ? cause.reason
    : `it needs ${cause.bytes} bytes and the broker takes packets of ${cause.limit}`;

export interface Quarantined {
  readonly seq: Seq;
  readonly cause: QuarantineCause;
}

/** Most readings that are set aside one by one. What refuses more is not about readings. */
export const MOST_QUARANTINED = 1000;
/** So many quarantined in a row without one acceptance: the broker refuses everything, and no reading is to blame. */
export const MOST_IN_A_ROW = 5;

/** What a refusal of a suspect leads to. */
export type Verdict =
  | { readonly tag: "split" }
  | { readonly tag: "quarantined"; readonly seq: Seq }
  /** Not these readings are at fault: those of this row, and all suspects, are free again; lowest number `from`. */
  | { readonly tag: "not-the-readings"; readonly from: Seq };

/**
 * Finds the reading that a broker will not take, by halving the message it was in, and sets it aside: it stays in the
 * outbox and is not sent again until somebody asks for it, or a broker takes more. Suspects are sent alone, one message
 * at a time, because a DISCONNECT does not say which message it is about.
 */
export interface Isolation {
  readonly quarantined: readonly Quarantined[];
  /** The message to be sent next, alone; null where nothing is suspect. */
  readonly suspect: readonly Seq[] | null;
  /** True for what the other lanes must leave alone. */
  holds(seq: Seq): boolean;
  /** One of these messages was refused, in the order in which they were sent. */
  accuse(messages: readonly (readonly Seq[])[]): void;
  /** The suspect was accepted, or is gone from the outbox. */
  clear(): void;
  /** The suspect was refused again. */
  convict(reason: string): Verdict;
  setAside(seq: Seq, cause: QuarantineCause): Verdict;
  accepted(): void;
  /** Free what now fits; returns the lowest number freed, null for none. */
  freeUpTo(limit: number | null): Seq | null;
  /** Try it again, or all (null): how many, and the lowest of them. */
  release(seq: Seq | null): { readonly count: number; readonly lowest: Seq | null };
  /** The region accounts for these numbers after all. */
  settle(isSettled: (seq: Seq) => boolean): void;
}

/** `known` was set aside before this process began; `onChanged` hears of every change to what is set aside. */
export const createIsolation = (
  known: readonly Quarantined[] = [],
  onChanged: (quarantined: readonly Quarantined[]) => void = () => undefined,
): Isolation => {
  const quarantine = new Map<Seq, Quarantined>(known.map((one) => [one.seq, one]));
  const held = new Set<Seq>();
  let suspects: (readonly Seq[])[] = [];
  let row: Seq[] = [];

  const drop = (): readonly Seq[] => {
    const [first = [], ...rest] = suspects;
    suspects = rest;
    for (const seq of first) held.delete(seq);
    return first;
  };
  const put = (group: readonly Seq[]): void => {
    if (group.length === 0) return;
    suspects = [group, ...suspects];
    for (const seq of group) held.add(seq);
  };
  const changed = (): void => onChanged([...quarantine.values()]);
  const free = (seqs: readonly Seq[]): Seq | null => {
    for (const seq of seqs) quarantine.delete(seq);
    if (seqs.length > 0) changed();
    return seqs.length === 0 ? null : (Math.min(...seqs) as Seq);
  };

  const setAside = (seq: Seq, cause: QuarantineCause): Verdict => {
    row.push(seq);
    quarantine.set(seq, { seq, cause });
    if (row.length < MOST_IN_A_ROW && quarantine.size <= MOST_QUARANTINED) {
      changed();
      return { tag: "quarantined", seq };
    }
    const freed = [...row, ...suspects.flat()];
    suspects = [];
    held.clear();
    row = [];
    return { tag: "not-the-readings", from: free(freed) ?? seq };
  };

  return {
    get quarantined() {
      return [...quarantine.values()];
    },
    get suspect() {
      return suspects[0] ?? null;
    },
    holds: (seq) => held.has(seq) || quarantine.has(seq),
    accuse: (messages) => {
      for (const group of messages.toReversed()) put(group.filter((seq) => !held.has(seq)));
    },
    clear: () => {
      drop();
      row = [];
    },
    convict: (reason) => {
      const group = drop();
      const [only] = group;
      if (only !== undefined && group.length === 1) return setAside(only, { tag: "refused", reason });
      const middle = Math.ceil(group.length / 2);
      put(group.slice(middle));
      put(group.slice(0, middle));
      return { tag: "split" };
    },
    setAside,
    accepted: () => {
      row = [];
    },
    freeUpTo: (limit) =>
      free(
        [...quarantine.values()]
          .filter(({ cause }) => cause.tag === "too-large" && (limit === null || cause.bytes <= limit))
          .map(({ seq }) => seq),
      ),
    release: (seq) => {
      const seqs = [...quarantine.keys()].filter((one) => seq === null || one === seq);
      return { count: seqs.length, lowest: free(seqs) };
    },
    settle: (isSettled) => {
      free([...quarantine.keys()].filter(isSettled));
    },
  };
};
