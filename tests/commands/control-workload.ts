import { openSync, writeSync } from "node:fs";
import { sampleReading } from "../support/sample-reading.ts";
import { ANNA, BERIT, commandEntry, openControlled } from "./support/control.ts";

/**
 * A hub that is given on, or erased, to be recorded: `control-workload.ts DATA ACKS reassign|wipe|both`. Each line in ACKS
 * says what is durable from then on.
 */
const [dataDir = "", acks = "", what = "wipe"] = process.argv.slice(2);
const file = openSync(acks, "a");
const say = (line: string): void => void writeSync(file, `${line}\n`);

const stored = 12;
const { control, open } = await openControlled(dataDir);
const before = await control.prepare(open);
for (let n = 1; n <= stored; n += 1) await before.outbox.append([sampleReading(n)]);
say(`stored ${stored}`);
const body =
  what === "wipe"
    ? { waiting: stored }
    : { from: ANNA, to: BERIT, backlog: what === "both" ? "wipe" : "deliver", waiting: stored };
say("begins");
await control.journal.add(commandEntry(what === "wipe" ? "wipe" : "reassign", body));
say("accepted");
await before.outbox[Symbol.asyncDispose]();
const after = await control.prepare(open);
say("done");
await after.outbox.append([{ ...sampleReading(900), assignment: control.assignments.ledger.hub.inForce }]);
say("again");
await after.outbox[Symbol.asyncDispose]();
