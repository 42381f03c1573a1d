import type { Framed, Framer } from "../driver.ts";

/** What a cutter says of the octets that wait: how many of them, from the first, are a frame or belong to none. */
export type Cut =
  | { readonly tag: "wait" }
  | { readonly tag: "frame"; readonly length: number }
  | { readonly tag: "discard"; readonly length: number; readonly reason: "noise" | "checksum" | "overlong" };

/** Looks at the octets that wait (one at least). Lengths are 1 or more. */
export type Cutter = (pending: Uint8Array) => Cut;

type Discard = Extract<Cut, { readonly tag: "discard" }>;

export const WAIT: Cut = { tag: "wait" };
export const frameOf = (length: number): Cut => ({ tag: "frame", length });
export const noise = (length: number): Cut => ({ tag: "discard", length, reason: "noise" });
export const badChecksum = (length: number): Cut => ({ tag: "discard", length, reason: "checksum" });
export const overlong = (length: number): Cut => ({ tag: "discard", length, reason: "overlong" });

const LIMIT_REACHED: Discard = { tag: "discard", length: 1, reason: "overlong" };

/** Noise up to the next `start` after the first octet, or all of it. */
export const noiseUpTo = (pending: Uint8Array, start: number): Cut => {
  const next = pending.indexOf(start, 1);
  return noise(next < 0 ? pending.length : next);
};

/**
 * A cutter of frames that state their length. While one waits, a whole frame further on shows that its start was noise
 * or its length damaged: a measurement must not lie behind a false start until enough octets of later ones came. Frames
 * of `cut` need a check strong enough that none is found inside another by chance.
 */
export const orLaterFrame =
  (cut: Cutter, start: number): Cutter =>
  (pending) => {
    const said = cut(pending);
    if (said.tag !== "wait") return said;
    for (let at = pending.indexOf(start, 1); at > 0; at = pending.indexOf(start, at + 1)) {
      if (cut(pending.subarray(at)).tag === "frame") return noise(at);
    }
    return said;
  };

const joined = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  if (left.length === 0) return right;
  const both = new Uint8Array(left.length + right.length);
  both.set(left);
  both.set(right, left.length);
  return both;
};

/**
 * A framer of one cutter. Holds fewer than `limit` octets between pushes; a cutter that would wait for more loses the
 * first octet as `overlong`. Neighbouring discards of one reason come out as one piece. Every piece is a copy.
 */
export const createCuttingFramer = (cut: Cutter, limit: number): Framer => {
  let pending = new Uint8Array(0);
  return {
    push: (bytes) => {
      const all = joined(pending, bytes);
      const framed: Framed[] = [];
      let at = 0;
      let lost = 0;
      let reason: Discard["reason"] = "noise";
      const closeDiscard = (): void => {
        if (lost > 0) framed.push({ tag: "discarded", bytes: all.slice(at - lost, at), reason });
        lost = 0;
      };
      while (at < all.length) {
        const rest = all.subarray(at);
        const said = cut(rest);
        if (said.tag === "wait" && rest.length < limit) break;
        const next = said.tag === "wait" ? LIMIT_REACHED : said;
        if (next.tag === "frame") {
          closeDiscard();
          framed.push({ tag: "frame", bytes: all.slice(at, at + next.length) });
        } else {
          if (next.reason !== reason) closeDiscard();
          reason = next.reason;
          lost += next.length;
        }
        at += next.length;
      }
      closeDiscard();
      pending = all.slice(at);
      return framed;
    },
  };
};
