import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SqliteOutbox } from "../../gateway/store/outbox.ts";
import { sampleReading } from "../support/sample-reading.ts";
import { ANNA, BERIT, COMMAND, type Controlled, commandEntry, openControlled } from "./support/control.ts";

const PERSONAL = ["sensor-memory.json", "entries.json"];
const OF_SENSORS = ["bonds.json", "enrolment.json"];
let data: string;
const opened: SqliteOutbox[] = [];

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "hemhub-control-"));
  for (const name of [...PERSONAL, ...OF_SENSORS]) await writeFile(join(data, name), "{}");
});
afterEach(async () => {
  for (const outbox of opened.splice(0)) await outbox[Symbol.asyncDispose]();
  await rm(data, { recursive: true });
});

/** One run of the hub's parts: `work` stands for them. */
const run = async <T>(
  work: (hub: Controlled["control"], outbox: SqliteOutbox, assignment: string) => Promise<T>,
  assignment: string = ANNA,
): Promise<T> => {
  const { control, open } = await openControlled(data, assignment);
  const { outbox, config } = await control.prepare(open);
  opened.push(outbox);
  try {
    return await work(control, outbox, config.hub.assignment);
  } finally {
    await outbox[Symbol.asyncDispose]();
  }
};
const kept = async (): Promise<readonly string[]> =>
  (await readdir(data)).filter((name) => [...PERSONAL, ...OF_SENSORS].includes(name)).toSorted();

describe("between two runs of a hub", () => {
  it("a hand-over forgets what was kept of the person and of the sensors, and takes the next number", async () => {
    await run(async (control, outbox) => {
      await outbox.append([sampleReading(1), sampleReading(2)]);
      await control.journal.add(commandEntry("reassign", { from: ANNA, to: BERIT, backlog: "deliver" }));
    });
    await run(async (control, outbox, assignment) => {
      expect(assignment).toBe(BERIT);
      expect(control.assignments.ledger.epochs.at(-1)).toMatchObject({ since: 3, command: COMMAND });
      expect(control.happened().map(({ tag }) => tag)).toEqual(["epoch", "ended"]);
      expect((await outbox.next(0, 9)).map((one) => one.assignment)).toEqual([ANNA, ANNA]);
    });
    expect(await kept()).toEqual([]);
  });

  it("leaves the sensors' bonds where the command says that they stay", async () => {
    const body = { from: ANNA, to: BERIT, backlog: "deliver", sensors: "stay" };
    await run(async (control) => control.journal.add(commandEntry("reassign", body)));
    await run(async () => undefined);
    expect(await kept()).toEqual(OF_SENSORS);
  });

  it("a configuration that was changed by hand begins an epoch, and keeps the bonds", async () => {
    await run(async (_, outbox) => outbox.append([sampleReading(1)]));
    await run(async (control, _, assignment) => {
      expect(assignment).toBe(BERIT);
      expect(control.assignments.ledger.epochs.at(-1)).toMatchObject({ from: ANNA, since: 2, by: "configuration" });
    }, BERIT);
    expect(await kept()).toEqual(OF_SENSORS);
  });

  it("refuses an erase for which more readings came meanwhile, and destroys nothing", async () => {
    await run(async (control, outbox) => {
      await outbox.append([sampleReading(1)]);
      await control.erase(1, outbox);
      await outbox.append([sampleReading(2)]);
    });
    await run(async (control, outbox) => {
      expect(outbox.depth().waiting).toBe(2);
      expect(control.journal.state).toMatchObject({
        entries: [{ progress: "refused", code: "readings-wait" }],
        erased: null,
      });
    });
  });

  it("an erase keeps what it has to: whom the hub is given to, and where its sensors' memories were read to", async () => {
    await run(async (control) =>
      control.journal.add(commandEntry("reassign", { from: ANNA, to: BERIT, backlog: "deliver" })),
    );
    await run(async (control, outbox) => {
      await writeFile(join(data, "sensor-memory.json"), "{}");
      await outbox.append([{ ...sampleReading(1), assignment: BERIT }]);
      await expect(control.erase(0, outbox)).rejects.toMatchObject({
        message: expect.stringMatching(/erase confirm 1/),
      });
      await control.erase(1, outbox);
    });
    await run(async (control, outbox, assignment) => {
      expect([assignment, outbox.depth().waiting]).toEqual([BERIT, 0]);
      expect(control.journal.state.erased).toMatchObject({ by: "technician", lastSeq: 1, waiting: 1 });
      // Not given a second time after the wipe.
      expect(control.journal.state.counter).toBe(1);
    });
    expect(await kept()).toEqual(["sensor-memory.json"]);
  });

  it("does not start where it cannot tell whose readings it would take", async () => {
    await run(async () => undefined);
    for (const name of ["assignment.sealed", "assignment.sealed.copy"]) await writeFile(join(data, name), "rot");
    await expect(openControlled(data)).rejects.toMatchObject({ code: "outbox-key" });
  });
});
