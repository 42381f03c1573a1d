import { generateKeyPairSync } from "node:crypto";
import type { Ledger } from "../../../gateway/assignment/ledger.ts";
import { metWith } from "../../../gateway/assignment/ledger.ts";
import type { CommandKeys } from "../../../gateway/commands/command-keys.ts";
import { type CommandDesk, createCommandDesk, type DesiredPart } from "../../../gateway/commands/desk.ts";
import { type Journal, openJournal } from "../../../gateway/commands/journal.ts";
import { commandKinds } from "../../../gateway/commands/kinds.ts";
import type { SealedFile } from "../../../gateway/store/sealed-file.ts";
import { createSimulatedClock, type SimulatedClock } from "../../../hardware-sim/clock/simulated-clock.ts";
import { assignmentId, hubId } from "../../../protocol/ids.ts";
import { silentLogger } from "../../support/test-loggers.ts";

export const HUB = hubId("hub-0042");
export const ANNA = assignmentId("a-7f3c9b");
export const BERIT = assignmentId("b-11aa22");

/** A file that outlives whoever wrote it. */
export const memoryFile = (): SealedFile & { readonly written: unknown[] } => {
  const written: unknown[] = [];
  return {
    written,
    read: async () => structuredClone(written.at(-1) ?? null),
    write: async (value) => {
      written.push(structuredClone(value));
    },
  };
};

export const ledgerOf = (hub = ANNA): Ledger =>
  metWith(null, { hub, sensors: [] }, { series: "5e71e5000001", next: 1, utcMs: null });

export interface DeskUnderTest {
  readonly desk: CommandDesk;
  readonly journal: Journal;
  readonly clock: SimulatedClock;
  readonly events: string[];
  /** Epochs that were released. */
  readonly released: number[];
  due: number;
  waiting: number;
  desire(commands: readonly string[], more?: Readonly<Record<string, unknown>>): Promise<void>;
}

/** A desk over a file: opened again on the same file it is the same hub after a restart. */
export const openDesk = async (
  file: SealedFile,
  keys: () => Promise<CommandKeys>,
  options: {
    readonly clock?: SimulatedClock;
    readonly parts?: ReadonlyMap<string, DesiredPart>;
    readonly isClockSet?: boolean;
  } = {},
): Promise<DeskUnderTest> => {
  const { clock = createSimulatedClock(), parts = new Map(), isClockSet = true } = options;
  const journal = await openJournal(file);
  const ledger = ledgerOf();
  const under: DeskUnderTest = {
    journal,
    clock,
    events: [],
    released: [],
    due: 0,
    waiting: 0,
    desire: (commands, more = {}) =>
      under.desk.take(new TextEncoder().encode(JSON.stringify({ schema: "desired/1", commands, ...more }))),
    desk: createCommandDesk({
      hub: HUB,
      keys,
      journal,
      kinds: commandKinds(() => ({
        release: async (epoch) => {
          under.released.push(epoch);
          return epoch === 2;
        },
      })),
      parts,
      situation: () => ({ ledger, waiting: under.waiting }),
      time: isClockSet ? clock : { stamp: () => ({ ...clock.stamp(), utc: null }) },
      clock,
      logger: silentLogger,
      report: (code, _message, detail) => under.events.push(`${code} ${String(detail.state ?? "")}`.trim()),
      onDue: () => {
        under.due += 1;
      },
      onChanged: () => undefined,
    }),
  };
  return under;
};

/** A key that is nobody's of the region. */
export const strangerPem = (): string =>
  generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }).toString();
