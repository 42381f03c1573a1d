import { appendFile, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDiskFiles } from "../../../ota/files/disk-files.ts";
import { mountedForm } from "../../../ota/images/release-images.ts";
import { createSlots } from "../../../ota/slots/slots.ts";
import { packImage } from "../../../region/release/pack.ts";
import { requirement, titled } from "../../support/requirements.ts";
import { mountable, unmountBelow } from "../mountable.ts";
import { bulky, createFaultBench, type FaultBench } from "./fault-bench.ts";

const tools = requirement("mksquashfs");
const mount = mountable();

describe.skipIf(!tools.available)(titled("F49: an image that is not what it should be", tools), () => {
  let bench: FaultBench;
  beforeEach(async () => {
    bench = await createFaultBench();
  });
  afterEach(() => bench[Symbol.asyncDispose]());

  const slots = () => createSlots(createDiskFiles(), bench.hub.home).read();

  /** A sector of the image that stands in a slot goes bad. */
  const rot = async (slot: "current" | "previous"): Promise<void> => {
    const image = (await slots())[slot];
    await appendFile(join(bench.hub.home, "images", `${image}.dir`, "hemhub"), "#");
  };

  it("zip bomb: unpacking stops at the length that is signed", async () => {
    const wanted = await bench.region.release("bomb", 1, {
      repack: (packed) => writeFile(packed, zstdCompressSync(Buffer.alloc(64_000_000))),
    });
    const memory = await bench.ends(wanted, "failed-retryable");
    const why = {
      code: "update-untrusted",
      sentence: expect.stringMatching(/more than the \d+ bytes that are signed/),
    };
    expect(memory.outcomes[0]?.why).toMatchObject(why);
    expect(await readdir(join(bench.hub.home, "images"))).toEqual([]);
    await bench.runs("base", "base");
    await bench.recovers();
  });

  it("zip bomb: an image that says it is larger than a hub may hold is not even fetched", async () => {
    const wanted = await bench.region.release("bomb", 1, { terms: { imageLength: 2 ** 40 } });
    const { outcomes } = await bench.ends(wanted, "rejected");
    expect(outcomes[0]?.why).toMatchObject({ code: "update-unfit" });
    expect(bench.server.asked.filter(({ url }) => url.startsWith("/targets/"))).toEqual([]);
    await bench.recovers();
  });

  it("quarantined again: an image that was taken back is refused under every name, and another one is not", async () => {
    const { region, hub } = bench;
    const wanted = await region.release("broken", 1);
    hub.circumstances.proof = (name) =>
      name === "broken" ? { code: "self-test", sentence: "update: it failed" } : null;
    await bench.ends(wanted, "rolled-back");
    const asked = bench.server.asked.length;
    for (const again of [
      { ...wanted, campaign: "once more" },
      { ...wanted, campaign: "by hand", urgency: "critical" as const },
    ]) {
      const memory = await bench.ends(again, "rejected");
      const why = { code: "quarantined", sentence: expect.stringMatching(/\(self-test\).*is not tried again/) };
      expect(memory.outcomes[0]?.why).toMatchObject(why);
    }
    const later = bench.server.asked.slice(asked);
    expect(later.filter(({ url }) => url.startsWith("/targets/"))).toEqual([]);
    await bench.runs("base", "base");
    await bench.recovers();
  });

  it("bit rot: the release before runs, says why, and the region sends the rotten one again", async () => {
    const { region, hub } = bench;
    await bench.ends(await region.release("one", 1), "installed");
    const wanted = await region.release("two", 2);
    await bench.ends(wanted, "installed");
    await rot("current");
    const run = await hub.start();
    expect(run.started).toMatchObject({ name: "one", slot: "previous", reason: "rot" });
    await run.rests();
    expect(run.updates.backend()?.trouble).toMatchObject({
      code: "rot",
      sentence: expect.stringMatching(/disk has lost/),
    });
    await run.end();
    await bench.ends({ ...wanted, campaign: "two, whole" }, "installed");
    await bench.runs("two", "current");
    await bench.recovers();
  });

  it("both bad: what the hub was installed with runs, says why, and takes the next release", async () => {
    const { region, hub } = bench;
    await bench.ends(await region.release("one", 1), "installed");
    await bench.ends(await region.release("two", 2), "installed");
    await rot("current");
    await rot("previous");
    const run = await hub.start();
    expect(run.started).toMatchObject({ name: "base", slot: "rescue", reason: "rot" });
    await run.rests();
    const sentence = expect.stringMatching(/installed with runs instead/);
    expect(run.updates.backend()?.trouble).toMatchObject({ code: "rot", sentence });
    await run.end();
    await bench.recovers();
  });
});

describe.skipIf(!mount.available)(titled("F49: a difference between two images", mount), () => {
  let bench: FaultBench;
  beforeEach(async () => {
    bench = await createFaultBench({ form: mountedForm(createDiskFiles()) });
  });
  afterEach(async () => {
    await unmountBelow(join(bench.hub.home, "..", "run"));
    await bench[Symbol.asyncDispose]();
  });

  /** Release two as the difference to `base`, which is signed as the one to what runs; paths that were fetched for it. */
  const updateBy = async (base: "what runs" | "something else"): Promise<readonly string[]> => {
    const { region, hub, server } = bench;
    await bench.ends(await region.release("one", 1, { script: bulky("one") }), "installed");
    const { current } = await createSlots(createDiskFiles(), hub.home).read();
    const running = join(hub.home, "images", `${current}.sqfs`);
    const other = join(hub.home, "..", "other");
    await writeFile(
      other,
      (await readFile(running)).map((octet) => octet ^ 0xff),
    );
    const patch = join(hub.home, "..", "patch");
    const patches = [{ from: current, target: "patches/two" }];
    const wanted = await region.release("two", 2, {
      script: bulky("two"),
      terms: { patches },
      // The image lies beside what it is packed into.
      repack: async (packed) => {
        await packImage(packed.replace(/zst$/, "sqfs"), patch, base === "what runs" ? running : other);
        await region.repository.add([{ path: "patches/two", file: patch, custom: {} }]);
      },
    });
    expect((await stat(patch)).size).toBeGreaterThan(0);
    server.asked.length = 0;
    await bench.ends(wanted, "installed");
    await bench.runs("two", "current");
    return server.asked.flatMap(({ url }) => /^\/targets\/(\w+)\//.exec(url)?.[1] ?? []);
  };

  it("right patch base: only the difference is fetched", async () => {
    expect(await updateBy("what runs")).toEqual(["patches"]);
    await bench.recovers();
  });

  it("wrong patch base: what comes out is not what was signed, and the whole image is fetched", async () => {
    expect(await updateBy("something else")).toEqual(["patches", "releases"]);
    await bench.recovers();
  });
});
