import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Reported } from "../../protocol/desired.ts";
import { assignmentId } from "../../protocol/ids.ts";
import { until } from "../support/until.ts";
import { openCommandHome, readyAgain, schemaTrouble, stateOf, waiting, weighTimes } from "./support/command-home.ts";

const ANNA = assignmentId("a-7f3c9b");
const BERIT = assignmentId("b-11aa22");
const TIMEOUT = { timeout: 120_000 };

describe("a hub that is given to another patient by a signed command", () => {
  it(
    "delivers what the former one left first, keeps every reading's owner, and survives being killed",
    TIMEOUT,
    async () => {
      await using home = await openCommandHome(ANNA);
      home.side.receiver.setFaults({ silent: true });
      const id = randomUUID();
      {
        await using hub = await home.start();
        await weighTimes(home, hub, 3);
        const command = await home.signer.sign("reassign", { from: ANNA, to: BERIT, backlog: "deliver" }, { id });
        await home.region.desire({ commands: [command], weather: { version: "9" } });
        const isDone = (one: Reported): boolean => stateOf(id)(one) === "done" && one.notUnderstood.length > 0;
        const reported = await home.reported(isDone, "the hub reports that it is done, and what it did not understand");
        expect(reported).toMatchObject({
          assignment: BERIT,
          epochs: [
            { epoch: 1, to: ANNA, since: 1 },
            { epoch: 2, from: ANNA, to: BERIT, since: 4, by: "command", backlog: "deliver", waiting: 3 },
          ],
          notUnderstood: [{ part: "weather", reason: expect.stringMatching(/does not know it/) }],
        });
        expect(schemaTrouble(reported)).toBeNull();
        await readyAgain(hub);
        await weighTimes(home, hub, 2);
        expect(await waiting(hub)).toBe(5);
        const asked = await hub.ask("assignment");
        expect(asked.out).toContain("3 readings from before are delivered first; new ones wait for that");
        expect(home.received().map(({ seq, assignment }) => [seq, assignment])).toEqual(
          [1, 2, 3].map((n) => [n, ANNA]),
        );
        hub.kill("SIGKILL");
        await hub.ended();
      }
      home.side.receiver.setFaults({});
      await using again = await home.start();
      await weighTimes(home, again, 1);
      await until(() => home.received().length === 6, "the region has all", 30_000);
      expect(home.received().map(({ assignment }) => assignment)).toEqual([ANNA, ANNA, ANNA, BERIT, BERIT, BERIT]);
      await home.reported(({ epochs }) => epochs.at(-1)?.waiting === 0, "nothing waits from before");
      expect(home.side.receiver.counts()).toMatchObject({ gaps: 0, duplicatesInEffect: 0, refused: 0 });
      // The command is still retained, and came again with the new connection.
      expect(home.region.reported?.epochs).toHaveLength(2);
      for (const name of await readdir(home.dataDir, { recursive: true })) {
        const content = await readFile(join(home.dataDir, name), "latin1").catch(() => "");
        expect(content.includes(ANNA) || content.includes(BERIT), name).toBe(false);
      }
    },
  );
});
