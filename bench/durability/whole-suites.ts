import { durableSubjects } from "../../tests/power-cut/durable-subjects.ts";
import { reportFileCuts } from "../../tests/power-cut/file-cuts.ts";
import { reportHubCuts } from "../../tests/power-cut/hub-cuts.ts";
import { recordHub } from "../../tests/power-cut/hub-recording.ts";
import { reportMigrationCuts } from "../../tests/power-cut/migration-cuts.ts";
import { NOTHING } from "./result.ts";
import { type FaultSuite, MOST_WRONG } from "./suite.ts";

/** Every operation of the recording; these suites do all of it or are left out. */
const ALL = 1;

export const hubSuite: FaultSuite = {
  fault: "F01",
  name: "power cut at start and stop of the whole hub",
  about:
    "The hub as it is shipped, in a simulated home: first start with pairing, readings, a stop under load, and all of it " +
    "again. The power is cut after every operation on its data folder; what its log called stored is looked for.",
  injects: "cut",
  quick: null,
  full: { atLeast: 400 },
  run: async () => {
    const { cuts, promised, lost, altered, wrong } = await reportHubCuts(await recordHub(), ALL);
    return { ...NOTHING, injected: cuts, taken: promised, lost, altered, wrong: wrong.slice(0, MOST_WRONG) };
  },
};

export const migrationSuite: FaultSuite = {
  fault: "F11",
  name: "power cut while an update changes the outbox's file",
  about:
    "Two updates of the database, one after another, with readings before, between and after. The power is cut after every " +
    "operation; every reading is there, and the releases before and after open the file or refuse it whole.",
  injects: "cut",
  quick: null,
  full: { atLeast: 500 },
  run: async () => {
    const { cuts, promised, lost, altered, twice, wrong } = await reportMigrationCuts(ALL);
    const counted = { injected: cuts, taken: promised, lost, altered, doubled: twice };
    return { ...NOTHING, ...counted, wrong: wrong.slice(0, MOST_WRONG) };
  },
};

export const filesSuite: FaultSuite = {
  fault: "F01",
  name: "power cut while a file beside the outbox is replaced",
  about:
    "Bonds, identities, memories of sensors, manual entries, the number floor, the clock's anchor: after a cut at every " +
    "operation each file is the version that was acknowledged, or the next one, and can be written again.",
  injects: "cut",
  quick: null,
  full: { atLeast: 35 * durableSubjects.length },
  run: async ({ say }, signal) => {
    const wrong: string[] = [];
    let injected = 0;
    for (const subject of durableSubjects) {
      signal.throwIfAborted();
      const found = await reportFileCuts(subject, ALL);
      injected += found.cuts;
      wrong.push(...found.wrong.map((sentence) => `${subject.name}: ${sentence}`).slice(0, MOST_WRONG - wrong.length));
      say(`${subject.name}: ${found.cuts} cuts`);
    }
    return { ...NOTHING, injected, wrong };
  },
};
