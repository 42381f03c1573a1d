import { statfs } from "node:fs/promises";
import type { KeptHubTime } from "./clock/hub-time.ts";
import type { HubConfig } from "./config/hub-config.ts";
import type { CredentialParts } from "./credentials/open-credentials.ts";
import type { ConsoleView, HubView } from "./diagnostics/hub-view.ts";
import type { Forwarder } from "./forward/forwarder.ts";
import { quarantineReason } from "./forward/isolation.ts";
import type { ProcessHealth } from "./health/process-health.ts";
import type { Ingest } from "./ingest/ingest.ts";
import type { SensorParts } from "./sensors.ts";
import type { SqliteOutbox } from "./store/outbox.ts";
import { HUB_VERSION } from "./version.ts";

export interface LiveParts {
  readonly config: HubConfig;
  readonly time: KeptHubTime;
  readonly health: ProcessHealth;
  readonly outbox: SqliteOutbox;
  readonly ingest: Ingest;
  readonly forwarder: Forwarder;
  readonly credentials: Pick<CredentialParts, "view">;
  readonly sensors: SensorParts;
  readonly console: () => ConsoleView | null;
}

/** Refused readings that are listed with their reason. */
const MOST_REFUSED = 100;

const freeMbAt = async (directory: string): Promise<number | null> => {
  try {
    const { bavail, bsize } = await statfs(directory);
    return Math.floor((bavail * bsize) / (1024 * 1024));
  } catch {
    return null;
  }
};

/** The parts of a running hub as diagnostics see them. */
export const createHubView = (parts: LiveParts): HubView => {
  const { config, time, health, outbox, ingest, forwarder, credentials, sensors } = parts;
  return {
    hubId: config.hub.id,
    version: HUB_VERSION,
    stamp: () => time.stamp(),
    clock: () => time.status(),
    health: () => health.sample(),
    outbox: async () => {
      const { trouble, ...counts } = ingest.status();
      const freeMb = await freeMbAt(config.hub.dataDir);
      return { depth: outbox.depth(), ...counts, trouble: outbox.trouble ?? trouble, freeMb };
    },
    account: async () => {
      const { stored, duplicates, invalid, turnedAway } = ingest.status();
      const refused = await outbox.refused(MOST_REFUSED);
      return {
        account: outbox.account(),
        sent: forwarder.status().unsettled,
        taken: { stored, known: duplicates, invalid, turnedAway },
        refused: refused.map(({ reading, reason }) => ({ seq: reading.seq, reason })),
        quarantined: forwarder.quarantined().map(({ seq, cause }) => ({ seq, reason: quarantineReason(cause) })),
      };
    },
    captures: (count) => outbox.unreadable(count),
    link: () => ({ url: config.region.url, ...forwarder.status() }),
    certificate: () => credentials.view(),
    radio: () => sensors.radio(),
    sensors: () => sensors.sensors(),
    strangers: () => sensors.strangers(),
    console: () => parts.console(),
  };
};
