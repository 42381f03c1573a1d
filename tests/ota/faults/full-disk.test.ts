import { closeSync, openSync, writeSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createDiskFiles } from "../../../ota/files/disk-files.ts";
import { unpackedForm } from "../../../ota/images/unpacked-form.ts";
import type { UpdateMemory, UpdateState, WantedRelease } from "../../../ota/update/update-state.ts";
import { minutes } from "../../../protocol/time.ts";
import { createSmallDisk, diskMounts, type SmallDisk } from "../../process/small-disk.ts";
import { requirement, titled } from "../../support/requirements.ts";
import { until } from "../../support/until.ts";
import { writeRelease } from "../launcher.ts";
import { createTestRegion, openUpdateBench, type UpdateBench, type UpdateRun } from "../update-bench.ts";
import { bulky } from "./fault-bench.ts";
import { updateOnFullDisk } from "./filling-disk.ts";

const tools = requirement("mksquashfs");

describe.skipIf(!tools.available)(titled("F49: disk full at each stage", tools), () => {
  it("from any write of a whole update on: nothing is lost, nothing is blamed, and it goes on when there is room", async () => {
    await using region = await createTestRegion();
    const wanted = await region.release("one", 1);
    const { writes } = await updateOnFullDisk(region, wanted, Number.POSITIVE_INFINITY);
    const wrong: string[] = [];
    const met = new Set<string | null>();
    for (let takes = 1; takes < writes; takes += 1) {
      const report = await updateOnFullDisk(region, wanted, takes);
      met.add(report.state);
      wrong.push(...report.wrong);
    }
    expect(wrong).toEqual([]);
    for (const state of ["checking", "downloading", "verifying", "staged", "activating", "trial", "committing"]) {
      expect([...met]).toContain(state);
    }
  }, 120_000);
});

/** Another program takes all of the disk, at once. */
const fillNow = (folder: string): void => {
  const other = openSync(join(folder, "other-program"), "a");
  for (let step = 1024 * 1024; step >= 1; step = Math.floor(step / 4)) {
    try {
      for (;;) writeSync(other, Buffer.alloc(step));
    } catch {
      // Full for this step: a smaller one may fit.
    }
  }
  closeSync(other);
};

const mount = tools.available ? await diskMounts() : tools;

describe.skipIf(!mount.available)(titled("F49: disk full, on a small disk of its own", mount), () => {
  interface SmallHub extends AsyncDisposable {
    readonly bench: UpdateBench;
    readonly disk: SmallDisk;
    readonly folder: string;
    good(): Promise<WantedRelease>;
    /** One life after the other, until the newest outcome is so. */
    ends(wanted: WantedRelease, result: string): Promise<UpdateMemory>;
    wanted: WantedRelease;
  }

  const open = async (): Promise<SmallHub> => {
    const place = await mkdtemp(join(tmpdir(), "hemhub-small-"));
    const [folder, base, run] = [join(place, "disk"), join(place, "base"), join(place, "run")];
    const disk = await createSmallDisk(place, folder);
    const region = await createTestRegion();
    await writeRelease(base, "base");
    const form = unpackedForm(createDiskFiles());
    const bench = await openUpdateBench({ place: folder, run, base, region: region.folder, form });
    return {
      bench,
      disk,
      folder,
      wanted: await region.release("one", 1, { script: bulky("one") }),
      good: () => region.release("good", 9, { script: bulky("good") }),
      ends: async (wanted, result) => {
        for (let life = 0; life < 8; life += 1) {
          const next = await bench.start();
          await next.updates.want(wanted);
          const over = next.comesTo(
            ({ state, outcomes: [newest] }) =>
              state.tag === "idle" && newest?.result === result && newest.wanted.campaign === wanted.campaign,
            `${wanted.campaign} is ${result}`,
          );
          const memory = await Promise.race([next.restarted().then(() => null), over]);
          await next.end();
          await over.catch(() => undefined);
          if (memory !== null) return memory;
        }
        throw new Error(`${wanted.campaign} is not ${result} after eight starts`);
      },
      [Symbol.asyncDispose]: async () => {
        await bench[Symbol.asyncDispose]();
        await disk[Symbol.asyncDispose]();
        await region[Symbol.asyncDispose]();
        await rm(place, { recursive: true, force: true });
      },
    };
  };

  /** The disk is full from the moment at which the update comes to this state. */
  const fillIn = ({ bench, folder }: SmallHub, tag: UpdateState["tag"]): Promise<void> => {
    const filled = Promise.withResolvers<void>();
    bench.circumstances.heard = ({ state }) => {
      if (state.tag !== tag) return;
      bench.circumstances.heard = () => undefined;
      fillNow(folder);
      filled.resolve();
    };
    return filled.promise;
  };

  const sitOut = async ({ bench }: SmallHub, run: UpdateRun): Promise<void> => {
    for (let n = 0; n < 6; n += 1) await bench.clock.advance(minutes(10));
    await run.end();
  };

  it.each<UpdateState["tag"]>(["checking", "downloading", "verifying", "activating"])(
    "%s: what ran runs, also after a start, and the update goes on when there is room",
    async (tag) => {
      await using hub = await open();
      const filled = fillIn(hub, tag);
      const run = await hub.bench.start();
      await run.updates.want(hub.wanted);
      await filled;
      await sitOut(hub, run);
      const still = await hub.bench.start();
      expect(still.started).toMatchObject({ name: "base", slot: "base" });
      await sitOut(hub, still);
      await hub.disk.free();
      const { quarantine } = await hub.ends(hub.wanted, "installed");
      expect(quarantine).toEqual([]);
      await hub.ends(await hub.good(), "installed");
    },
  );

  /** A release that has begun its trial when the disk is full, and the life of the one before that is started instead. */
  const trialOnFullDisk = async (hub: SmallHub): Promise<UpdateRun> => {
    hub.bench.circumstances.proof = () => "hangs";
    const run = await hub.bench.start();
    await run.updates.want(hub.wanted);
    await run.restarted();
    await run.end();
    const trial = await hub.bench.start();
    expect(trial.started).toMatchObject({ name: "one", try: 1 });
    await trial.reached("trial");
    fillNow(hub.folder);
    await sitOut(hub, trial);
    const still = await hub.bench.start();
    expect(still.started).toMatchObject({ name: "base" });
    return still;
  };

  it("trial: a try that cannot be counted is not made, and the trial goes on when there is room", async () => {
    await using hub = await open();
    await sitOut(hub, await trialOnFullDisk(hub));
    await hub.disk.free();
    hub.bench.circumstances.proof = () => null;
    const { quarantine } = await hub.ends(hub.wanted, "installed");
    expect(quarantine).toEqual([]);
    await hub.ends(await hub.good(), "installed");
  });

  it("trial: where there is room again while the release before runs, the trial is over, and the next release is installed", async () => {
    await using hub = await open();
    const before = await trialOnFullDisk(hub);
    await hub.disk.free();
    await before.updates.loaded;
    await until(async () => {
      await hub.bench.clock.advance(minutes(1));
      return before.updates.memory().outcomes[0]?.result === "rolled-back";
    }, "the release is taken back");
    expect(before.updates.memory()).toMatchObject({ outcomes: [{ why: { code: "unknown" } }], quarantine: [] });
    await before.end();
    hub.bench.circumstances.proof = () => null;
    await hub.ends(await hub.good(), "installed");
  });
});
