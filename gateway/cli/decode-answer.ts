import { fromHex } from "../../protocol/bytes.ts";
import { isHubError } from "../../protocol/errors.ts";
import { didYouMean } from "../config/nearest.ts";

/** What the drivers make of bytes: fields in the names of the published vectors, or `{outcome: "error", reason}`. */
export type DecodeAnswer = Readonly<Record<string, unknown>>;

/** The drivers' decoders by kind (drivers/decode/kinds.ts). */
export interface Decoders {
  readonly kinds: readonly string[];
  /** Null for a kind that is not known. Never throws, whatever the bytes. */
  readonly decode: (kind: string, bytes: Uint8Array) => DecodeAnswer | null;
}

export const errorAnswer = (reason: string, detail: string): DecodeAnswer => ({ outcome: "error", reason, detail });

/** `asked` is false where the question itself is wrong: unknown kind, not hex. */
export interface Answered {
  readonly asked: boolean;
  readonly answer: DecodeAnswer;
}

/** Answer one question. Never throws. */
export const answerHex = (decoders: Decoders, kind: string, hex: string): Answered => {
  let bytes: Uint8Array;
  try {
    bytes = fromHex(hex);
  } catch (thrown) {
    if (!isHubError(thrown)) throw thrown;
    return { asked: false, answer: errorAnswer("format", thrown.message) };
  }
  const answer = decoders.decode(kind, bytes);
  if (answer !== null) return { asked: true, answer };
  const name = JSON.stringify(kind.slice(0, 64));
  const detail = `unknown kind ${name}${didYouMean(kind, decoders.kinds)}; hemhub decode --list names them`;
  return { asked: false, answer: errorAnswer("unsupported", detail) };
};

/** Answer one line of `--ndjson`; null stands for a line that was too long to hold. */
export const answerLine = (decoders: Decoders, line: string | null, longest: number): DecodeAnswer => {
  if (line === null) return errorAnswer("overlong", `the line has more than ${longest} bytes`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return errorAnswer("format", 'not JSON; give one {"kind":"...","hex":"..."} a line');
  }
  const { kind, hex } = (typeof parsed === "object" && parsed !== null ? parsed : {}) as Record<string, unknown>;
  if (typeof kind !== "string" || typeof hex !== "string") {
    return errorAnswer("format", 'not a question; give {"kind":"...","hex":"..."}');
  }
  return answerHex(decoders, kind, hex).answer;
};
