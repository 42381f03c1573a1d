import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { assignmentId, hubId } from "../../protocol/ids.ts";
import { until } from "../support/until.ts";
import { openCommandHome, readyAgain, schemaTrouble, stateOf, waiting, weighTimes } from "./support/command-home.ts";

const ANNA = assignmentId("a-7f3c9b");
const TIMEOUT = { timeout: 120_000 };

describe("a hub that is erased", () => {
  it("by a signed command: only where its count is named, with a proof, and in a new series", TIMEOUT, async () => {
    await using home = await openCommandHome(ANNA);
    home.side.receiver.setFaults({ silent: true });
    await using hub = await home.start();
    await weighTimes(home, hub, 2);
    const [early, right] = [randomUUID(), randomUUID()];
    const first = await home.signer.sign("wipe", { waiting: 1 }, { id: early });
    await home.region.desire({ commands: [first, `${first.slice(0, -4)}AAAA`] });
    const refused = await home.reported((one) => stateOf(early)(one) === "refused", "the hub refuses");
    expect(refused.commands).toMatchObject([{ code: "readings-wait" }]);
    expect(refused.refused).toMatchObject([{ code: "signature" }]);
    const key = await readFile(join(home.dataDir, "outbox", "outbox.key"), "utf8");

    await home.region.desire({ commands: [await home.signer.sign("wipe", { waiting: 2 }, { id: right })] });
    const done = await home.reported((one) => stateOf(right)(one) === "done", "the hub is erased");
    for (const one of [refused, done]) expect(schemaTrouble(one)).toBeNull();
    expect(done.erased).toMatchObject({ lastSeq: 2, waiting: 2, key: "destroyed", by: "region" });
    expect(await readFile(join(home.dataDir, "outbox", "outbox.key"), "utf8")).not.toBe(key);
    await readyAgain(hub);
    expect(await waiting(hub)).toBe(0);
    home.side.receiver.setFaults({});
    await weighTimes(home, hub, 1);
    await until(() => home.received().some(({ seq, assignment }) => seq === 1 && assignment === ANNA), "it goes on");
    await until(
      () => home.side.receiver.hub(hubId("hub-0042"))?.events.some(({ code }) => code === "data-erased"),
      "the region has the event",
    );
  });

  it("by a technician: asked, warned, confirmed", TIMEOUT, async () => {
    await using home = await openCommandHome(ANNA);
    home.side.receiver.setFaults({ silent: true });
    await using hub = await home.start();
    await weighTimes(home, hub, 2);
    expect((await hub.ask("erase")).out).toMatch(/Nothing was destroyed.*erase\s+confirm\s+2/s);
    const unnamed = await hub.ask("erase", "confirm");
    expect([unnamed.exit, unnamed.err]).toEqual([2, expect.stringContaining("erase confirm 2")]);
    expect(await waiting(hub)).toBe(2);
    const confirmed = await hub.ask("erase", "confirm", "2");
    expect([confirmed.exit, confirmed.out]).toEqual([0, expect.stringContaining("Being destroyed")]);
    await home.reported(
      ({ erased }) => erased?.by === "technician" && erased.waiting === 2,
      "the region has the proof",
    );
    await readyAgain(hub);
    expect(await waiting(hub)).toBe(0);
  });
});
