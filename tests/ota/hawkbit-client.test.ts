import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSimulatedClock, turn } from "../../hardware-sim/clock/simulated-clock.ts";
import { createCertificateAuthority } from "../../hardware-sim/region/certificates.ts";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { createHawkbit } from "../../ota/hawkbit/hawkbit.ts";
import type { ImageHash } from "../../ota/slots/slots.ts";
import type { UpdateEvent } from "../../ota/update/advance.ts";
import type { Offer, Reason } from "../../ota/update/update-state.ts";
import { epochMs, millis, minutes, seconds } from "../../protocol/time.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { until } from "../support/until.ts";
import {
  createHawkbitPlace,
  type HawkbitRun,
  type HawkbitRunOptions,
  type PlayedUpdates,
  playedUpdates,
  pollsOf,
  runHawkbit,
} from "./hawkbit-bench.ts";
import { type Action, type HawkbitServer, startHawkbitServer } from "./hawkbit-server.ts";

const RELEASE = { "hemhub.target": "releases/7", "hemhub.counter": "7" };
const WHY: Reason = { code: "measuring", sentence: "update: somebody is being measured" };
const IMAGE = "a".repeat(64) as ImageHash;

describe("a hub that a hawkBit drives", () => {
  let place: Awaited<ReturnType<typeof createHawkbitPlace>>;
  let server: HawkbitServer;
  let updates: PlayedUpdates;
  let run: HawkbitRun;
  const start = (over: Partial<HawkbitRunOptions> = {}): HawkbitRun => {
    run = runHawkbit({ url: server.url, place: place.path, updates, ...over });
    return run;
  };
  beforeEach(async () => {
    place = await createHawkbitPlace();
    server = await startHawkbitServer();
    updates = playedUpdates();
  });
  afterEach(async () => {
    await run.end();
    await server[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  /** What the loop of the updates would do, up to where it waits for somebody who is being measured. */
  const toWaiting = (): void => {
    const { wanted } = updates.memory() ?? { wanted: null };
    if (wanted === null) throw new Error("nothing is wanted");
    const offer: Offer = { wanted, image: IMAGE, parts: [] };
    const events: UpdateEvent[] = [
      { tag: "look" },
      { tag: "trusted", offer },
      { tag: "free" },
      { tag: "downloaded" },
      { tag: "staged" },
      { tag: "held", why: WHY },
    ];
    updates.play(...events);
  };
  const toTrial = (): void => {
    toWaiting();
    const backend = { running: { image: IMAGE, isTrial: true, tries: 1 }, lastFailed: null, trouble: null };
    updates.play({ tag: "free" }, { tag: "started", backend });
  };
  const last = (action: Action) => action.told.at(-1);

  it("wants what the action names, and tells each state as it comes", async () => {
    const action = server.assign({ metadata: RELEASE, download: "forced" });
    await start().rests();
    expect(updates.wishes).toMatchObject([
      { campaign: "hawkbit-1", target: "releases/7", counter: 7, urgency: "soon" },
    ]);
    expect(server.asked[0]).toMatchObject({ authorization: "TargetToken secret-of-hub-0001" });
    toWaiting();
    run.hawkbit.changed();
    await until(
      () => last(action)?.execution === "scheduled" && last(action)?.details[0] === "measuring",
      "it is told",
    );
    expect(run.hawkbit.status()).toEqual({ trouble: null, action: "1" });
    updates.play({ tag: "refused", why: { code: "update-unfit", sentence: "update check: is for another hardware" } });
    run.hawkbit.changed();
    await until(() => action.status === "error", "the action is over");
    expect(last(action)).toEqual({
      execution: "closed",
      finished: "failure",
      details: ["update-unfit", "update check: is for another hardware"],
    });
    await run.rests();
    expect(run.hawkbit.status()).toEqual({ trouble: null, action: null });
  });

  it("asks as often as the server wants, not less than each half minute, and only for what has changed", async () => {
    server.sleep = "00:10:00";
    server.assign({ metadata: RELEASE });
    await start().rests();
    const deployments = () => server.asked.filter(({ path }) => path.includes("deploymentBase/1?c=")).length;
    expect([pollsOf(server), deployments()]).toEqual([1, 1]);
    await run.clock.advance(minutes(8.9));
    expect(pollsOf(server)).toBe(1);
    await run.clock.advance(minutes(0.2));
    await until(() => pollsOf(server) === 2, "the second poll");
    await run.rests();
    expect(server.asked.at(-1)).toMatchObject({ ifNoneMatch: expect.any(String) });
    expect(deployments()).toBe(1);
    server.sleep = "00:00:01";
    await run.nextPoll();
    await run.rests();
    const before = pollsOf(server);
    await run.clock.advance(seconds(26));
    expect(pollsOf(server)).toBe(before);
    await run.clock.advance(seconds(2));
    await until(() => pollsOf(server) === before + 1, "the poll after half a minute");
  });

  it("holds the activation back until the maintenance window is open", async () => {
    const action = server.assign({ metadata: RELEASE, update: "skip", maintenanceWindow: "unavailable" });
    await start().rests();
    const { wanted } = updates.memory() ?? {};
    if (wanted === null || wanted === undefined) throw new Error("nothing is wanted");
    expect(run.hawkbit.holdsBack(wanted)).toMatchObject({ code: "outside-window" });
    await run.end();
    // Not forgotten by a restart without a network.
    server.fault = (_, response) => response.writeHead(503).end() === response;
    await start().rests();
    expect(run.hawkbit.holdsBack(wanted)).toMatchObject({ code: "outside-window" });
    server.fault = () => false;
    server.change(action, { update: "attempt", maintenanceWindow: "available" });
    await run.nextPoll();
    expect(run.hawkbit.holdsBack(wanted)).toBeNull();
    expect(run.hawkbit.holdsBack({ ...wanted, campaign: "another" })).toBeNull();
  });

  it("tells of what waits for long a bounded number of times, and of its end all the same", async () => {
    const action = server.assign({ metadata: RELEASE });
    await start().rests();
    toWaiting();
    for (let n = 0; n < 215; n += 1) {
      const told = action.told.length;
      updates.play({ tag: "held", why: { ...WHY, sentence: `update: reason ${n}` } });
      run.hawkbit.changed();
      if (n < 190) await until(() => action.told.length === told + 1, "it is told");
      else await turn();
      await run.rests();
    }
    expect(action.told.length).toBeGreaterThan(190);
    expect(action.told.length).toBeLessThanOrEqual(200);
    updates.play({ tag: "cancel", why: { code: "by-hand", sentence: "update: cancelled on the console" } });
    run.hawkbit.changed();
    await until(() => action.status === "error", "the end is told");
  });

  it("gives up what is cancelled before it is activated", async () => {
    const action = server.assign({ metadata: RELEASE });
    await start().rests();
    toWaiting();
    server.cancel(action);
    await run.nextPoll();
    expect(updates.memory()).toMatchObject({ state: { tag: "idle" }, wanted: null });
    expect(action.status).toBe("canceled");
    expect(last(action)).toMatchObject({ execution: "closed", finished: "success" });
  });

  it("rejects a cancellation that comes too late, and tells how it ended", async () => {
    const action = server.assign({ metadata: RELEASE });
    await start().rests();
    toTrial();
    server.cancel(action);
    await run.nextPoll();
    expect(last(action)).toMatchObject({ execution: "resumed" });
    expect(action.told.map(({ execution }) => execution)).toContain("rejected");
    expect(updates.memory()?.state.tag).toBe("trial");
    updates.play({ tag: "passed" }, { tag: "committed" });
    run.hawkbit.changed();
    await until(() => action.status === "finished", "the action is finished");
  });

  it("confirms a cancellation again where the confirmation was lost", async () => {
    const action = server.assign({ metadata: RELEASE });
    await start().rests();
    server.cancel(action);
    server.fault = ({ path }, response) => path.endsWith("feedback") && response.destroy() === response;
    await run.nextPoll();
    expect(run.hawkbit.status().trouble).toMatch(/not reached/);
    server.fault = () => false;
    await run.nextPoll();
    expect(action.status).toBe("canceled");
  });

  it("takes the successor where one is assigned", async () => {
    const first = server.assign({ metadata: RELEASE });
    await start().rests();
    toWaiting();
    const second = server.assign({ metadata: { "hemhub.target": "releases/8", "hemhub.counter": "8" } });
    await run.nextPoll();
    await run.nextPoll();
    expect(first.status).toBe("canceled");
    expect(updates.memory()?.wanted).toMatchObject({ campaign: `hawkbit-${second.id}`, counter: 8 });
  });

  it("does not go on with what the server has ended", async () => {
    const action = server.assign({ metadata: RELEASE });
    await start().rests();
    toWaiting();
    action.status = "canceled";
    await run.nextPoll();
    expect(updates.memory()).toMatchObject({ state: { tag: "idle" }, wanted: null });
    expect(run.hawkbit.status().action).toBeNull();
  });

  it("does not begin again what a person has cancelled here, though the server has not heard of it", async () => {
    const action = server.assign({ metadata: RELEASE });
    await start().rests();
    toWaiting();
    server.fault = ({ path }, response) => path.endsWith("feedback") && response.destroy() === response;
    updates.play({ tag: "cancel", why: { code: "by-hand", sentence: "update: cancelled on the console" } });
    run.hawkbit.changed();
    await until(() => run.hawkbit.status().trouble !== null, "the report is lost");
    await run.end();
    server.fault = () => false;
    await start().rests();
    expect(updates.memory()).toMatchObject({ state: { tag: "idle" }, wanted: null });
    expect(last(action)).toEqual({
      execution: "closed",
      finished: "failure",
      details: ["by-hand", "update: cancelled on the console"],
    });
  });

  it("confirms an action that waits for that, and denies one that names no release", async () => {
    const action = server.assign({ metadata: RELEASE }, true);
    await start().rests();
    await run.nextPoll();
    expect(updates.wishes).toMatchObject([{ campaign: "hawkbit-1" }]);
    action.status = "canceled";
    const strange = server.assign({ metadata: {} }, true);
    await run.nextPoll();
    expect(server.asked.findLast(({ method }) => method === "POST")?.body).toMatchObject({
      confirmation: "denied",
      details: ["update-unfit", expect.stringContaining("names no release")],
    });
    expect(strange.status).toBe("waiting-for-confirmation");
  });

  it("closes an action that names no release, and says what to correct", async () => {
    const action = server.assign({ metadata: { "hemhub.target": "releases/7" } });
    await start().rests();
    expect(action.status).toBe("error");
    expect(last(action)?.details).toEqual(["update-unfit", expect.stringContaining("hemhub.counter")]);
    expect(updates.wishes).toEqual([]);
  });

  it("tells what it is when it is asked", async () => {
    server.wantsConfig = true;
    await start().rests();
    expect(server.attributes).toEqual({
      "hemhub.hardware": "generic",
      "hemhub.arch": process.arch,
      "hemhub.version": "1.2.3",
    });
  });

  it.each([
    ["401", 401, {}, "", /does not accept this hub \(401\)/],
    ["404", 404, {}, "", /knows no tenant DEFAULT/],
    ["429", 429, { "retry-after": "600" }, "", /asked less often/],
    ["500", 500, {}, "", /in trouble itself \(500\)/],
    ["a sign-in page", 302, { location: "http://portal.example/" }, "", /sign-in page/],
    ["no JSON", 200, {}, "<html>hello", /no JSON/],
    ["another JSON", 200, {}, '["hello"]', /not as its API says/],
    ["more than anybody reads", 200, {}, `"${"x".repeat(600_000)}"`, /more than 524288 bytes/],
  ] as const)("bears %s: says so, waits, and goes on", async (_, status, headers, body, sentence) => {
    server.assign({ metadata: RELEASE });
    server.fault = (_asked, response) => response.writeHead(status, headers).end(body) === response;
    await start().rests();
    expect(run.hawkbit.status().trouble).toMatch(sentence);
    expect(run.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    await run.nextPoll();
    await run.nextPoll();
    // Said once, not at each attempt.
    expect(run.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
    server.fault = () => false;
    await run.nextPoll();
    expect(run.hawkbit.status().trouble).toBeNull();
    expect(updates.wishes).toHaveLength(1);
  });

  it("waits longer after each failure, and as long as the server says", async () => {
    server.fault = (_, response) => response.writeHead(503).end() === response;
    await start().rests();
    const between: number[] = [];
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const before = run.clock.elapsed();
      await run.nextPoll();
      between.push(Math.round((run.clock.elapsed() - before) / 1000));
    }
    expect(between).toEqual([27, 54, 108, 216, 432]);
    server.fault = (_, response) => response.writeHead(429, { "retry-after": "7200" }).end() === response;
    await run.nextPoll();
    const before = run.clock.elapsed();
    await run.nextPoll();
    expect(run.clock.elapsed() - before).toBe(7_200_000);
  });

  it("says what is wrong with its token, and sends none", async () => {
    await createDiskFiles().replace(`${place.path}/token`, Buffer.from("two words\n"));
    await start().rests();
    expect(run.hawkbit.status().trouble).toMatch(/holds no token/);
    expect(server.asked).toEqual([]);
    await createDiskFiles().remove(`${place.path}/token`);
    await run.nextPoll();
    expect(run.hawkbit.status().trouble).toMatch(/is not there/);
  });

  it("proves itself by its certificate, and lets only the region's server hear it", async () => {
    const authority = await createCertificateAuthority("region authority", epochMs(Date.now()));
    const [identity, device] = await Promise.all([authority.server(), authority.client("hub-0001")]);
    const tls = { cert: identity.certificate, key: identity.key, ca: authority.certificate, requestCert: true };
    await using secured = await startHawkbitServer({ token: null, tls });
    secured.assign({ metadata: RELEASE });
    const own = { ca: authority.certificate, cert: device.certificate, key: device.key };
    const config = { tokenFile: null };
    await start({ url: secured.url, config, tls: own }).rests();
    expect(run.hawkbit.status().trouble).toBeNull();
    expect(updates.wishes).toMatchObject([{ campaign: "hawkbit-1" }]);
    expect(secured.asked[0]).toMatchObject({ authorization: null });
    await run.end();
    const foreign = await createCertificateAuthority("region authority", epochMs(Date.now()));
    const before = secured.asked.length;
    await start({ url: secured.url, config, tls: { ...own, ca: foreign.certificate } }).rests();
    expect(run.hawkbit.status().trouble).toMatch(/is not reached/);
    await run.end();
    await start({ url: secured.url, config, tls: { ca: authority.certificate } }).rests();
    expect(run.hawkbit.status().trouble).toMatch(/is not reached/);
    expect(secured.asked).toHaveLength(before);
  });

  it("gives up an exchange that hangs", async () => {
    start();
    server.fault = () => true;
    const clock = createSimulatedClock();
    const stop = new AbortController();
    const hawkbit = createHawkbit({
      config: { url: server.url, tenant: "DEFAULT", controllerId: "hub-0001", tokenFile: null },
      clock,
      random: () => 0,
      logger: silentLogger,
      files: createDiskFiles(),
      file: `${place.path}/other.json`,
      tls: async () => ({}),
      want: updates.want,
      memory: updates.memory,
      attributes: () => ({}),
    });
    const before = server.asked.length;
    const running = hawkbit.run(stop.signal);
    await until(() => server.asked.length > before, "it has asked");
    await clock.advance(millis(30_000));
    await until(() => hawkbit.status().trouble !== null, "it has given up");
    expect(hawkbit.status().trouble).toMatch(/did not answer within 30 s/);
    stop.abort();
    await running;
  });
});
