import { messageOf } from "../../protocol/errors.ts";
import { seq } from "../../protocol/ids.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { tidyReason } from "../store/refusal-reason.ts";
import type { SealedFile } from "../store/sealed-file.ts";
import type { Quarantined } from "./isolation.ts";

/** What the forwarder set aside, kept over restarts: a reading that breaks the link must not do so after each of them. */
export interface Quarantine {
  readonly known: readonly Quarantined[];
  /** At once in memory; on the disk as soon as it can. A write that is lost costs finding the reading again. */
  save(quarantined: readonly Quarantined[]): void;
}

export const forgetfulQuarantine: Quarantine = { known: [], save: () => undefined };

interface Page {
  readonly schema: "quarantine/1";
  readonly series: string;
  readonly quarantined: readonly Quarantined[];
}

const isPage = (value: unknown): value is Page => {
  if (typeof value !== "object" || value === null) return false;
  const { schema, quarantined } = value as Partial<Record<keyof Page, unknown>>;
  return schema === "quarantine/1" && Array.isArray(quarantined);
};

/** A broker may quote what it refuses: the reason is bounded, and sealed with the rest. */
const tidied = (one: Quarantined): Quarantined =>
  one.cause.tag === "refused" ? { ...one, cause: { tag: "refused", reason: tidyReason(one.cause.reason) } } : one;

/**
 * Open the file; one that cannot be read begins anew, because losing it loses no reading. Entries are of one series of
 * numbers: in another one these are other readings.
 */
export const openQuarantine = async (file: SealedFile, series: string, logger: Logger): Promise<Quarantine> => {
  let known: readonly Quarantined[] = [];
  try {
    const page = await file.read();
    if (isPage(page) && page.series === series) known = page.quarantined.map((one) => ({ ...one, seq: seq(one.seq) }));
  } catch (thrown) {
    logger.warn("list of quarantined readings begun anew", { reason: messageOf(thrown) });
  }
  let newest: readonly Quarantined[] | null = null;
  let writing: Promise<void> = Promise.resolve();

  /** Changes made while one write is under way share the next. */
  const write = async (): Promise<void> => {
    if (newest === null) return;
    const page: Page = { schema: "quarantine/1", series, quarantined: newest.map(tidied) };
    newest = null;
    try {
      await file.write(page);
    } catch (thrown) {
      logger.warn("list of quarantined readings not written", { reason: messageOf(thrown) });
    }
  };

  return {
    known,
    save: (quarantined) => {
      newest = quarantined;
      writing = writing.then(write);
    },
  };
};
