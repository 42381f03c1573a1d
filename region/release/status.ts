import type { Published, PublishedRole } from "./published.ts";
import type { Draft } from "./repository.ts";

const DAY_MS = 86_400_000;

/**
 * When people should see to it, in days before the end: those who sign offline have to be asked, and meet; what is online
 * is signed every day, so that two days less than it holds is a job that does not run.
 */
const SOON_DAYS = { root: 30, targets: 30, snapshot: 7, timestamp: 1 } as const;

const NEXT: Readonly<Record<PublishedRole["role"], string>> = {
  root: "run release renew --role root, and sign",
  targets: "run release renew --role targets, and sign",
  snapshot: "run release refresh, daily",
  timestamp: "run release refresh, daily",
};

const roleLine = ({ role, version, expires }: PublishedRole, now: number): string => {
  const days = (Date.parse(expires) - now) / DAY_MS;
  const state = days <= 0 ? "EXPIRED, hubs take nothing new" : `${Math.floor(days)} days left`;
  const next = days <= SOON_DAYS[role] ? `: ${NEXT[role]}` : "";
  return `${role} ${version}: until ${expires}, ${state}${next}`;
};

/** One line of a draft: how many signatures it has, and who can give those that are missing. */
export const draftLine = ({ role, version, signatures, threshold, unsigned }: Draft): string => {
  const state = `draft of ${role} ${version}: ${signatures} of ${threshold} signatures`;
  return signatures < threshold ? `${state}, waits for: ${unsigned.join(", ")}` : `${state}, ready to publish`;
};

/** What hubs get, until when, with which counters; then what waits. */
export const statusLines = (
  { roles, targets }: Published,
  drafts: readonly Draft[],
  now: number,
): readonly string[] => {
  const releases = targets.flatMap(({ path, custom: { counter, hardware, arch } }) =>
    counter === undefined ? [] : [`${path}: counter ${counter}, for ${[hardware].flat().join(", ")} (${arch})`],
  );
  const published = roles.length === 0 ? ["nothing is published"] : roles.map((role) => roleLine(role, now));
  const waiting = drafts.length === 0 ? ["nothing waits for a signature"] : drafts.map(draftLine);
  return [...published, ...releases, ...waiting];
};
