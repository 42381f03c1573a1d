import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { ReassignBody } from "../../protocol/command.ts";
import type { ErasedView } from "../../protocol/desired.ts";
import { HubError } from "../../protocol/errors.ts";
import type { HubTime } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { isoUtc } from "../../protocol/time.ts";
import { type Assignments, openAssignments } from "../assignment/assignments.ts";
import { configuredOf, effectiveConfig } from "../assignment/effective-config.ts";
import { forgetOutbox, forgetPerson } from "../assignment/forget-former.ts";
import type { Epoch, Moment } from "../assignment/ledger.ts";
import type { HubConfig } from "../config/hub-config.ts";
import type { SqliteOutbox } from "../store/outbox.ts";
import { createSealedFile, type SealedFile } from "../store/sealed-file.ts";
import { loadStateKey, type StateKey } from "../store/state-key.ts";
import { type Entry, type Journal, openJournal } from "./journal.ts";
import { type CommandKinds, commandKinds } from "./kinds.ts";

export interface ControlOptions {
  /** As the file says. */
  readonly config: HubConfig;
  readonly outboxFolder: string;
  readonly credentials: string | undefined;
  readonly time: HubTime;
  readonly logger: Logger;
}

/** What was done while no part worked, to be told once there is somebody to tell. */
export type Happened =
  | { readonly tag: "ended"; readonly entry: Entry }
  | { readonly tag: "epoch"; readonly epoch: Epoch }
  | { readonly tag: "erased"; readonly erased: ErasedView };

/**
 * Carries out, between two runs of the hub's parts, what must not happen while they work: handing the hub over, and
 * erasing it. Then no sensor is read, nothing is on its way to the outbox and nothing is being sent: the next number of
 * the outbox parts the epochs. Every step is durable before the next, and may be repeated after a cut.
 */
export interface Control {
  readonly assignments: Assignments;
  readonly journal: Journal;
  readonly kinds: CommandKinds;
  readonly key: StateKey;
  /** A file of the hub's own in its data folder. */
  sealedFile(name: string): SealedFile;
  /**
   * Open the outbox for the next run, with everything done that is due. Rejects as `open` does, or with the outbox's
   * codes where the disk refuses; calling it again goes on.
   */
  prepare(
    open: (countersFrom: number) => Promise<SqliteOutbox>,
  ): Promise<{ readonly outbox: SqliteOutbox; readonly config: HubConfig }>;
  /** What happened since the last call. */
  happened(): readonly Happened[];
  /**
   * A technician's erase. Throws HubError `invalid-argument` where more than `waiting` readings would be lost; when it
   * resolves, it is going to happen as soon as the parts have stopped.
   */
  erase(waiting: number, outbox: Pick<SqliteOutbox, "depth">): Promise<void>;
}

const wipes = ({ command, body }: Entry): boolean =>
  command === "wipe" || (command === "reassign" && (body as ReassignBody).backlog === "wipe");

