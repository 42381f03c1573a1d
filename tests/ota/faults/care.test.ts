import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCareLeases, LONGEST_LEASE } from "../../../gateway/updates/care-leases.ts";
import type { Outcome, Reason, UpdateMemory, UpdateState } from "../../../ota/update/update-state.ts";
import { minutes } from "../../../protocol/time.ts";
import { requirement, titled } from "../../support/requirements.ts";
import { silentLogger } from "../../support/test-loggers.ts";
import { until } from "../../support/until.ts";
import { type Answer, plainly } from "../web-server.ts";
import { createFaultBench, type FaultBench } from "./fault-bench.ts";

const tools = requirement("mksquashfs");
const MEASURING: Reason = { code: "measuring", sentence: "update: somebody is being measured" };
const OFFLINE: Reason = { code: "offline", sentence: "update: the broker is not reached" };
const BY_HAND: Reason = { code: "by-hand", sentence: "update: a person took it back" };

type Tag = UpdateState["tag"];

describe.skipIf(!tools.available)(titled("an update while people use the hub", tools), () => {
  let bench: FaultBench;
  beforeEach(async () => {
    bench = await createFaultBench();
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  /** Once, when the update comes to this state: durable, and nothing of it done yet. */
  const onceIn = (tag: Tag, act: (updates: Parameters<typeof bench.hub.circumstances.heard>[1]) => void): void => {
    let isOver = false;
    bench.hub.circumstances.heard = ({ state }, updates) => {
      if (isOver || state.tag !== tag) return;
      isOver = true;
      act(updates);
    };
  };

  /** Make the update of `to-one` come to the states that it does not come to by itself. */
  const leadTo = (tag: Tag): void => {
    const { hub, server } = bench;
    const down: Answer = (response) => void response.writeHead(503).end();
    const properly = plainly();
    if (tag === "paused") {
      server.answer = (response, asked, content) =>
        (asked.url.includes("one.sqfs") ? down : properly)(response, asked, content);
    }
    if (tag === "waiting-window") {
      let times = 0;
      Object.defineProperty(hub.circumstances, "care", { get: () => (times++ < 2 ? MEASURING : null) });
    }
    if (tag === "rolling-back") {
      hub.circumstances.proof = (name) =>
        name === "one" ? { code: "self-test", sentence: "update: it failed" } : null;
    }
  };

  it("measurement running: nothing is switched as long as it lasts, and then it is", async () => {
    const { hub, region } = bench;
    hub.circumstances.care = MEASURING;
    const run = await hub.start();
    await run.updates.want({ ...(await region.release("one", 1)), urgency: "critical" });
    expect((await run.reached("waiting-window")).state).toMatchObject({ why: MEASURING });
    run.updates.goAhead();
    await hub.clock.advance(minutes(120));
    expect(run.updates.memory().state.tag).toBe("waiting-window");
    await run.end();
    await bench.runs("base", "base");
    hub.circumstances.care = null;
    await bench.ends(null, "installed");
    await bench.recovers();
  });

  it("measurement running: one that begins between the decision and the switch still comes first", async () => {
    const { hub, region } = bench;
    let care: Reason | null = null;
    Object.defineProperty(hub.circumstances, "care", { get: () => care });
    onceIn("activating", () => {
      care = MEASURING;
    });
    const run = await hub.start();
    await run.updates.want(await region.release("one", 1));
    expect((await run.reached("waiting-window")).state).toMatchObject({ why: MEASURING });
    await run.end();
    await bench.runs("base", "base");
    care = null;
    await bench.ends(null, "installed");
    await bench.recovers();
  });

  it("leaked lease: a measurement that nobody ends holds the update up until its lease is over", async () => {
    const { hub, region } = bench;
    const leases = createCareLeases({ clock: hub.clock, logger: silentLogger });
    Object.defineProperty(hub.circumstances, "care", { get: () => (leases.held() === null ? null : MEASURING) });
    const begun = hub.clock.elapsed();
    leases.begin("sensor cuff is measuring", LONGEST_LEASE);
    await bench.ends(await region.release("one", 1), "installed");
    expect(hub.clock.elapsed() - begun).toBeGreaterThanOrEqual(LONGEST_LEASE);
    await bench.recovers();
  });

  it("whole network down: what is downloaded is not activated before the hub is on line", async () => {
    const { hub, region } = bench;
    hub.circumstances.care = OFFLINE;
    const run = await hub.start();
    await run.updates.want(await region.release("one", 1));
    expect((await run.reached("waiting-window")).state).toMatchObject({ why: OFFLINE });
    await run.end();
    await bench.runs("base", "base");
    hub.circumstances.care = null;
    await bench.ends(null, "installed");
    await bench.recovers();
  });

  it.each<Tag>(["checking", "offered", "downloading", "paused", "verifying", "staged", "waiting-window"])(
    "cancel: in the state %s it ends there, and the next release is installed",
    async (tag) => {
      const wanted = await bench.region.release("one", 1);
      leadTo(tag);
      onceIn(tag, (updates) => void updates.cancel(BY_HAND));
      const memory = await bench.ends(wanted, "cancelled");
      expect(memory).toMatchObject({ wanted: null, quarantine: [], outcomes: [{ why: BY_HAND }] });
      await bench.runs("base", "base");
      await bench.recovers();
    },
  );

  it("cancel: in its trial it is taken back, and not tried again", async () => {
    const wanted = await bench.region.release("one", 1);
    onceIn("trial", (updates) => void updates.cancel(BY_HAND));
    const memory = await bench.ends(wanted, "rolled-back");
    expect(memory).toMatchObject({ wanted: null, quarantine: [{ why: BY_HAND }], outcomes: [{ why: BY_HAND }] });
    await bench.runs("base", "base");
    await bench.recovers();
  });

  it.each<Tag>(["activating", "committing"])(
    "cancel: in the state %s it comes too late, and half an update is never left",
    async (tag) => {
      const wanted = await bench.region.release("one", 1);
      onceIn(tag, (updates) => void updates.cancel(BY_HAND));
      await bench.ends(wanted, "installed");
      await bench.runs("one", "current");
      await bench.recovers();
    },
  );

  it("lost report: how it ended is told again by every later start, and begins nothing", async () => {
    const { hub, region } = bench;
    const wanted = await region.release("one", 1);
    // The life that installs it ends with its outcome on the disk and nothing told.
    await bench.ends(wanted, "installed");
    const told: UpdateMemory[] = [];
    hub.circumstances.heard = (memory) => told.push(memory);
    for (const life of [1, 2]) {
      const run = await hub.start();
      await run.updates.want(wanted);
      await run.rests();
      await run.end();
      expect(told).toHaveLength(life);
      expect(told.at(-1)).toMatchObject({ state: { tag: "idle" }, outcomes: [{ result: "installed", wanted }] });
    }
    await bench.recovers();
  });

  it("two campaigns: neither the same wish nor another one disturbs a release in its trial", async () => {
    const { hub, region } = bench;
    const first = await region.release("one", 1);
    const second = await region.release("two", 2);
    let [proofs, isProved] = [0, false];
    hub.circumstances.proof = () => {
      proofs += 1;
      return isProved ? null : "hangs";
    };
    const before = await hub.start();
    await before.updates.want(first);
    await before.restarted();
    await before.end();
    const trial = await hub.start();
    await trial.reached("trial");
    await until(() => proofs === 1, "the release is asked to prove itself");
    for (const wanted of [{ ...first }, second, { ...second }]) await trial.updates.want(wanted);
    expect(proofs).toBe(1);
    await trial.end();
    isProved = true;
    const { outcomes } = await bench.ends(second, "installed");
    expect(outcomes.map(({ wanted }) => wanted.campaign)).toEqual([second.campaign, first.campaign]);
  });

  it.each<readonly [Tag, Outcome["result"]]>([
    ["checking", "cancelled"],
    ["offered", "cancelled"],
    ["downloading", "cancelled"],
    ["paused", "cancelled"],
    ["verifying", "cancelled"],
    ["staged", "cancelled"],
    ["waiting-window", "cancelled"],
    ["activating", "installed"],
    ["trial", "installed"],
    ["committing", "installed"],
    ["rolling-back", "rolled-back"],
  ])(
    "two campaigns: the second comes when the first is %s: the first is %s, the second installed",
    async (tag, result) => {
      const first = await bench.region.release("one", 1);
      const second = await bench.region.release("two", 2);
      leadTo(tag);
      onceIn(tag, (updates) => void updates.want(second));
      const run = await bench.hub.start();
      await run.updates.want(first);
      await Promise.race([
        run.restarted(),
        run.comesTo(({ wanted }) => wanted?.campaign === second.campaign, "the second is wanted"),
      ]);
      await run.end();
      const { outcomes } = await bench
        .ends(null, "installed")
        .then(async (memory) =>
          memory.outcomes[0]?.wanted.campaign === first.campaign ? bench.ends(second, "installed") : memory,
        );
      expect(outcomes).toMatchObject([
        { result: "installed", wanted: { campaign: second.campaign } },
        { result, wanted: { campaign: first.campaign } },
      ]);
      await bench.runs("two", "current");
    },
  );
});
