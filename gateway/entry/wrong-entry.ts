import { HubError } from "../../protocol/errors.ts";

/** Whoever sends much is not answered with it. */
const LONGEST_FOUND = 300;

/** Longest quotation of a word. */
const LONGEST_QUOTE = 40;

/**
 * What was given does not fit. The sentence goes to whoever gave it, and nowhere else: it may quote a value. Bytes that are
 * not text must not reach a terminal.
 */
export const wrongEntry = (found: string, next: string): HubError => {
  const whole = found.length <= LONGEST_FOUND ? found : `${found.slice(0, LONGEST_FOUND)}...`;
  return new HubError("invalid-argument", `${whole}; ${next}`.replaceAll(/\p{Cc}/gu, " "));
};

export const quoted = (word: string): string =>
  JSON.stringify(word.length <= LONGEST_QUOTE ? word : `${word.slice(0, LONGEST_QUOTE)}...`);
