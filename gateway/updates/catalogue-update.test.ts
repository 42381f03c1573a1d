import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Catalogue, SHIPPED_CATALOGUE } from "../../drivers/catalogue/catalogue.ts";
import { statusOf } from "../../drivers/catalogue/entry.ts";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { unlimitedBudget } from "../../ota/download/byte-budget.ts";
import { createFolderSource } from "../../ota/download/folder-source.ts";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { createFloorFile } from "../../ota/trust/floor-file.ts";
import { initialiseTrust, openMetadataStore } from "../../ota/trust/metadata-store.ts";
import { createReleaseCounter } from "../../ota/trust/release-counter.ts";
import { openTrustedUpdate } from "../../ota/trust/trusted-update.ts";
import { packCatalogueBundle, parseCatalogueBundle } from "../../protocol/catalogue-bundle.ts";
import { isHubError } from "../../protocol/errors.ts";
import { epochMs, minutes } from "../../protocol/time.ts";
import type { BuiltTarget } from "../../region/release/build.ts";
import { NOW } from "../../tests/ota/hub.ts";
import { createTestRegion, type TestRegion } from "../../tests/ota/update-bench.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import { until } from "../../tests/support/until.ts";
import { catalogueFolder, loadCatalogueInForce, openCataloguePlace } from "./catalogue-place.ts";
import { type CatalogueUpdate, createCatalogueUpdate, type WantedCatalogue } from "./catalogue-update.ts";
import { createLookTurns } from "./look-turns.ts";
import { buildCatalogue, packCatalogueFolder } from "./pack-catalogue.ts";

const files = createDiskFiles();
const WITHDRAWN = 'status: withdrawn\nwithdrawn: { date: "2026-11-01", reason: recalled by its maker }\n';

interface Hub {
  readonly update: CatalogueUpdate;
  readonly clock: SimulatedClock;
  readonly applied: Catalogue[];
  readonly events: string[];
  end(): Promise<void>;
}

