import type { Zone } from "../../drivers/normalise/zone.ts";
import type { ReportedRelease } from "../../protocol/desired.ts";
import { HubError, messageOf } from "../../protocol/errors.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { Outbox } from "../../protocol/ports/outbox.ts";
import type { DesiredPart } from "../commands/desk.ts";
import type { HubConfig } from "../config/hub-config.ts";
import type { DiagnosticCommand } from "../diagnostics/command.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import type { CareSources } from "./care-signs.ts";
import { launchedBy } from "./launched.ts";
import { readRunningRelease } from "./running-release.ts";
import type { TrialSources } from "./trial-probes.ts";

/** The parts of a running hub that an update waits for, and that a release on trial is judged by. */
export type UpdateSources = CareSources & Omit<TrialSources, "config" | "backlog">;

export interface UpdatesOptions {
  readonly config: HubConfig;
  readonly time: HubTime;
  /** The home's. */
  readonly zone: Zone;
  readonly depth: Outbox["depth"];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly report: ReportEvent;
  /** Asked once the parts are there. */
  readonly sources: () => UpdateSources;
  /** End this process in order; its next start finds what was switched. */
  readonly restart: () => void;
  /** What is reported to the region has changed. */
  readonly onChanged: () => void;
}

/** The updates of a running hub, or the sentence about why it takes none. */
export interface HubUpdates {
  readonly part: DesiredPart;
  readonly commands: readonly DiagnosticCommand[];
  reported(): ReportedRelease | null;
  run(signal: AbortSignal): Promise<void>;
}

const without = (sentence: string): HubUpdates => ({
  part: async (content) => (content === undefined || content === null ? null : sentence),
  commands: [
    {
      name: "update status",
      summary: "why this hub takes no updates",
      role: "view",
      // biome-ignore lint/correctness/useYield: it has nothing else to say
      async *run() {
        throw new HubError("update-unreachable", sentence);
      },
    },
  ],
  reported: () => null,
  run: async () => undefined,
});

/** A hub that cannot take updates measures and forwards as ever; `update status` says why. */
export const openUpdates = async (
  options: UpdatesOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<HubUpdates> => {
  const { config, logger } = options;
  if (config.updates === null)
    return without("update: the configuration has no section `updates`, so nothing is updated");
  const launched = launchedBy(env);
  if (launched === null) {
    return without(
      "update: this hub was not started by hemhub-launch, so nothing can be switched; start it as docs/updates.md says",
    );
  }
  try {
    const { openWiredUpdates } = await import("./wired-updates.ts");
    return await openWiredUpdates({ options, config: config.updates, launched, release: await readRunningRelease() });
  } catch (thrown) {
    const reason = messageOf(thrown);
    logger.error("updates cannot work", { reason });
    return without(`update: it cannot work here (${reason})`);
  }
};
