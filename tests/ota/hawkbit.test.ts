import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Reason, WantedRelease } from "../../ota/update/update-state.ts";
import { requirement, titled } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { createHawkbitPlace, type HawkbitRun, runHawkbit } from "./hawkbit-bench.ts";
import { type Fault, type HawkbitServer, type Metadata, startHawkbitServer } from "./hawkbit-server.ts";
import {
  createTestRegion,
  createUpdateBench,
  type TestRegion,
  type UpdateBench,
  type UpdateRun,
} from "./update-bench.ts";

const tools = requirement("mksquashfs");
const FAILED: Reason = { code: "no-broker", sentence: "update: the broker was not reached" };

const metadataOf = ({ target, counter }: WantedRelease): Metadata => ({
  "hemhub.target": target,
  "hemhub.counter": String(counter),
});

describe.skipIf(!tools.available)(titled("a campaign of a hawkBit", tools), () => {
  let region: TestRegion;
  let bench: UpdateBench;
  let server: HawkbitServer;
  let place: Awaited<ReturnType<typeof createHawkbitPlace>>;
  beforeEach(async () => {
    region = await createTestRegion();
    bench = await createUpdateBench(region);
    server = await startHawkbitServer();
    place = await createHawkbitPlace();
  });
  afterEach(async () => {
    await bench[Symbol.asyncDispose]();
    for (const one of [server, region, place]) await one[Symbol.asyncDispose]();
  });

  /** Start the hub, and let the hawkBit drive it. */
  const start = async (): Promise<{ readonly run: UpdateRun; readonly driven: HawkbitRun; end(): Promise<void> }> => {
    const run = await bench.start();
    const { updates } = run;
    const memory = () => (updates.backend() === null ? null : updates.memory());
    await until(() => memory() !== null, "the updates are loaded");
    const driven = runHawkbit({ url: server.url, place: place.path, updates: { want: updates.want, memory } });
    bench.circumstances.heard = () => driven.hawkbit.changed();
    const end = async (): Promise<void> => {
      await driven.end();
      await run.end();
    };
    return { run, driven, end };
  };

  it("brings a signed release into force, and hears of it step by step", async () => {
    const action = server.assign({ metadata: metadataOf(await region.release("one", 1)) });
    const before = await start();
    await before.run.restarted();
    await before.end();
    const after = await start();
    expect(after.run.started).toMatchObject({ name: "one", slot: "trial" });
    await after.run.ended("installed");
    await until(() => action.status === "finished", "the action is finished");
    const executions = action.told.map(({ execution }) => execution);
    expect(executions.slice(-1)).toEqual(["closed"]);
    expect(executions).toContain("proceeding");
    expect(action.told.at(-1)).toMatchObject({ finished: "success" });
    await after.driven.nextPoll();
    expect(action.told.filter(({ execution }) => execution === "closed")).toHaveLength(1);
    await after.end();
  });

  it("hears why a release was taken back", async () => {
    const action = server.assign({ metadata: metadataOf(await region.release("broken", 1)) });
    bench.circumstances.proof = () => FAILED;
    const before = await start();
    await before.run.restarted();
    await before.end();
    const trial = await start();
    await trial.run.restarted();
    await trial.end();
    const after = await start();
    expect(after.run.started).toMatchObject({ name: "base" });
    await after.run.ended("rolled-back");
    await until(() => action.status === "error", "the action has failed");
    expect(action.told.at(-1)).toEqual({
      execution: "closed",
      finished: "failure",
      details: [FAILED.code, FAILED.sentence],
    });
    // The same image under a new action: quarantined, and said so.
    const again = server.assign(action.assignment);
    await after.driven.nextPoll();
    await after.run.ended("rejected");
    await until(() => again.status === "error", "the second action has failed");
    expect(again.told.at(-1)?.details[0]).toBe("quarantined");
    await after.end();
  });

  it("does not make a hub take what the region has not signed", async () => {
    await region.release("one", 1);
    const action = server.assign({ metadata: { "hemhub.target": "releases/other.sqfs.zst", "hemhub.counter": "2" } });
    const { run, end } = await start();
    await run.ended("failed-retryable");
    await until(() => action.told.some(({ execution }) => execution === "rejected"), "the server is warned");
    expect(action.told.find(({ execution }) => execution === "rejected")?.details).toEqual([
      "update-unknown-target",
      expect.stringContaining("releases/other.sqfs.zst"),
    ]);
    expect(action.status).not.toBe("finished");
    await end();
    // Nor what is signed with another counter.
    server.cancel(action);
    const strange = server.assign({ metadata: { "hemhub.target": "releases/one.sqfs.zst", "hemhub.counter": "9" } });
    const again = await start();
    await again.driven.nextPoll();
    await again.run.ended("rejected");
    await until(() => strange.status === "error", "the action has failed");
    expect(strange.told.at(-1)?.details[0]).toBe("update-unfit");
    await again.end();
  });

  it.each([
    ["never arrived", ({ path }, response) => path.endsWith("feedback") && response.destroy() === response],
    ["arrived, and its answer did not", null],
  ] as readonly (readonly [string, Fault | null])[])(
    "hears the end once where the report of it %s, also after a restart",
    async (_, lost) => {
      const action = server.assign({ metadata: metadataOf(await region.release("one", 1)) });
      const before = await start();
      await before.run.restarted();
      await before.end();
      // The hub's report takes effect, and the hub does not learn that it did.
      const unanswered: Fault = ({ path, body }, response) => {
        const { status } = (body ?? {}) as { status?: { execution: string; result: { finished: string } } };
        if (!path.endsWith("feedback") || status?.execution !== "closed") return false;
        if (action.status !== "finished") action.told.push({ execution: "closed", finished: "success", details: [] });
        action.status = "finished";
        return response.destroy() === response;
      };
      server.fault = lost ?? unanswered;
      const after = await start();
      await after.run.ended("installed");
      await until(() => after.driven.hawkbit.status().trouble !== null, "the report is lost");
      await after.end();
      server.fault = () => false;
      const again = await start();
      await until(() => action.status === "finished", "the action is finished");
      await again.driven.nextPoll();
      expect(again.driven.hawkbit.status()).toEqual({ trouble: null, action: null });
      expect(action.told.filter(({ execution }) => execution === "closed")).toHaveLength(1);
      expect(again.run.updates.memory().outcomes).toHaveLength(1);
      await again.end();
    },
  );

  it("does not disturb the updates where it is out of order", async () => {
    server.fault = (_, response) => response.writeHead(500).end("<html>") === response;
    const { run, driven, end } = await start();
    await driven.nextPoll();
    expect(driven.hawkbit.status().trouble).toMatch(/500/);
    await run.updates.want(await region.release("one", 1));
    await run.restarted();
    await end();
  });
});
