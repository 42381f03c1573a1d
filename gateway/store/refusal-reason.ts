import type { ReceiptEffects } from "./receipt.ts";
import type { Seal } from "./seal.ts";

/** Characters of a reason that are kept: a sentence. */
const LONGEST_REASON = 300;
/** How a sealed reason begins in its text column; what does not was written by a release before this. */
const SEALED = "sealed:";

const CONTROL = /\p{C}+/gu;

/** One line of printable text. */
export const tidyReason = (reason: string): string =>
  reason.replaceAll(CONTROL, " ").replaceAll(/\s+/g, " ").trim().slice(0, LONGEST_REASON);

const boundTo = (seq: number): Uint8Array => Buffer.from(`reason ${seq}`);

/** A region's reason may quote the value that it does not believe: on the disk it is sealed like the reading. */
export const sealReason = (seal: Pick<Seal, "seal">, seq: number, reason: string): string =>
  SEALED + Buffer.from(seal.seal(Buffer.from(tidyReason(reason), "utf8"), boundTo(seq))).toString("base64");

export const openReason = (seal: Pick<Seal, "open">, seq: number, kept: string): string => {
  if (!kept.startsWith(SEALED)) return tidyReason(kept);
  const plain = seal.open(Buffer.from(kept.slice(SEALED.length), "base64"), boundTo(seq));
  return plain === null ? "the reason is damaged on the disk" : Buffer.from(plain).toString("utf8");
};

/** Effects of a receipt as they go to the disk. */
export const withSealedReasons = (effects: ReceiptEffects, seal: Pick<Seal, "seal">): ReceiptEffects => ({
  ...effects,
  refuse: new Map([...effects.refuse].map(([seq, reason]) => [seq, sealReason(seal, seq, reason)])),
});
