import { describe, expect, it } from "vitest";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import type { ImageHash } from "../../ota/slots/slots.ts";
import type { UpdateBackend } from "../../ota/update/backend.ts";
import type { Reason, ReleasePart } from "../../ota/update/update-state.ts";
import { titled } from "../support/requirements.ts";
import { createRaucMachine, type MachineSettings, type RaucMachine, raucReady } from "./rauc-machine.ts";

const ready = raucReady();
const { signal } = new AbortController();
const FAILED: Reason = { code: "self-test", sentence: "update: its self-test failed" };

/** The power goes right after the `nth` thing that outlives it: a file of the hub, or a word to the boot loader. */
const cutAfter = (nth: number) => {
  let done = 0;
  const step = async <T>(effect: () => Promise<T>): Promise<T> => {
    if (done >= nth) throw new Error("the power is off");
    done += 1;
    const result = await effect();
    if (done === nth) throw new Error("the power went");
    return result;
  };
  const disk = createDiskFiles();
  const settings: MachineSettings = {
    files: { ...disk, replace: (path, content) => step(() => disk.replace(path, content)) },
    through: (open) => (listener) => {
      const bus = open(listener);
      return {
        ready: bus.ready,
        close: bus.close,
        call: (call) => (call.member === "Mark" ? step(() => bus.call(call)) : bus.call(call)),
      };
    },
  };
  return { settings, wasCut: () => done >= nth };
};

/** Three starts of the machine for each cut: some seconds, where nothing else is at work. */
const LONG = 60_000;
/** More things outlive the power in no update. */
const MOST_STEPS = 20;

/** What the update's loop does with a backend at a start, and how often the machine is started until it rests. */
const bringInForce = async (
  machine: RaucMachine,
  part: ReleasePart,
  bundle: string,
  backend: () => UpdateBackend,
): Promise<void> => {
  for (;;) {
    const now = backend();
    const { running, lastFailed } = await now.status();
    expect(lastFailed).toBeNull();
    if (running.image === part.image && !running.isTrial) return;
    if (running.image === part.image) {
      await now.markGood(part.image);
      continue;
    }
    expect(running.image).toBeNull();
    await now.stage(part, await machine.download(bundle), null, signal);
    await now.activate(part.image, []);
    await machine.reboot();
  }
};

describe.skipIf(!ready.available)(titled("the power, cut after each step of an update by RAUC,", ready), () => {
  it("leaves what was or what was to be, blames nobody, and the update goes on", { timeout: LONG }, async () => {
    await using machine = await createRaucMachine();
    const { part, bundle } = await machine.make({ name: "one" });
    let cuts = 0;
    for (let nth = 1; nth <= MOST_STEPS; nth += 1) {
      await machine.reset();
      const { settings, wasCut } = cutAfter(nth);
      await bringInForce(machine, part, bundle, () => machine.backend(settings)).catch((thrown: unknown) => {
        if (!wasCut()) throw thrown;
      });
      if (!wasCut()) break;
      cuts += 1;
      await machine.killRauc();
      await machine.reboot();
      await bringInForce(machine, part, bundle, () => machine.backend());
      await machine.reboot();
      const running = { image: part.image, isTrial: false, tries: 0 };
      expect(await machine.backend().status(), `after step ${nth}`).toEqual({
        running,
        lastFailed: null,
        trouble: null,
      });
    }
    // Three of the record and the switch before the trial, its count, its end; and the good word at a start.
    expect(cuts).toBeGreaterThanOrEqual(7);
    expect(cuts).toBeLessThan(MOST_STEPS);
  });

  it("does not keep a release that is being taken back", { timeout: LONG }, async () => {
    await using machine = await createRaucMachine();
    const { part, bundle } = await machine.make({ name: "one" });
    let cuts = 0;
    const takeBack = async (backend: UpdateBackend, image: ImageHash): Promise<void> => {
      await backend.rollback(image, FAILED);
    };
    for (let nth = 1; nth <= MOST_STEPS; nth += 1) {
      await machine.reset();
      const before = machine.backend();
      await before.stage(part, await machine.download(bundle), null, signal);
      await before.activate(part.image, []);
      await machine.reboot();
      await machine.backend().status();
      const { settings, wasCut } = cutAfter(nth);
      await takeBack(machine.backend(settings), part.image).catch((thrown: unknown) => {
        if (!wasCut()) throw thrown;
      });
      if (!wasCut()) break;
      cuts += 1;
      await machine.killRauc();
      await machine.reboot();
      const { running } = await machine.backend().status();
      // Either it runs, is still on trial, and is taken back again; or it does not run.
      if (running.image === part.image) {
        expect(running.isTrial).toBe(true);
        await takeBack(machine.backend(), part.image);
        await machine.reboot();
      }
      const after = await machine.backend().status();
      expect(after.running, `after step ${nth}`).toEqual({ image: null, isTrial: false, tries: 0 });
      expect(after).toMatchObject({ lastFailed: { image: part.image, why: FAILED }, trouble: null });
    }
    expect(cuts).toBe(4);
  });
});
