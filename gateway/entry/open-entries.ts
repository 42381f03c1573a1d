import { join } from "node:path";
import { createZones } from "../../drivers/normalise/zone.ts";
import type { AssignmentId } from "../../protocol/ids.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { ReadingValidator } from "../../protocol/validate.ts";
import type { HubConfig } from "../config/hub-config.ts";
import type { Ingest } from "../ingest/ingest.ts";
import { HUB_VERSION } from "../version.ts";
import { createEntryChannel, type EntryChannel } from "./entry-channel.ts";
import { createEntryDesk } from "./entry-desk.ts";
import { openEntryLedger } from "./entry-ledger.ts";
import { loadQuestionnaires } from "./load-questionnaires.ts";

export interface EntriesOptions {
  readonly config: HubConfig;
  readonly ingest: Ingest;
  readonly validate: ReadingValidator;
  readonly time: HubTime;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Stands for an assignment in files. */
  readonly mark: (assignment: AssignmentId) => string;
}

/** Manual entry of one hub: a channel for each way in. */
export interface Entries {
  readonly socket: EntryChannel;
  readonly console: EntryChannel;
  /** Discards what people left unfinished, until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Never rejects: a questionnaire that cannot be read is a sentence in the log and in `questionnaire list`. */
export const openEntries = async (options: EntriesOptions): Promise<Entries> => {
  const { config, ingest, validate, time, clock, logger } = options;
  const { id, assignment, dataDir, timeZone } = config.hub;
  const questionnaires = await loadQuestionnaires(config.questionnaires);
  for (const reason of questionnaires.problems) logger.warn("questionnaire not offered", { reason });
  const desk = createEntryDesk({
    assignment,
    hub: { id, version: HUB_VERSION },
    zone: createZones().zone(timeZone),
    questionnaires,
    ledger: await openEntryLedger(join(dataDir, "entries.json"), assignment, logger, options.mark),
    sink: ingest.sinkOf(null),
    validate,
    time,
    clock,
    logger,
  });
  const socket = createEntryChannel({ desk, by: "technician", isStated: true, clock, logger });
  const console = createEntryChannel({ desk, by: "technician", isStated: false, clock, logger });
  return {
    socket,
    console,
    run: async (signal) => {
      await Promise.all([socket.unfinished.run(signal), console.unfinished.run(signal)]);
    },
  };
};
