import type { Seq } from "../../protocol/ids.ts";
import type { Receipt } from "../../protocol/messages.ts";

/** A receipt for everything up to `through` unless told otherwise. */
export const receipt = (
  through: number,
  refused: readonly (readonly [seq: number, reason: string])[] = [],
  missing: readonly (readonly [from: number, to: number])[] = [],
): Receipt => ({
  series: null,
  through: through as Seq,
  refused: refused.map(([seq, reason]) => ({ seq: seq as Seq, reason })),
  missing: missing.map(([from, to]) => [from as Seq, to as Seq]),
});
