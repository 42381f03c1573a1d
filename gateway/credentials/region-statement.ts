import { compactVerify } from "jose";
import { messageOf } from "../../protocol/errors.ts";
import type { CommandKey } from "../commands/command-keys.ts";

/** Anchors of an authority are about 1 KB each in PEM; 16 of them, base64 twice. */
const LONGEST_STATEMENT = 64 * 1024;

export type StatementResult =
  | { readonly tag: "verified"; readonly content: unknown }
  | { readonly tag: "unsigned"; readonly found: string };

const unsigned = (found: string): StatementResult => ({ tag: "unsigned", found });

const contentOf = (payload: Uint8Array): StatementResult => {
  try {
    return { tag: "verified", content: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)) };
  } catch (thrown) {
    return unsigned(`signed, but not JSON (${messageOf(thrown)})`);
  }
};

/**
 * Check a statement of the region (compact JWS, RFC 7515) against its keys. `type` is the `typ` that it must have (RFC 8725
 * 3.11): what was signed for one purpose is worth nothing for another.
 */
export const verifyStatement = async (
  statement: string,
  keys: readonly CommandKey[],
  type: string,
): Promise<StatementResult> => {
  if (statement.length > LONGEST_STATEMENT) return unsigned(`${statement.length} characters`);
  for (const { key, algorithm } of keys) {
    try {
      const { payload, protectedHeader } = await compactVerify(statement.trim(), key, { algorithms: [algorithm] });
      return protectedHeader.typ === type ? contentOf(payload) : unsigned("signed for another purpose");
    } catch {
      // Not with this key; whatever jose found, it is not a signature that counts.
    }
  }
  return unsigned(keys.length === 0 ? "this hub has no key to check it with" : "no key of the region signed it");
};
