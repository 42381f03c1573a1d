import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { createDiskFiles } from "../../../ota/files/disk-files.ts";
import { createSlots, imageHash } from "../../../ota/slots/slots.ts";
import type { Outcome, UpdateMemory, WantedRelease } from "../../../ota/update/update-state.ts";
import { sayingItsName } from "../launcher.ts";
import {
  createTestRegion,
  createUpdateBench,
  type RegionSettings,
  type TestRegion,
  type UpdateBench,
  type UpdateDisk,
  type UpdateRun,
} from "../update-bench.ts";
import { startWebServer, type WebServer } from "../web-server.ts";

/** Lives that a supervisor gives a hub until an update is over: three tries, the way back, and one more update. */
const MOST_LIVES = 10;

/** Counter of the release that every test ends with. */
const GOOD = 90;

/** A region, its web server, and a hub that updates from there: the whole way, with a fault on it. */
export interface FaultBench extends AsyncDisposable {
  readonly region: TestRegion;
  readonly server: WebServer;
  readonly hub: UpdateBench;
  /** What the server gives out: the region's folder, until a test puts something else here. */
  served: (path: string) => Buffer | undefined;
  /** All that the region has published by now, as `served` takes it. */
  published(): Promise<(path: string) => Buffer | undefined>;
  /** One life of the hub after the other, until this campaign has ended so. Null: wanted already. */
  ends(wanted: WantedRelease | null, result: Outcome["result"]): Promise<UpdateMemory>;
  /** The next start runs this, out of this slot, nothing is on trial, and no half of an image lies about. */
  runs(name: string, slot: string): Promise<void>;
  /** A later release is installed as if nothing had been. */
  recovers(): Promise<UpdateMemory>;
}

/** Octets that zstd cannot shorten: a transfer takes more than one packet. */
const INCOMPRESSIBLE = 96 * 1024;

/** Says its name, and is some 130 kB to download. */
export const bulky = (name: string): string =>
  `${sayingItsName(name)}# ${randomBytes(INCOMPRESSIBLE).toString("base64")}\n`;

const fileOrNone = (file: string): Buffer | undefined => {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
};

/** Names in `images` that belong to nothing whole. */
const halvesIn = async (home: string): Promise<readonly string[]> => {
  const names = await readdir(join(home, "images")).catch(() => [] as string[]);
  const isPaired = (name: string): boolean => {
    const [hash = "", ending] = name.split(".");
    if (imageHash(hash) === null) return false;
    return ending !== "dir" || names.includes(`${hash}.list`);
  };
  return names.filter((name) => !isPaired(name));
};

export const createFaultBench = async (
  settings: RegionSettings & Pick<UpdateDisk, "files"> & { readonly form?: UpdateDisk["form"] } = {},
): Promise<FaultBench> => {
  const { files, form, ...ofRegion } = settings;
  const region = await createTestRegion(ofRegion);
  const fromFolder = (path: string): Buffer | undefined => fileOrNone(join(region.folder, path));
  const server = await startWebServer({ get: (path) => bench.served(path) });
  const hub = await createUpdateBench(region, {
    source: server.source,
    ...(files === undefined ? {} : { files }),
    ...(form === undefined ? {} : { form }),
  });

  const oneLife = async (
    run: UpdateRun,
    isOver: (memory: UpdateMemory) => boolean,
    what: string,
  ): Promise<UpdateMemory | null> => {
    const over = run.comesTo(isOver, what);
    try {
      return await Promise.race([run.restarted().then(() => null), over]);
    } finally {
      await run.end();
      await over.catch(() => undefined);
    }
  };

  const bench: FaultBench = {
    region,
    server,
    hub,
    served: fromFolder,
    published: async () => {
      const entries = await readdir(region.folder, { recursive: true, withFileTypes: true });
      const kept = new Map<string, Buffer>();
      for (const entry of entries.filter((one) => one.isFile())) {
        const file = join(entry.parentPath, entry.name);
        kept.set(file.slice(region.folder.length + 1), await readFile(file));
      }
      return (path) => kept.get(path);
    },
    ends: async (wanted, result) => {
      const what = `${wanted?.campaign ?? "the campaign"} has ended as ${result}`;
      for (let life = 0; life < MOST_LIVES; life += 1) {
        const run = await hub.start();
        if (life === 0 && wanted !== null) await run.updates.want(wanted);
        const isOver = ({ outcomes: [newest], state }: UpdateMemory): boolean =>
          state.tag === "idle" &&
          newest?.result === result &&
          (wanted === null || newest.wanted.campaign === wanted.campaign);
        const memory = await oneLife(run, isOver, what);
        if (memory !== null) return memory;
      }
      throw new Error(`a hub was started ${MOST_LIVES} times before ${what}`);
    },
    runs: async (name, slot) => {
      const run = await hub.start();
      await run.end();
      expect(run.started).toMatchObject({ name, slot });
      expect((await createSlots(createDiskFiles(), hub.home).read()).trial).toBeNull();
      expect(await halvesIn(hub.home)).toEqual([]);
    },
    recovers: async () => {
      const memory = await bench.ends(await region.release("good", GOOD), "installed");
      expect(memory.wanted).toBeNull();
      await bench.runs("good", "current");
      expect(await readdir(join(hub.home, "downloads")).catch(() => [])).toEqual([]);
      return memory;
    },
    [Symbol.asyncDispose]: async () => {
      await hub[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await region[Symbol.asyncDispose]();
    },
  };
  return bench;
};
