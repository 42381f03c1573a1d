import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ImageHash } from "../../ota/slots/slots.ts";
import type { UpdateBackend } from "../../ota/update/backend.ts";
import type { Reason, ReleasePart } from "../../ota/update/update-state.ts";

/** A release as the region signed it, and as the hub downloaded it. */
export interface Downloaded {
  readonly part: ReleasePart;
  readonly file: string;
}

/** A machine that an update backend is of. */
export interface BackendMachine extends AsyncDisposable {
  /** Off and on: what the backend has activated is chosen, or is not, as on a real machine. A process of the hub. */
  restart(): Promise<UpdateBackend>;
  /** Another process of the hub in the same start: what a backend knows by heart is gone. */
  again(): UpdateBackend;
  make(name: string): Promise<ReleasePart>;
  /** A release's file in `downloads`; as often as it is asked for. */
  download(part: ReleasePart): Promise<string>;
  /** What was staged goes from the disk. */
  lose(part: ReleasePart): Promise<void>;
}

const { signal } = new AbortController();
const FAILED: Reason = { code: "self-test", sentence: "update: its self-test failed" };

/** What every UpdateBackend promises (ota/update/backend.ts, docs/updates.md). Each call is by a process of its own. */
export const updateBackendContract = (title: string, createMachine: () => Promise<BackendMachine>): void => {
  describe(title, () => {
    let machine: BackendMachine;
    beforeEach(async () => {
      machine = await createMachine();
      await machine.restart();
    });
    afterEach(() => machine[Symbol.asyncDispose]());

    const stage = async (part: ReleasePart): Promise<void> =>
      machine.again().stage(part, await machine.download(part), null, signal);
    const has = (part: ReleasePart): Promise<boolean> => machine.again().has(part.image);
    /** A release on trial, in its first start. */
    const tried = async (name: string): Promise<ImageHash> => {
      const part = await machine.make(name);
      await stage(part);
      await machine.again().activate(part.image, []);
      await machine.restart();
      return part.image;
    };

    it("runs what it was installed with, and has nothing else", async () => {
      const part = await machine.make("one");
      expect(await has(part)).toBe(false);
      expect(await machine.again().status()).toEqual({
        running: { image: null, isTrial: false, tries: 0 },
        lastFailed: null,
        trouble: null,
      });
    });

    it("has what was staged, however often, and starts it no sooner than it is activated", async () => {
      const part = await machine.make("one");
      await stage(part);
      await stage(part);
      expect(await has(part)).toBe(true);
      const after = await machine.restart();
      expect((await after.status()).running).toEqual({ image: null, isTrial: false, tries: 0 });
      expect(await has(part)).toBe(true);
    });

    it("tries what was activated, however often, at the next start, and counts its starts", async () => {
      const part = await machine.make("one");
      await stage(part);
      await machine.again().activate(part.image, []);
      await machine.again().activate(part.image, []);
      expect((await machine.again().status()).running.image).toBeNull();
      for (const tries of [1, 2]) {
        const { running, lastFailed } = await (await machine.restart()).status();
        expect({ running, lastFailed }).toEqual({
          running: { image: part.image, isTrial: true, tries },
          lastFailed: null,
        });
        expect((await machine.again().status()).running).toEqual(running);
      }
    });

    it("keeps what is good in force over every further start", async () => {
      const image = await tried("one");
      await machine.again().markGood(image);
      await machine.again().markGood(image);
      for (let n = 0; n < 5; n += 1) {
        const status = await (await machine.restart()).status();
        expect(status).toEqual({ running: { image, isTrial: false, tries: 0 }, lastFailed: null, trouble: null });
      }
    });

    it("starts the one before after a rollback, however often it is asked, and says what failed", async () => {
      const image = await tried("one");
      await machine.again().rollback(image, FAILED);
      await machine.again().rollback(image, FAILED);
      for (let n = 0; n < 2; n += 1) {
        const { running, lastFailed } = await (await machine.restart()).status();
        expect(running).toEqual({ image: null, isTrial: false, tries: 0 });
        expect(lastFailed).toMatchObject({ image, why: { code: FAILED.code } });
        // The cut came before the caller knew that it was done.
        await machine.again().rollback(image, FAILED);
      }
    });

    it("does not start what was taken back between its activation and the next start", async () => {
      const part = await machine.make("one");
      await stage(part);
      await machine.again().activate(part.image, []);
      await machine.again().rollback(part.image, FAILED);
      expect((await (await machine.restart()).status()).running.image).toBeNull();
    });

    it("goes back to the release in force before, not further, and can try another one then", async () => {
      const one = await tried("one");
      await machine.again().markGood(one);
      const two = await tried("two");
      expect((await machine.again().status()).running).toMatchObject({ image: two, isTrial: true });
      await machine.again().rollback(two, FAILED);
      const back = await machine.restart();
      expect((await back.status()).running).toEqual({ image: one, isTrial: false, tries: 0 });
      const three = await tried("three");
      expect((await machine.again().status()).running).toMatchObject({ image: three, isTrial: true, tries: 1 });
      await machine.again().markGood(three);
      expect((await (await machine.restart()).status()).running).toMatchObject({ image: three, isTrial: false });
    });

    it("gives up what never proves itself without the hub, after three starts", async () => {
      const image = await tried("one");
      for (const tries of [1, 2, 3]) {
        expect((await machine.again().status()).running).toEqual({ image, isTrial: true, tries });
        await machine.restart();
      }
      const { running, lastFailed } = await machine.again().status();
      expect(running.image).toBeNull();
      expect(lastFailed).toMatchObject({ image, why: { code: "tries" } });
    });

    it("refuses octets other than those that are signed, and has nothing of them", async () => {
      const [one, other] = [await machine.make("one"), await machine.make("other")];
      const file = await machine.download(other);
      const staging = machine.again().stage(one, file, null, signal);
      await expect(staging).rejects.toMatchObject({ code: "update-untrusted" });
      expect([await has(one), await has(other)]).toEqual([false, false]);
      expect((await (await machine.restart()).status()).running.image).toBeNull();
      await stage(one);
      expect(await has(one)).toBe(true);
    });

    it("has nothing of what was aborted, and takes it up again", async () => {
      const part = await machine.make("one");
      const file = await machine.download(part);
      const staging = machine.again().stage(part, file, null, AbortSignal.abort(new Error("not wanted")));
      await expect(staging).rejects.toThrow("not wanted");
      expect(await has(part)).toBe(false);
      await stage(part);
      expect(await has(part)).toBe(true);
    });

    it("does not wait for ever for what is lost before it is activated: the next start says so", async () => {
      const part = await machine.make("one");
      await stage(part);
      await machine.lose(part);
      expect(await has(part)).toBe(false);
      await machine.again().activate(part.image, []);
      const { running, lastFailed } = await (await machine.restart()).status();
      expect(running.image).toBeNull();
      expect(lastFailed).toMatchObject({ image: part.image, why: { code: "missing" } });
    });

    it("gives back no room of what runs, and none of what is kept", async () => {
      const one = await tried("one");
      await machine.again().markGood(one);
      const two = await machine.make("two");
      await stage(two);
      await machine.again().prune([two.image]);
      await machine.again().prune([two.image]);
      expect([await machine.again().has(one), await has(two)]).toEqual([true, true]);
      await machine.again().activate(two.image, []);
      await machine.restart();
      // What is fallen back to.
      await machine.again().prune([]);
      await machine.again().rollback(two.image, FAILED);
      expect((await (await machine.restart()).status()).running).toMatchObject({ image: one, isTrial: false });
    });
  });
};
