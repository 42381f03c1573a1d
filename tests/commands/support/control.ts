import { join } from "node:path";
import { createSystemClock } from "../../../gateway/clock/system-clock.ts";
import { type Control, openControl } from "../../../gateway/commands/control.ts";
import type { Entry } from "../../../gateway/commands/journal.ts";
import { parseConfig } from "../../../gateway/config/load-config.ts";
import { openSqliteOutbox, type SqliteOutbox } from "../../../gateway/store/outbox.ts";
import { assignmentId } from "../../../protocol/ids.ts";
import { silentLogger } from "../../support/test-loggers.ts";

export const ANNA = assignmentId("a-7f3c9b");
export const BERIT = assignmentId("b-11aa22");
export const COMMAND = "0b9d6c7e-4f0a-4c3e-9a55-0123456789ab";

/** Of a hub without sensors. */
const configOf = (dataDir: string, assignment: string) => {
  const text = JSON.stringify({
    hub: { id: "hub-0042", assignment, dataDir, timeZone: "Europe/Stockholm" },
    region: { url: "mqtts://127.0.0.1:1", ca: ["ca.pem"], certificate: "hub.crt", key: "hub.key" },
  });
  const result = parseConfig(text, join(dataDir, "hub.yaml"));
  if (result.tag !== "ok") throw new Error(JSON.stringify(result.problems));
  return result.config;
};

export interface Controlled {
  readonly control: Control;
  readonly open: (countersFrom: number) => Promise<SqliteOutbox>;
}

/** What steers a hub, on its folder as it is. */
export const openControlled = async (dataDir: string, assignment: string = ANNA): Promise<Controlled> => {
  const clock = createSystemClock();
  const outboxFolder = join(dataDir, "outbox");
  const utc = clock.now();
  const time = {
    stamp: () => ({ utc, monoMs: 0, bootId: "boot-1", hubClock: { state: "ntp", errorMs: 20 } }) as never,
  };
  const control = await openControl({
    config: configOf(dataDir, assignment),
    outboxFolder,
    credentials: undefined,
    time,
    logger: silentLogger,
  });
  const open = (countersFrom: number): Promise<SqliteOutbox> =>
    openSqliteOutbox({ directory: outboxFolder, clock, logger: silentLogger, countersFrom });
  return { control, open };
};

/** As the desk notes an accepted command. */
export const commandEntry = (command: string, body: unknown): Entry => ({
  id: COMMAND,
  ref: "ref",
  counter: 1,
  command,
  body,
  progress: "accepted",
  code: null,
  reason: null,
});