export const openControl = async (options: ControlOptions): Promise<Control> => {
  const { config, outboxFolder, time, logger } = options;
  const { dataDir } = config.hub;
  const key = await loadStateKey(dataDir, options.credentials);
  const sealedFile = (name: string): SealedFile => createSealedFile(join(dataDir, name), key.seal);
  const journal = await openJournal(sealedFile("commands.sealed"));
  const assignments = await openAssignments(sealedFile("assignment.sealed"), logger);
  const kinds = commandKinds(() => assignments);
  let happened: Happened[] = [];

  const momentOf = (outbox: SqliteOutbox): Moment => ({
    series: outbox.series,
    next: (outbox.depth().newest ?? 0) + 1,
    utcMs: time.stamp().utc,
  });

  /** The keys may be gone already: from here there is only forward. */
  const finishErase = async (): Promise<void> => {
    const entry = journal.pending.find(({ progress }) => progress === "erasing");
    const { erased } = journal.state;
    if (entry === undefined || erased === null) return;
    const { eraseOutbox } = await import("../store/erase.ts");
    const { files, bytes } = await eraseOutbox(outboxFolder);
    await forgetOutbox(dataDir);
    await journal.update(entry.id, { progress: "erased" });
    const { lastSeq, waiting, refused } = erased;
    logger.warn("outbox erased", { lastSeq, count: waiting + refused, bytes, found: files });
    happened.push({ tag: "erased", erased });
  };

  const beginErase = async (entry: Entry, outbox: SqliteOutbox): Promise<void> => {
    const { waiting, refused, newest } = outbox.depth();
    const { utc } = time.stamp();
    const { hasErasableKey } = await import("../store/erase.ts");
    const erased: ErasedView = {
      series: outbox.series,
      lastSeq: newest ?? 0,
      waiting,
      refused,
      key: (await hasErasableKey(outboxFolder)) ? "destroyed" : "kept",
      at: utc === null ? null : isoUtc(utc),
      by: entry.counter === null ? "technician" : "region",
    };
    await journal.noteErase(entry.id, "erasing", erased, outbox.counter);
  };

  const end = async (entry: Entry, change: Partial<Pick<Entry, "progress" | "code" | "reason">>): Promise<void> => {
    await journal.update(entry.id, change);
    happened.push({ tag: "ended", entry: { ...entry, ...change } });
  };

  const handOver = async (entry: Entry, outbox: SqliteOutbox): Promise<void> => {
    const { from, to, backlog, sensors = "leave" } = entry.body as ReassignBody;
    const epoch = await assignments.handOver({ from, to, backlog, command: entry.id }, momentOf(outbox));
    await forgetPerson(dataDir, sensors);
    logger.warn("assignment changed", { seq: epoch.since, count: epoch.number });
    happened.push({ tag: "epoch", epoch });
  };

  /** Do what is due with an open outbox and nothing running. The command to erase for, if there is one. */
  const settle = async (outbox: SqliteOutbox): Promise<Entry | null> => {
    for (const epoch of await assignments.meet(configuredOf(config), momentOf(outbox))) {
      await forgetPerson(dataDir, "stay");
      logger.warn("assignment changed by the configuration", { seq: epoch.since, count: epoch.number });
      happened.push({ tag: "epoch", epoch });
    }
    for (const entry of journal.pending) {
      const kind = kinds.get(entry.command);
      if (kind?.perform !== "between") continue;
      const wasBegun = assignments.ledger.epochs.some(({ command }) => command === entry.id);
      const { waiting } = outbox.depth();
      const situation = { ledger: assignments.ledger, waiting };
      // Judged once more: readings may have come while the parts stopped. What was begun is not asked again.
      const refusal = entry.progress === "accepted" && !wasBegun ? kind.refusal(entry.body, situation) : null;
      if (refusal !== null) {
        await end(entry, { progress: "refused", ...refusal });
        continue;
      }
      if (wipes(entry) && entry.progress === "accepted") return entry;
      if (entry.command === "reassign") await handOver(entry, outbox);
      await end(entry, { progress: "done" });
    }
    return null;
  };

  return {
    assignments,
    journal,
    kinds,
    key,
    sealedFile,
    prepare: async (open) => {
      for (;;) {
        await finishErase();
        const outbox = await open(journal.state.countersFrom);
        let isReady = false;
        try {
          const erasing = await settle(outbox);
          if (erasing !== null) await beginErase(erasing, outbox);
          isReady = erasing === null;
        } finally {
          if (!isReady) await outbox[Symbol.asyncDispose]();
        }
        if (isReady) return { outbox, config: effectiveConfig(config, assignments.ledger) };
      }
    },
    happened: () => {
      const list = happened;
      happened = [];
      return list;
    },
    erase: async (named, outbox) => {
      const { waiting } = outbox.depth();
      if (waiting > named) {
        throw new HubError(
          "invalid-argument",
          `erase: ${waiting} readings wait that the region has not received; let the hub send them, or name their ` +
            `number to destroy them: erase confirm ${waiting}`,
        );
      }
      const body = { waiting: named };
      const id = randomUUID();
      const ended = { code: null, reason: null } as const;
      await journal.add({ id, ref: null, counter: null, command: "wipe", body, progress: "accepted", ...ended });
    },
  };
};
