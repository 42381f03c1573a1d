import { join } from "node:path";
import { createZones } from "../../../drivers/normalise/zone.ts";
import { entryCommands } from "../../../gateway/diagnostics/entry-commands.ts";
import { questionnaireCommands } from "../../../gateway/diagnostics/questionnaire-commands.ts";
import { createRegistry, type Frame } from "../../../gateway/diagnostics/registry.ts";
import { createEntryChannel, type EntryChannel } from "../../../gateway/entry/entry-channel.ts";
import { createEntryDesk } from "../../../gateway/entry/entry-desk.ts";
import { openEntryLedger } from "../../../gateway/entry/entry-ledger.ts";
import { loadQuestionnaires } from "../../../gateway/entry/load-questionnaires.ts";
import { createSimulatedClock, type SimulatedClock } from "../../../hardware-sim/clock/simulated-clock.ts";
import { assignmentId, hubId } from "../../../protocol/ids.ts";
import type { DraftReading } from "../../../protocol/reading.ts";
import { epochMs } from "../../../protocol/time.ts";
import { createReadingValidator } from "../../../protocol/validate.ts";
import { createKeepingLogger, type LogLine } from "../../support/test-loggers.ts";

/** 2026-11-22 08:30 in Stockholm. */
export const HALF_PAST_EIGHT = epochMs(Date.UTC(2026, 10, 22, 7, 30));

/** What one command answered. */
export interface Answered {
  readonly exit: number;
  readonly lines: readonly string[];
  readonly error: string | null;
}

export interface SampleEntries {
  readonly clock: SimulatedClock;
  readonly channel: EntryChannel;
  readonly log: readonly LogLine[];
  /** Everything that ingest was given, as it took it: once for each idem. */
  readonly stored: readonly DraftReading[];
  /** From now on ingest waits for this before it takes anything. */
  hold(until: Promise<void>): void;
  /** Ask as a person on this channel: words, split at spaces. */
  say(line: string): Promise<Answered>;
  /** The same command as a program asks it, its words given. */
  data(...words: readonly string[]): Promise<Readonly<Record<string, unknown>> & { readonly exit: number }>;
}

export interface SampleEntriesOptions {
  readonly folder: string;
  readonly isConsole?: boolean;
  readonly assignment?: string;
  readonly clock?: SimulatedClock;
}

const never = new AbortController().signal;

const shipped = loadQuestionnaires(null);

/** Manual entry as a hub wires it, over an ingest in memory and a simulated clock. */
export const sampleEntries = async (options: SampleEntriesOptions): Promise<SampleEntries> => {
  const clock = options.clock ?? createSimulatedClock({ startAt: HALF_PAST_EIGHT });
  const log: LogLine[] = [];
  const logger = createKeepingLogger(log);
  const assignment = assignmentId(options.assignment ?? "a-7f3c9b");
  const stored: DraftReading[] = [];
  let held: Promise<void> = Promise.resolve();
  const desk = createEntryDesk({
    assignment,
    hub: { id: hubId("hub-0042"), version: "0.1.0" },
    zone: createZones().zone("Europe/Stockholm"),
    questionnaires: await shipped,
    ledger: await openEntryLedger(join(options.folder, "entries.json"), assignment, logger, (one) => `mark of ${one}`),
    sink: {
      take: async (readings) => {
        await held;
        for (const reading of readings) {
          if (!stored.some(({ idem }) => idem === reading.idem)) stored.push(reading);
        }
      },
    },
    validate: createReadingValidator(),
    time: clock,
    clock,
    logger,
  });
  const isStated = options.isConsole !== true;
  const channel = createEntryChannel({ desk, by: "technician", isStated, clock, logger });
  const registry = createRegistry([...entryCommands(channel), ...questionnaireCommands(channel)]);
  const ask = (words: readonly string[], json: boolean): Promise<Frame[]> =>
    Array.fromAsync(registry.ask(words, json, never));
  return {
    clock,
    channel,
    log,
    stored,
    hold: (until) => {
      held = until;
    },
    say: async (line) => {
      const frames = await ask(line.split(" "), false);
      const done = frames.at(-1);
      return {
        exit: done !== undefined && "done" in done ? done.exit : Number.NaN,
        lines: frames.flatMap((frame) => ("line" in frame ? [frame.line] : [])),
        error: frames.flatMap((frame) => ("error" in frame ? [frame.error] : []))[0] ?? null,
      };
    },
    data: async (...words) => {
      const frames = await ask(words, true);
      const done = frames.at(-1);
      const data = frames.flatMap((frame) => ("data" in frame ? [frame.data] : []))[0];
      const error = frames.flatMap((frame) => ("error" in frame ? [frame.error] : []))[0];
      const exit = done !== undefined && "done" in done ? done.exit : Number.NaN;
      return { ...(data as object | undefined), ...(error === undefined ? {} : { error }), exit };
    },
  };
};