describe("the region's catalogue as a signed target", () => {
  let region: TestRegion;
  let place = "";
  beforeEach(async () => {
    region = await createTestRegion();
    place = await mkdtemp(join(tmpdir(), "hemhub-signed-catalogue-"));
    const root = await readFile(join(region.folder, "metadata", "1.root.json"));
    await initialiseTrust(files, join(place, "metadata"), root);
  });
  afterEach(async () => {
    await region[Symbol.asyncDispose]();
    await rm(place, { recursive: true });
  });

  const directory = (): string => catalogueFolder(place);
  const inForce = () => loadCatalogueInForce(files, null, directory());

  /** A hub that starts on what lies there. */
  const start = async (over: { readonly isNamedHere?: boolean } = {}): Promise<Hub> => {
    const clock = createSimulatedClock({ startAt: epochMs(NOW) });
    const store = openMetadataStore({ files, directory: join(place, "metadata"), shippedRoot: null });
    const source = createFolderSource(region.folder);
    const turn = createLookTurns();
    const look = (signal: AbortSignal) =>
      turn(() => openTrustedUpdate({ store, source, clock, builtAt: epochMs(0) }, signal), signal);
    const applied: Catalogue[] = [];
    const events: string[] = [];
    const begunWith = (await inForce()).installed;
    const update = createCatalogueUpdate({
      clock,
      random: () => 0,
      logger: silentLogger,
      report: (code, message) => events.push(`${code}: ${message}`),
      files,
      budget: unlimitedBudget,
      repository: () => ({ source, look }),
      place: openCataloguePlace(files, directory()),
      counter: createReleaseCounter({ ...store, floors: createFloorFile(files, directory()) }),
      inForce: () => begunWith,
      isNamedHere: false,
      apply: async (catalogue) => void applied.push(catalogue),
      onChanged: () => undefined,
      ...over,
    });
    const stop = new AbortController();
    const running = update.run(stop.signal);
    const end = async (): Promise<void> => {
      stop.abort();
      await running;
    };
    return { update, clock, applied, events, end };
  };

  const publish = async (
    counter: number,
    texts: Readonly<Record<string, string>>,
    over: Readonly<Record<string, unknown>> = {},
  ): Promise<WantedCatalogue> => {
    const file = join(place, "bundle.json");
    await writeFile(file, packCatalogueBundle(new Map(Object.entries(texts))));
    const target = `catalogue/${counter}.json`;
    await region.repository.add([{ path: target, file, custom: { artefact: "catalogue", counter, ...over } }]);
    await region.publish();
    return { target, counter };
  };
  const textOf = (id: string): Promise<string> => readFile(join(SHIPPED_CATALOGUE, `${id}.yaml`), "utf8");
  const reaches = (hub: Hub, state: string) =>
    until(() => hub.update.reported().state === state, `the catalogue is ${state}`);
  const isInForce = (hub: Hub, { counter }: WantedCatalogue) =>
    until(() => hub.update.reported().counter === counter && hub.update.reported().state === "idle", "it is in force");

  it("is fetched, verified, durable, and applied without a restart; the next start goes by it", async () => {
    const hub = await start();
    expect(hub.update.reported()).toMatchObject({ state: "idle", target: null, counter: null });
    const cuff = await textOf("and-ua-651ble");
    const wanted = await publish(1, { "and-ua-651ble.yaml": cuff, "and-ek-l.yaml": await textOf("and-ek-l") });
    expect(await hub.update.part(wanted, new AbortController().signal)).toBeNull();
    await isInForce(hub, wanted);
    expect(hub.applied.map(({ entries }) => entries.map(({ id }) => id))).toEqual([["and-ek-l", "and-ua-651ble"]]);
    const next = await publish(2, { "and-ua-651ble.yaml": cuff + WITHDRAWN });
    await hub.update.part(next, new AbortController().signal);
    await isInForce(hub, next);
    const [entry] = hub.applied[1]?.entries ?? [];
    expect(entry === undefined ? null : statusOf(entry)).toBe("withdrawn");
    await hub.end();

    const again = await start();
    expect((await inForce()).catalogue.entries.map(({ id }) => id)).toEqual(["and-ua-651ble"]);
    // The retained message comes again with every connection.
    await again.update.part(next, new AbortController().signal);
    await again.update.part(undefined, new AbortController().signal);
    await again.update.part(next, new AbortController().signal);
    await isInForce(again, next);
    expect(again.applied).toEqual([]);
    expect(await files.list(directory())).toHaveLength(4);
    await again.end();
  });

  it("is packed by the hub's tool, listed by the region's, and taken", async () => {
    const folder = join(place, "own");
    await cp(join(SHIPPED_CATALOGUE, "and-ek-l.yaml"), join(folder, "and-ek-l.yaml"));
    const target = await buildCatalogue(folder, 3, join(place, "built"));
    const { targets } = JSON.parse(await readFile(join(place, "built", "built.json"), "utf8")) as {
      readonly targets: readonly BuiltTarget[];
    };
    await region.repository.add(targets.map((one) => ({ ...one, file: join(place, "built", one.file) })));
    await region.publish();
    const hub = await start();
    await hub.update.part({ target, counter: 3 }, new AbortController().signal);
    await isInForce(hub, { target, counter: 3 });
    expect(hub.applied.map(({ entries }) => entries.map(({ id }) => id))).toEqual([["and-ek-l"]]);
    await hub.end();
  });

  it.each([
    ["is not signed as a catalogue", 2, { artefact: "release-image" }, {}, "update-unfit"],
    ["is signed with another counter", 2, { counter: 3 }, {}, "update-unfit"],
    ["is older than what this hub went by", 0, {}, {}, "update-rolled-back"],
    ["is damaged in one entry", 2, {}, { "broken.yaml": "id: [\n" }, "invalid-config"],
    ["leaves its folder", 2, {}, { "../../broken.yaml": "id: x\n" }, "invalid-config"],
  ] as const)(
    "is refused for good where it %s, and what was in force stays so",
    async (_, counter, custom, others, code) => {
      const hub = await start();
      const good = await publish(1, { "and-ek-l.yaml": await textOf("and-ek-l") });
      await hub.update.part(good, new AbortController().signal);
      await isInForce(hub, good);
      const bad = await publish(counter, { "and-ua-651ble.yaml": await textOf("and-ua-651ble"), ...others }, custom);
      await hub.update.part(bad, new AbortController().signal);
      await reaches(hub, "refused");
      expect(hub.update.reported()).toMatchObject({ target: good.target, counter: 1, code });
      expect(hub.events).toEqual([expect.stringMatching(/^catalogue-fault: catalogue/)]);
      expect((await inForce()).catalogue.entries.map(({ id }) => id)).toEqual(["and-ek-l"]);
      await hub.clock.advance(minutes(600));
      expect(hub.events).toHaveLength(1);
      await hub.end();
    },
  );

  it("is taken when it is there at last, and nothing that is not signed before", async () => {
    const hub = await start();
    const wanted = { target: "catalogue/1.json", counter: 1 };
    await hub.update.part(wanted, new AbortController().signal);
    await reaches(hub, "failed");
    expect(hub.update.reported()).toMatchObject({ code: "update-unknown-target", target: null });
    await publish(1, { "and-ek-l.yaml": await textOf("and-ek-l") });
    await until(async () => {
      // What works with the disk must not run out of simulated time.
      if (hub.update.reported().state === "failed") await hub.clock.advance(minutes(1));
      return hub.update.reported().state === "idle";
    }, "it is tried again");
    expect(hub.applied).toHaveLength(1);
    await hub.end();
  });

  it("is not replaced by an older one where its file was removed: the floor lies apart, in two copies", async () => {
    const older = await publish(1, { "and-ua-651ble.yaml": await textOf("and-ua-651ble") });
    const newer = await publish(2, { "and-ek-l.yaml": await textOf("and-ek-l") });
    const hub = await start();
    await hub.update.part(newer, new AbortController().signal);
    await isInForce(hub, newer);
    await hub.end();
    await rm(join(directory(), "in-force.json"));
    await rm(join(directory(), "version-floors.1"));
    const again = await start();
    await again.update.part(older, new AbortController().signal);
    await reaches(again, "refused");
    expect(again.update.reported()).toMatchObject({
      code: "update-rolled-back",
      reason: expect.stringContaining("counter 1"),
    });
    await again.end();
  });

  it("is fetched again where it was damaged here; until then the shipped one stands in, without what was withdrawn", async () => {
    const cuff = (await textOf("and-ua-651ble")) + WITHDRAWN;
    const wanted = await publish(1, { "and-ua-651ble.yaml": cuff, "and-ek-l.yaml": await textOf("and-ek-l") });
    const hub = await start();
    await hub.update.part(wanted, new AbortController().signal);
    await isInForce(hub, wanted);
    await hub.end();
    const { digest = "" } = (await inForce()).installed ?? {};
    // One digit, as bits rot: it is still an entry.
    const file = join(directory(), digest, "and-ek-l.yaml");
    await writeFile(file, (await readFile(file, "utf8")).replace("2400", "1200"));
    const damaged = await inForce();
    expect(damaged.trouble).toMatch(/the catalogue of this version stands in, because the signed one .* is damaged/);
    expect(damaged.catalogue.entry("tanita-sc-240")).toBeDefined();
    const withdrawn = damaged.catalogue.entry("and-ua-651ble");
    expect(withdrawn === undefined ? null : statusOf(withdrawn)).toBe("withdrawn");
    const again = await start();
    await again.update.part(wanted, new AbortController().signal);
    await isInForce(again, wanted);
    expect(again.applied).toHaveLength(1);
    expect((await inForce()).trouble).toBeNull();
    await again.end();
  });

  it("does not count where the configuration names a folder, and says so", async () => {
    const hub = await start({ isNamedHere: true });
    expect(await hub.update.part({ target: "catalogue/1", counter: 1 }, new AbortController().signal)).toMatch(
      /names a catalogue folder of its own/,
    );
    expect(await hub.update.part(undefined, new AbortController().signal)).toBeNull();
    const folder = join(place, "own");
    await cp(join(SHIPPED_CATALOGUE, "and-ek-l.yaml"), join(folder, "and-ek-l.yaml"));
    const { catalogue, installed } = await loadCatalogueInForce(files, folder, directory());
    expect([catalogue.entries.length, installed]).toEqual([1, null]);
    await hub.end();
  });

  it("is that of this version where the disk does not give the signed one back, and says why", async () => {
    const failing = { ...files, read: () => Promise.reject(new Error("EIO: i/o error, read")) };
    const { catalogue, trouble, installed } = await loadCatalogueInForce(failing, null, directory());
    expect([catalogue.entries.length > 10, installed]).toEqual([true, null]);
    expect(trouble).toContain("EIO");
  });

  it.each([7, "catalogue/1", {}, { target: "", counter: 1 }, { target: "catalogue/1", counter: -1 }])(
    "is not understood as %j",
    async (content) => {
      const hub = await start();
      expect(await hub.update.part(content, new AbortController().signal)).toMatch(
        /not an object|no path|no whole number/,
      );
      await hub.end();
    },
  );
});

describe("the catalogue in one file", () => {
  it("is what its folder holds, and the same again", async () => {
    const bundle = await packCatalogueFolder(SHIPPED_CATALOGUE);
    const texts = parseCatalogueBundle(Buffer.from(bundle));
    expect(texts.get("and-ek-l.yaml")).toBe(await readFile(join(SHIPPED_CATALOGUE, "and-ek-l.yaml"), "utf8"));
    expect(packCatalogueBundle(new Map([...texts].toReversed()))).toBe(bundle);
  });

  it("is refused as a value, whatever it holds, and never names a place outside of its folder", () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.string())), (content) => {
        try {
          const bytes = Buffer.from(JSON.stringify({ schema: "catalogue-bundle/1", files: content }));
          for (const name of parseCatalogueBundle(bytes).keys()) expect(name).toMatch(/^[a-z0-9][^/\\.]*\.yaml$/);
        } catch (thrown) {
          if (!isHubError(thrown, "invalid-config")) throw thrown;
        }
      }),
      { numRuns: 300 },
    );
  });
});
