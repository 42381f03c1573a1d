import type { Clock, HubTime } from "../protocol/ports/clock.ts";
import type { Logger } from "../protocol/ports/logger.ts";
import type { HubConfig } from "./config/hub-config.ts";
import type { DiagnosticCommand } from "./diagnostics/command.ts";
import { openConsole } from "./diagnostics/console-port.ts";
import { entryCommands } from "./diagnostics/entry-commands.ts";
import { hubCommands } from "./diagnostics/hub-commands.ts";
import type { ConsoleView } from "./diagnostics/hub-view.ts";
import { questionnaireCommands } from "./diagnostics/questionnaire-commands.ts";
import { createRegistry, type Registry } from "./diagnostics/registry.ts";
import { createSerialConsole } from "./diagnostics/serial-console.ts";
import { createDiagnosticSocket } from "./diagnostics/socket-server.ts";
import type { EntryChannel } from "./entry/entry-channel.ts";
import type { Entries } from "./entry/open-entries.ts";
import { keepRunning } from "./health/keep-running.ts";
import { createHubView, type LiveParts } from "./live-view.ts";
import { HUB_VERSION } from "./version.ts";

export interface DiagnosisOptions {
  readonly config: HubConfig;
  /** What the commands look at. */
  readonly live: Omit<LiveParts, "console">;
  readonly time: HubTime;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly entries: Entries;
  /** Besides those of every hub, and those that enter something. */
  readonly commands: readonly DiagnosticCommand[];
}

/** The ways in for people at the hub: a socket, a console on a serial line, entry by hand over both. */
export interface Diagnosis {
  /** Resolves when the hub can be asked, or can be seen not to be. */
  readonly askable: Promise<void>;
  runConsole(signal: AbortSignal): Promise<void>;
  runSocket(signal: AbortSignal): Promise<void>;
  runEntries(signal: AbortSignal): Promise<void>;
}

export const createDiagnosis = (options: DiagnosisOptions): Diagnosis => {
  const { config, live, time, clock, logger, entries, commands } = options;
  const { hub, diagnostics } = config;
  const console = (): ConsoleView | null => serialConsole?.status() ?? null;
  const view = createHubView({ ...live, console });
  /** The same commands over each way in; what somebody begins to enter stays with the way they came. */
  const registryOf = (channel: EntryChannel): Registry =>
    createRegistry(hubCommands(view, [...commands, ...entryCommands(channel), ...questionnaireCommands(channel)]));

  const { serial } = diagnostics;
  const serialConsole =
    serial === null
      ? null
      : createSerialConsole({
          path: serial.path,
          open: (stop) => openConsole({ ...serial, time, clock }, stop),
          registry: registryOf(entries.console),
          banner: `Hemhub ${HUB_VERSION}. Type help and press Enter.`,
          prompt: () => {
            const online = live.forwarder.status().state === "up" ? "online" : "offline";
            return `${hub.id} [${live.outbox.depth().waiting} waiting, ${online}]> `;
          },
          clock,
          logger,
        });
  const askable = Promise.withResolvers<void>();
  const socket = createDiagnosticSocket({
    path: diagnostics.socket,
    registry: registryOf(entries.socket),
    clock,
    onListening: askable.resolve,
  });
  // A socket that cannot be served is said in the log, and is no reason to wait.
  const onTrouble = (sentence: string | null): void => {
    if (sentence !== null) askable.resolve();
  };
  const kept = { part: "diagnostics socket", clock, logger, onTrouble };

  return {
    askable: askable.promise,
    runConsole: async (signal) => serialConsole?.run(signal),
    runSocket: (signal) => keepRunning(kept, socket.run, signal),
    runEntries: (signal) => entries.run(signal),
  };
};
