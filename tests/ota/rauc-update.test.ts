import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { unpackedForm } from "../../ota/images/unpacked-form.ts";
import type { Reason, WantedRelease } from "../../ota/update/update-state.ts";
import { titled } from "../support/requirements.ts";
import { createRaucMachine, type RaucMachine, raucReady } from "./rauc-machine.ts";
import {
  createTestRegion,
  openUpdateBench,
  type TestRegion,
  type UpdateBench,
  type UpdateRun,
} from "./update-bench.ts";

const ready = raucReady();
const FAILED: Reason = { code: "no-broker", sentence: "update: the broker was not reached" };

describe.skipIf(!ready.available)(
  titled("an update of the whole system, from the region's wish to the end", ready),
  () => {
    let region: TestRegion;
    let machine: RaucMachine;
    let bench: UpdateBench;
    beforeEach(async () => {
      region = await createTestRegion();
      machine = await createRaucMachine();
      bench = await openUpdateBench({
        place: machine.folder,
        run: join(machine.place, "run"),
        base: join(machine.place, "base"),
        region: region.folder,
        form: unpackedForm(createDiskFiles()),
        boot: async () => {
          await machine.reboot();
          const name = await machine.nameIn(machine.booted());
          const started = { name, slot: machine.booted(), release: "", try: 0, reason: "" };
          return { started, backend: machine.backend() };
        },
      });
    });
    afterEach(async () => {
      await bench[Symbol.asyncDispose]();
      await machine[Symbol.asyncDispose]();
      await region[Symbol.asyncDispose]();
    });

    /** The region's bundle as a signed target. */
    const publish = async (name: string, counter: number, terms = {}): Promise<WantedRelease> => {
      const { part, bundle } = await machine.make({ name });
      const target = `releases/${name}.raucb`;
      const fits = { hardware: ["generic"], arch: process.arch, counter, minFrom: 0 };
      const { image, imageLength } = part;
      const custom = { ...fits, artefact: "rauc-bundle", image, imageLength, ...terms };
      await region.repository.add([{ path: target, file: bundle, custom }]);
      await region.publish();
      const always = { notBefore: null, window: null, bucketMax: 10_000, urgency: "routine", folder: null } as const;
      return { campaign: `to-${name}`, target, counter, ...always };
    };
    const tryOut = async (wanted: WantedRelease): Promise<UpdateRun> => {
      const first = await bench.start();
      await first.updates.want(wanted);
      await first.restarted();
      await first.end();
      return bench.start();
    };

    it("is downloaded, checked, installed, tried and in force", async () => {
      const run = await tryOut(await publish("one", 1));
      expect(run.started).toMatchObject({ name: "one", slot: "B" });
      expect((await run.ended("installed")).outcomes).toMatchObject([{ why: null }]);
      await run.end();
      expect(await createDiskFiles().list(machine.backend().downloads)).toEqual([]);
      const next = await tryOut(await publish("two", 2));
      expect(next.started).toMatchObject({ name: "two", slot: "A" });
      expect((await next.rests()).outcomes).toMatchObject([{ result: "installed" }, { result: "installed" }]);
      await next.end();
      const after = await bench.start();
      expect(after.started).toMatchObject({ name: "two" });
      await after.rests();
      expect(after.updates.backend()).toMatchObject({ running: { isTrial: false }, lastFailed: null, trouble: null });
    });

    it("is taken back where it does not prove itself, and not tried again", async () => {
      const wanted = await publish("broken", 1);
      bench.circumstances.proof = (name) => (name === "broken" ? FAILED : null);
      const run = await tryOut(wanted);
      expect(await run.restarted()).toMatch(/taken back/);
      await run.end();
      const after = await bench.start();
      expect(after.started).toMatchObject({ name: "factory" });
      expect((await after.ended("rolled-back")).outcomes).toMatchObject([{ why: FAILED }]);
      await after.updates.want({ ...wanted, campaign: "once more" });
      expect((await after.ended("rejected")).outcomes[0]).toMatchObject({ why: { code: "quarantined" } });
      await after.end();
    });

    it("that never comes to the hub is ended by the boot loader, and told to the region", async () => {
      bench.circumstances.proof = () => "hangs";
      const run = await tryOut(await publish("hanging", 1));
      await run.reached("trial");
      await run.end();
      for (let n = 0; n < 2; n += 1) await machine.reboot();
      const after = await bench.start();
      expect(after.started).toMatchObject({ name: "factory" });
      expect((await after.ended("rolled-back")).outcomes).toMatchObject([{ why: { code: "tries" } }]);
      await after.end();
    });

    it("is refused for good where what is signed is no bundle", async () => {
      const run = await bench.start();
      await run.updates.want(await publish("one", 1, { artefact: "release-image" }));
      expect((await run.ended("rejected")).outcomes).toMatchObject([{ why: { code: "update-unfit" } }]);
      expect(await machine.nameIn("B")).toBe("");
      await run.end();
    });
  },
);
