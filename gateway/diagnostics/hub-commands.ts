import { accountCommand } from "./account-command.ts";
import { capturesCommand } from "./captures-command.ts";
import { checkCommand } from "./check-command.ts";
import type { DiagnosticCommand } from "./command.ts";
import type { HubView } from "./hub-view.ts";
import { statusCommand } from "./status-command.ts";
import { timeCommand } from "./time-command.ts";
import { linkCommand, outboxCommand, sensorListCommand, sensorNearbyCommand } from "./view-commands.ts";

/** Every command of the hub, in the order of help: those that only look, and `acting`, those that do something. */
export const hubCommands = (hub: HubView, acting: readonly DiagnosticCommand[] = []): readonly DiagnosticCommand[] => [
  ...[
    statusCommand,
    sensorListCommand,
    sensorNearbyCommand,
    outboxCommand,
    accountCommand,
    capturesCommand,
    linkCommand,
    timeCommand,
    checkCommand,
  ].map((define) => define(hub)),
  ...acting,
];
