import { type FaultResult, NOTHING, type Result } from "../../bench/durability/result.ts";
import type { Moment, SuiteOutcome } from "../../bench/durability/suite.ts";

const moments: readonly Moment[] = [
  { tag: "create", file: "outbox.db-wal", said: [] },
  ...Array.from({ length: 4 }, (): Moment => ({ tag: "write", file: "outbox.db-wal", said: [] })),
  { tag: "sync", file: "outbox.db-wal", said: [] },
  { tag: "acknowledge", file: null, said: ["stored"] },
  { tag: "acknowledge", file: null, said: ["published"] },
  { tag: "acknowledge", file: null, said: ["receipt"] },
  { tag: "acknowledge", file: null, said: ["measuring"] },
];

export const cutFault = (outcome: Partial<SuiteOutcome> = {}): FaultResult => ({
  suite: { fault: "F01", name: "power cut while storing", about: "About <this> & that.", injects: "cut" },
  atLeast: 3,
  outcome: {
    ...NOTHING,
    injected: 3000,
    taken: 123_456,
    sentAgain: 12,
    falseAlarms: 0,
    recoveriesMs: [1, 2, 2, 2, 3, 9],
    cuts: [
      { kind: "write", loss: "all-kept", cuts: 1500 },
      { kind: "write", loss: "some-lost", cuts: 1000 },
      { kind: "sync", loss: "unsynced-lost", cuts: 500 },
    ],
    timeline: moments,
    ...outcome,
  },
});

const kills: FaultResult = {
  suite: { fault: "F03", name: "kill -9 under load", about: "Killed.", injects: "kill" },
  atLeast: 1000,
  outcome: { ...NOTHING, injected: 1000, taken: 7890 },
};

export const controlResult = (lost: number): FaultResult => ({
  suite: { fault: "control", name: "a careless store", about: "It must lose readings.", injects: "cut" },
  atLeast: 10,
  outcome: { ...NOTHING, injected: 100, taken: 1000, lost },
});

/** A good full run, but for what is given. */
export const sampleResult = (parts: Partial<Result> = {}): Result => ({
  mode: "full",
  seed: 42,
  seconds: 1234.5,
  circumstances: {
    date: "2026-11-22T10:00:00.000Z",
    version: "1.2.3",
    commit: "0123abc",
    node: "24.0.0",
    sqlite: "3.50.0",
    kernel: "Linux 6.1",
    machine: "2 x Processor, 4 GiB",
  },
  faults: [cutFault(), kills],
  control: controlResult(500),
  leftOut: [],
  ...parts,
});
