import { randomBytes } from "node:crypto";
import { type IncomingMessage, request } from "node:http";
import type { LookupFunction } from "node:net";
import { messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type EpochMs, epochMs, type Millis, millis, seconds } from "../../protocol/time.ts";
import type { CommandKey } from "../commands/command-keys.ts";
import { verifyStatement } from "./region-statement.ts";

/** `typ` of a statement of time. */
export const TIME_TYPE = "hemhub-time+jws";

/**
 * What the region's time service answered. `proven`: a key of the region signed this time together with this hub's nonce, so
 * that it is not from before the question. `login`: something on the way answered for it.
 */
export type TimeAnswer =
  | { readonly tag: "proven"; readonly utc: EpochMs; readonly errorMs: number; readonly at: Millis }
  | { readonly tag: "login" }
  | { readonly tag: "unproven"; readonly found: string }
  | { readonly tag: "silent"; readonly found: string };

export interface TimeQuestion {
  /** `http://...`: the answer is signed, and TLS could not be checked without the time. */
  readonly url: string;
  readonly keys: readonly CommandKey[];
  readonly clock: Clock;
  readonly lookup?: LookupFunction;
}

/** RFC 4086: 128 bits cannot be guessed; twice that costs nothing. */
const NONCE_BYTES = 32;
/** A signed time is a few hundred characters. */
const LARGEST_ANSWER = 8 * 1024;
/** Whoever holds the answer up can make the hub's time late by this at most. */
export const LONGEST_ROUND_TRIP = seconds(5);
/** 511 Network Authentication Required (RFC 6585 6): what a login page should answer and rarely does. */
const LOGIN_REQUIRED = 511;
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+\s*$/;
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/;

const readBody = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LARGEST_ANSWER) throw new Error(`more than ${LARGEST_ANSWER} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
};

const ask = (url: URL, lookup: LookupFunction | undefined, signal: AbortSignal): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const headers = { accept: "application/jose", "cache-control": "no-store" };
    const asking = request(url, { signal, headers, agent: false, ...(lookup === undefined ? {} : { lookup }) });
    asking.once("response", resolve);
    asking.on("error", reject);
    asking.end();
  });

const utcOf = (content: unknown, nonce: string): EpochMs | string => {
  const { schema, nonce: echoed, at } = (content ?? {}) as Record<string, unknown>;
  if (schema !== "time/1" || typeof at !== "string" || !UTC.test(at)) return "not time/1";
  if (echoed !== nonce) return "signed for another question, so it may be old";
  return epochMs(Date.parse(at));
};

/**
 * Ask the region for the time, once, with a new nonce. The true time lies within `errorMs` of `utc` at the monotonic time
 * `at`: the region signed it between question and answer. `signal` bounds the wait; what it aborted is `silent`.
 */
export const askRegionTime = async (
  { url, keys, clock, lookup }: TimeQuestion,
  signal: AbortSignal,
): Promise<TimeAnswer> => {
  const nonce = randomBytes(NONCE_BYTES).toString("base64url");
  const question = new URL(url);
  question.searchParams.set("nonce", nonce);
  const asked = clock.elapsed();
  let body: string;
  try {
    const response = await ask(question, lookup, signal);
    const status = response.statusCode ?? 0;
    if ((status >= 300 && status < 400) || status === LOGIN_REQUIRED) {
      response.destroy();
      return { tag: "login" };
    }
    body = await readBody(response);
    if (status !== 200) return { tag: "silent", found: `status ${status}` };
  } catch (thrown) {
    return { tag: "silent", found: messageOf(thrown) };
  }
  const at = clock.elapsed();
  // The service answers with nothing else, so a page comes from something in between.
  if (!COMPACT_JWS.test(body)) return { tag: "login" };
  const roundTrip = at - asked;
  if (roundTrip > LONGEST_ROUND_TRIP) return { tag: "silent", found: `an answer after ${Math.round(roundTrip)} ms` };
  const verified = await verifyStatement(body, keys, TIME_TYPE);
  if (verified.tag === "unsigned") return { tag: "unproven", found: verified.found };
  const utc = utcOf(verified.content, nonce);
  if (typeof utc === "string") return { tag: "unproven", found: utc };
  const half = roundTrip / 2;
  return { tag: "proven", utc: epochMs(Math.round(utc + half)), errorMs: Math.ceil(half) + 1, at: millis(at) };
};
