import { open, readFile, rm } from "node:fs/promises";
import { messageOf } from "../../protocol/errors.ts";
import { replaceDurably } from "../files/replace-durably.ts";
import type { Campaign, CampaignRecord, HubAccount, Phase } from "./campaign.ts";

/** Beside it stands the file's `.lock` while somebody changes it. */
export interface CampaignFile {
  read(): Promise<readonly CampaignRecord[]>;
  /**
   * Change what is there, and give what `change` gives. One at a time: a stop must not be overwritten by an account that
   * was begun before it. Durable when it resolves.
   */
  change<T>(
    change: (records: readonly CampaignRecord[]) => Promise<readonly [readonly CampaignRecord[], T]>,
  ): Promise<T>;
}

const SCHEMA = "campaigns/1";

interface Stored {
  readonly schema: string;
  readonly campaigns: readonly {
    readonly campaign: Campaign;
    readonly phase: Phase;
    readonly hubs: Readonly<Record<string, HubAccount>>;
  }[];
}

const textOf = (records: readonly CampaignRecord[]): string => {
  const campaigns = records.map(({ campaign, phase, hubs }) => ({ campaign, phase, hubs: Object.fromEntries(hubs) }));
  return `${JSON.stringify({ schema: SCHEMA, campaigns } satisfies Stored)}\n`;
};

const isStored = (value: unknown): value is Stored =>
  typeof value === "object" &&
  value !== null &&
  "schema" in value &&
  value.schema === SCHEMA &&
  "campaigns" in value &&
  Array.isArray(value.campaigns);

/** What is known of campaigns, in one JSON file. Throws where it holds anything else: a stop must not be forgotten. */
export const openCampaignFile = (file: string): CampaignFile => {
  const read = async (): Promise<readonly CampaignRecord[]> => {
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null;
      throw error;
    });
    if (text === null) return [];
    let stored: unknown;
    try {
      stored = JSON.parse(text);
    } catch (thrown) {
      throw new Error(`campaign: ${file} is damaged (${messageOf(thrown)}); bring it back from a backup`, {
        cause: thrown,
      });
    }
    if (!isStored(stored))
      throw new Error(`campaign: ${file} is no ${SCHEMA}; name the file that campaigns are kept in`);
    return stored.campaigns.map(({ campaign, phase, hubs }) => ({
      campaign,
      phase,
      hubs: new Map(Object.entries(hubs)),
    }));
  };

  const lock = `${file}.lock`;
  const takeLock = async (): Promise<void> => {
    const held = await open(lock, "wx").catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
      throw new Error(`campaign: somebody else changes ${file}; wait for it, or remove ${lock} where nobody does`);
    });
    await held.close();
  };

  return {
    read,
    change: async (change) => {
      await takeLock();
      try {
        const [records, result] = await change(await read());
        await replaceDurably(file, textOf(records));
        return result;
      } finally {
        await rm(lock, { force: true });
      }
    },
  };
};
