import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Reason, ReasonCode, WantedRelease } from "../../../ota/update/update-state.ts";
import { minutes } from "../../../protocol/time.ts";
import { requirement, titled } from "../../support/requirements.ts";
import { createFaultBench, type FaultBench } from "./fault-bench.ts";

const tools = requirement("mksquashfs");
const LAUNCHER = fileURLToPath(new URL("../../../packaging/launch/hemhub-launch", import.meta.url));

describe.skipIf(!tools.available)(titled("F48: a release that does not work here", tools), () => {
  let bench: FaultBench;
  beforeEach(async () => {
    bench = await createFaultBench();
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  /** Let the hub switch to it; the next start is its first. */
  const switchTo = async (wanted: WantedRelease): Promise<void> => {
    const run = await bench.hub.start();
    await run.updates.want(wanted);
    await run.restarted();
    await run.end();
  };

  /** One start as a supervisor makes it, of a program that is no hub; killed once it has said `up`. How it ended. */
  const startProgram = async (): Promise<number | string | null> => {
    const { home } = bench.hub;
    const [base, run] = [join(home, "..", "base"), join(home, "..", "run")];
    const env = { ...process.env, HEMHUB_BASE: base, HEMHUB_RUN: run };
    const program = spawn(LAUNCHER, ["start", home], { env, stdio: ["ignore", "pipe", "ignore"] });
    program.stdout.on("data", () => program.kill("SIGKILL"));
    const [code, signal] = (await once(program, "exit")) as [number | null, string | null];
    return signal ?? code;
  };

  /** It is over, in quarantine, what ran before runs, and the next release is installed. */
  const isTakenBack = async (wanted: WantedRelease, code: ReasonCode): Promise<void> => {
    const memory = await bench.ends(null, "rolled-back");
    const [newest] = memory.outcomes;
    expect(newest).toMatchObject({ wanted: { campaign: wanted.campaign }, why: { code } });
    expect(memory.quarantine).toMatchObject([{ image: newest?.image, why: { code } }]);
    expect(memory.wanted).toBeNull();
    await bench.runs("base", "base");
    // The message is retained: it comes again with every connection, and begins nothing.
    const run = await bench.hub.start();
    await run.updates.want(wanted);
    expect((await run.rests()).outcomes).toHaveLength(1);
    await run.end();
    await bench.recovers();
  };

  it.each<readonly [string, string, number | string]>([
    ["crash: it ends at once, three times", "#!/bin/sh\nexit 3\n", 3],
    ["out of memory in trial: it is killed by the kernel, three times", "#!/bin/sh\nkill -KILL $$\n", "SIGKILL"],
    [
      "hang: it comes up, does nothing and is killed by its watchdog, three times",
      "#!/bin/sh\necho up\nexec sleep 600\n",
      "SIGKILL",
    ],
    ["no program: its interpreter is not there", "#!/nowhere/sh\n", 127],
  ])("%s, and is taken back", async (_, script, ending) => {
    const wanted = await bench.region.release("broken", 1, { script });
    await switchTo(wanted);
    expect([await startProgram(), await startProgram(), await startProgram()]).toEqual([ending, ending, ending]);
    await isTakenBack(wanted, "tries");
  });

  it.each(["", "-7", "four", "\u0000\u0000\u0000\u0000", "1e0"])(
    "garbage try counter: %j in it counts as all tries",
    async (garbage) => {
      const wanted = await bench.region.release("one", 1);
      await switchTo(wanted);
      await writeFile(join(bench.hub.home, "tries"), garbage);
      await isTakenBack(wanted, "tries");
    },
  );

  it.each<readonly [string, ReasonCode]>([
    ["no READY: it does not say that it is ready", "no-ready"],
    ["no broker: it does not reach the broker", "no-broker"],
    ["no echo: its own message does not come back", "no-echo"],
    ["self-test fails: it says so itself", "self-test"],
    ["outbox: it cannot read what the release before wrote", "outbox"],
  ])("%s, and is taken back with this reason", async (_, code) => {
    const why: Reason = { code, sentence: `update: ${code}` };
    bench.hub.circumstances.proof = (name) => (name === "broken" ? why : null);
    const wanted = await bench.region.release("broken", 1);
    await switchTo(wanted);
    await isTakenBack(wanted, code);
  });

  it("whole network down: for longer than a trial may last: it is taken back, not blamed, and may be tried again", async () => {
    const why: Reason = { code: "out-of-time", sentence: "update: no network for a day" };
    bench.hub.circumstances.proof = () => why;
    const wanted = await bench.region.release("one", 1);
    const { outcomes, quarantine } = await bench.ends(wanted, "rolled-back");
    expect({ outcomes, quarantine }).toMatchObject({ outcomes: [{ why }], quarantine: [] });
    await bench.runs("base", "base");
    bench.hub.circumstances.proof = () => null;
    await bench.ends({ ...wanted, campaign: "once more" }, "installed");
    await bench.recovers();
  });

  it("whole network down: a release that is on trial then is not blamed for it", async () => {
    let isDown = true;
    bench.hub.circumstances.proof = () => (isDown ? "hangs" : null);
    await switchTo(await bench.region.release("one", 1));
    const trial = await bench.hub.start();
    await trial.reached("trial");
    await bench.hub.clock.advance(minutes(600));
    expect(trial.updates.memory()).toMatchObject({ state: { tag: "trial" }, outcomes: [], quarantine: [] });
    await trial.end();
    isDown = false;
    await bench.ends(null, "installed");
    await bench.runs("one", "current");
    await bench.recovers();
  });
});
