import type { Reason, ReasonCode } from "../update/update-state.ts";

/** What the launcher's and the hub's own words for the end of a release say to a person. */
const FOUND: Partial<Record<ReasonCode, string>> = {
  tries: "it was started three times and never proved itself",
  rot: "its image is not what was installed any more: the disk has lost some of it",
  missing: "its image is not there",
  mount: "its image could not be mounted; look at the kernel's messages",
  incomplete: "its image has no program `hemhub`",
  runtime: "the runtime that it names is missing or damaged",
  garbage: "the file that names it holds something else",
  crashed: "it ended by itself in its trial",
  "no-ready": "it did not become ready in time",
  hung: "it gave no sign of life any more",
  killed: "it was killed from outside; look whether memory ran out",
  "no-broker": "it did not reach the broker, and the release before did",
  "no-echo": "the broker did not give its message back",
  outbox: "it could not write and read the outbox",
  transports: "it could not open the sensors' transports",
  "not-draining": "waiting readings did not get away",
  "self-test": "its self-test failed",
  "out-of-time": "it did not prove itself within its trial",
  "by-hand": "a person took it back",
};

const isKnown = (word: string): word is ReasonCode => Object.hasOwn(FOUND, word);

const BEFORE: Readonly<Record<string, string>> = {
  trial: "the release on trial was taken back",
  previous: "the release before runs instead of the one in force",
  rescue: "the release that the hub was installed with runs instead of those that were installed later",
};

/** The reason behind a word of `last-failed`, or of why the launcher passed a release over. */
export const launcherReason = (word: string, slot: string): Reason => {
  const code = isKnown(word) ? word : "unknown";
  const found = FOUND[code] ?? "nothing says why";
  return { code, sentence: `update: ${BEFORE[slot] ?? "another release runs"}: ${found}` };
};
