import { messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { millis, minutes, seconds } from "../../protocol/time.ts";
import type { Chance } from "../radio/seeded.ts";
import type { ReleaseContent } from "./release-publisher.ts";
import type { Campaign, Releases } from "./releases.ts";
import type { Scenario } from "./scenario.ts";

/** What must become of each. */
const EXPECTED: Readonly<Record<ReleaseContent, string>> = { good: "installed", broken: "rolled-back" };
/** For one release: each wait for a measurement takes half a minute, and so does a trial at least. */
const LONGEST_UPDATE = minutes(4);
/** Readings go on, before the next release and after the last. */
const BETWEEN = seconds(3);

export interface ReleaseCounts {
  readonly installed: number;
  readonly rolledBack: number;
}

export const countsOf = (campaigns: readonly Campaign[]): ReleaseCounts => ({
  installed: campaigns.filter(({ outcome }) => outcome?.result === "installed").length,
  rolledBack: campaigns.filter(({ outcome }) => outcome?.result === "rolled-back").length,
});

/** What did not come of the releases that a scenario has; one that was never published is missing too. */
export const missingOf = (plan: Scenario["releases"], campaigns: readonly Campaign[]): readonly string[] =>
  (plan?.contents ?? []).flatMap((content, index) => {
    const result = campaigns[index]?.outcome?.result ?? "not over";
    const { code = null } = campaigns[index]?.outcome ?? {};
    const why = code === null ? "" : ` (${code})`;
    return result === EXPECTED[content]
      ? []
      : [`release ${index + 1} (${content}) is ${result}${why}, expected: ${EXPECTED[content]}`];
  });

/**
 * Publishes what the scenario has. Resolves when the last is over, when one does not get there, or with the signal; what
 * went wrong is told to `complain`.
 */
export const livePlan = async (
  plan: NonNullable<Scenario["releases"]>,
  { releases, clock, chance }: { readonly releases: Releases; readonly clock: Clock; readonly chance: Chance },
  complain: (text: string) => void,
  signal: AbortSignal,
): Promise<void> => {
  const [from, to] = plan.first;
  try {
    await clock.sleep(millis(chance.fork("releases").whole(from, to)), signal);
    for (const content of plan.contents) {
      await releases.publishNext(signal);
      const over = new AbortController();
      const late = clock.sleep(LONGEST_UPDATE, AbortSignal.any([signal, over.signal])).catch(() => undefined);
      await Promise.race([releases.whenOver(signal), late]);
      over.abort();
      const last = releases.campaigns.at(-1);
      if (last?.outcome?.result !== EXPECTED[content]) return;
      await clock.sleep(BETWEEN, signal);
    }
  } catch (thrown) {
    if (!signal.aborted) complain(messageOf(thrown));
  }
};
