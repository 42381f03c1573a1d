import type { Clock } from "../../protocol/ports/clock.ts";
import { type EpochMs, epochMs, type Millis } from "../../protocol/time.ts";
import type { UpdateFiles } from "../files/update-files.ts";

/** How much of a link updates may use. */
export interface ByteBudget {
  /** Bytes that may still be taken in the present period. */
  left(): number;
  spend(bytes: number): void;
  /** What was spent is durable when it resolves. */
  save(): Promise<void>;
}

/** For links that cost nothing by the byte. */
export const unlimitedBudget: ByteBudget = {
  left: () => Number.POSITIVE_INFINITY,
  spend: () => undefined,
  save: async () => undefined,
};

export interface LinkUse {
  readonly since: EpochMs;
  readonly bytes: number;
}

/**
 * The use of the period that `now` is in. A clock that was set back begins the period again and forgives nothing, so
 * that no jump of the clock makes bytes free; one that was set forward may, once.
 */
export const useAt = (use: LinkUse | null, period: Millis, now: EpochMs): LinkUse => {
  if (use === null || now - use.since >= period) return { since: now, bytes: 0 };
  return now < use.since ? { since: now, bytes: use.bytes } : use;
};

const SCHEMA = "link-use/1";

const parseUse = (bytes: Uint8Array | null): LinkUse | null => {
  try {
    const { schema, since, bytes: used } = JSON.parse(Buffer.from(bytes ?? []).toString("utf8"));
    const isUse = schema === SCHEMA && Number.isSafeInteger(since) && Number.isSafeInteger(used) && used >= 0;
    return isUse ? { since: epochMs(since), bytes: used } : null;
  } catch {
    // Absent, or damaged: the period begins now. Nothing that is trusted hangs on it.
    return null;
  }
};

export interface MeteredLink {
  readonly files: UpdateFiles;
  /** Where its use is kept: one file a link. */
  readonly file: string;
  readonly limitBytes: number;
  /** Such as a month of a mobile contract. */
  readonly period: Millis;
}

/** The budget of a metered link; it outlasts restarts. */
export const openByteBudget = async (
  { files, file, limitBytes, period }: MeteredLink,
  clock: Clock,
): Promise<ByteBudget> => {
  let use = useAt(parseUse(await files.read(file)), period, clock.now());
  return {
    left: () => {
      use = useAt(use, period, clock.now());
      return Math.max(0, limitBytes - use.bytes);
    },
    spend: (bytes) => {
      use = { ...use, bytes: use.bytes + bytes };
    },
    save: () => files.replace(file, Buffer.from(`${JSON.stringify({ schema: SCHEMA, ...use })}\n`)),
  };
};
