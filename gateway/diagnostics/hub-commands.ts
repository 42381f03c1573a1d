import { checkCommand } from "./check-command.ts";
import type { DiagnosticCommand } from "./command.ts";
import type { HubView } from "./hub-view.ts";
import { statusCommand } from "./status-command.ts";
import { linkCommand, outboxCommand, sensorListCommand } from "./view-commands.ts";

/** Every command of the hub, in the order of help. A new one is added here and nowhere else. */
export const hubCommands = (hub: HubView): readonly DiagnosticCommand[] =>
  [statusCommand, sensorListCommand, outboxCommand, linkCommand, checkCommand].map((define) => define(hub));
