import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { unlimitedBudget } from "../../ota/download/byte-budget.ts";
import { createFolderSource } from "../../ota/download/folder-source.ts";
import type { RepositorySource } from "../../ota/download/source.ts";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import type { UpdateFiles } from "../../ota/files/update-files.ts";
import { createReleaseImages, type ImageForm } from "../../ota/images/release-images.ts";
import { unpackedForm } from "../../ota/images/unpacked-form.ts";
import { initialiseTrust, openMetadataStore } from "../../ota/trust/metadata-store.ts";
import { createReleaseCounter } from "../../ota/trust/release-counter.ts";
import { openTrustedUpdate } from "../../ota/trust/trusted-update.ts";
import type { UpdateBackend } from "../../ota/update/backend.ts";
import { createMemoryFile } from "../../ota/update/memory-file.ts";
import { createUpdates, type Updates } from "../../ota/update/update-loop.ts";
import type { Outcome, Reason, ReasonCode, UpdateMemory, WantedRelease } from "../../ota/update/update-state.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { epochMs, minutes, seconds } from "../../protocol/time.ts";
import { packImage } from "../../region/release/pack.ts";
import { openReleaseRepository, type ReleaseRepository } from "../../region/release/repository.ts";
import { openSigner, type Signer } from "../../region/release/signer.ts";
import { makeSquashfs } from "../../region/release/squashfs.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { until } from "../support/until.ts";
import { NOW } from "./hub.ts";
import { launch, type Started, writeRelease } from "./launcher.ts";

const WAITING: ReadonlySet<string> = new Set(["idle", "offered", "paused", "waiting-window"]);

export interface ReleaseSettings {
  /** The program of the release, where it does not say its name and end. */
  readonly script?: string;
  /** Signed fields in place of the usual ones. */
  readonly terms?: Readonly<Record<string, unknown>>;
  /** Changes what is published after it was packed. */
  readonly repack?: (packed: string) => Promise<void>;
}

/** A region with one key for root and what is online, and its repository in a folder. */
export interface TestRegion extends AsyncDisposable {
  readonly folder: string;
  readonly repository: ReleaseRepository;
  /** Of targets; the first is that of every other role as well. */
  readonly signers: readonly Signer[];
  /** Sign and publish what is listed. */
  publish(): Promise<void>;
  /** Publish a release that says its name when it is started. */
  release(name: string, counter: number, settings?: ReleaseSettings): Promise<WantedRelease>;
}

export interface RegionSettings {
  /** Keys that targets take, all of them. */
  readonly signatures?: number;
  readonly now?: () => number;
}

export const createTestRegion = async ({
  signatures = 1,
  now = () => NOW,
}: RegionSettings = {}): Promise<TestRegion> => {
  const place = await mkdtemp(join(tmpdir(), "hemhub-region-"));
  const folder = join(place, "repository");
  const signers: Signer[] = [];
  for (let n = 0; n < signatures; n += 1) {
    const key = join(place, `key-${n}.pem`);
    await writeFile(key, generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }));
    signers.push(openSigner(key));
  }
  const online = signers[0] as Signer;
  const repository = openReleaseRepository(folder, () => new Date(now()));
  const role = { keys: [online.key], threshold: 1 };
  const targets = { keys: signers.map(({ key }) => key), threshold: signatures };
  await repository.initialise({ root: role, targets, online: role });

  const publish = async (): Promise<void> => {
    for (const draft of await repository.drafts()) {
      for (const signer of draft.role === "root" ? [online] : signers) await repository.sign(draft.role, signer);
    }
    await repository.publish(online);
  };
  await publish();

  return {
    folder,
    repository,
    signers,
    publish,
    release: async (name, counter, { script, terms: others = {}, repack } = {}) => {
      const files = join(place, name);
      await writeRelease(files, name, script);
      const image = await makeSquashfs(files, join(place, `${name}.sqfs`));
      const packed = join(place, `${name}.zst`);
      await packImage(image.file, packed, null);
      await repack?.(packed);
      const target = `releases/${name}.sqfs.zst`;
      const terms = { hardware: ["generic"], arch: process.arch, counter, minFrom: 0 };
      const custom = { ...terms, artefact: "release-image", image: image.hash, imageLength: image.length, ...others };
      await repository.add([{ path: target, file: packed, custom }]);
      await publish();
      const campaign = `to-${name}`;
      const always = { notBefore: null, window: null, bucketMax: 10_000, urgency: "routine", folder: null } as const;
      return { campaign, target, counter, ...always };
    },
    [Symbol.asyncDispose]: () => rm(place, { recursive: true, force: true }),
  };
};

/** One run of a hub that updates: from a start by the real launcher to its end. */
export interface UpdateRun {
  readonly started: Started;
  readonly updates: Updates;
  /** Until its memory is so. Lets the clock go on where the update waits. */
  comesTo(is: (memory: UpdateMemory) => boolean, what: string): Promise<UpdateMemory>;
  reached(state: UpdateMemory["state"]["tag"]): Promise<UpdateMemory>;
  /** As `reached`, until the newest outcome is this. */
  ended(result: Outcome["result"]): Promise<UpdateMemory>;
  /** Until it waits for this reason; time stands still. */
  waitsFor(code: ReasonCode): Promise<void>;
  /** Until nothing is wanted and nothing is under way. */
  rests(): Promise<UpdateMemory>;
  restarted(): Promise<string>;
  end(): Promise<void>;
}

/** What the hub around the updates would say; changed by tests as they go. */
export interface Circumstances {
  care: Reason | null;
  /** What becomes of the trial of a release, by the name that it says. */
  proof: (name: string) => Reason | null | "hangs";
  isTimeKnown: boolean;
  /** Told each new memory, as the hub is that reports it. */
  heard: (memory: UpdateMemory, updates: Updates) => void;
}

export interface UpdateBench extends AsyncDisposable {
  readonly home: string;
  readonly clock: SimulatedClock;
  readonly circumstances: Circumstances;
  /** Start as a supervisor would. */
  start(): Promise<UpdateRun>;
}

/** Releases whose names begin so do not prove themselves. */
export const isSound = (name: string): Reason | null =>
  name.startsWith("broken") ? { code: "self-test", sentence: "update: its self-test failed" } : null;

export interface UpdateDisk {
  /** Of the hub: releases, metadata and memory lie here, as an earlier bench left them. */
  readonly place: string;
  /** What need not outlive the power. */
  readonly run: string;
  /** The release that the hub was installed with. */
  readonly base: string;
  /** The region's repository. */
  readonly region: string;
  readonly form: (images: string) => ImageForm;
  /** Default: the machine's disk. */
  readonly files?: UpdateFiles;
  /** Default: the region's folder, without a network in between. */
  readonly source?: RepositorySource;
  /** Default: the launcher, over release images in `place`. */
  readonly boot?: () => Promise<Booted>;
}

/** What a start of the machine came to. */
export interface Booted {
  readonly started: Started;
  readonly backend: UpdateBackend;
}

/** Below this a wait is between two attempts at a transfer, and passes at once; what is longer is for the test to advance. */
const LONGEST_PAUSE_OF_TRANSFER = seconds(30);

/** A hub's updates on a disk that is there, with the real launcher. */
export const openUpdateBench = async (disk: UpdateDisk): Promise<UpdateBench> => {
  const { place, run, base, region, form } = disk;
  const [home, metadata] = [join(place, "releases"), join(place, "metadata")];
  const files = disk.files ?? createDiskFiles();
  const clock = createSimulatedClock({ startAt: epochMs(NOW) });
  const hurried: Clock = {
    now: clock.now,
    elapsed: clock.elapsed,
    sleep: async (delay, signal) => {
      if (delay >= LONGEST_PAUSE_OF_TRANSFER) return clock.sleep(delay, signal);
      signal.throwIfAborted();
    },
  };
  const circumstances: Circumstances = { care: null, proof: () => null, isTimeKnown: true, heard: () => undefined };
  const ends: (() => Promise<void>)[] = [];
  const shippedRoot = await readFile(join(region, "metadata", "1.root.json"));
  if ((await files.read(join(metadata, "root.json"))) === null) {
    await createDiskFiles().makeDirectory(home);
    await initialiseTrust(createDiskFiles(), metadata, shippedRoot);
  }

  const bootByLauncher = async (): Promise<Booted> => {
    const result = await launch(home, { base, run });
    if (result.tag === "failed") throw new Error(result.said);
    const { started } = result;
    const launched = { slot: started.slot, release: started.release, tries: started.try, reason: started.reason };
    return { started, backend: createReleaseImages({ files, folder: home, launched, form }) };
  };

  const start = async (): Promise<UpdateRun> => {
    const { started, backend } = await (disk.boot ?? bootByLauncher)();
    const stop = new AbortController();
    const restart = Promise.withResolvers<string>();
    const store = openMetadataStore({ files, directory: metadata, shippedRoot });
    const server = disk.source ?? createFolderSource(region);
    const updates = createUpdates({
      clock: hurried,
      random: () => 0,
      logger: silentLogger,
      files,
      now: () => (circumstances.isTimeKnown ? clock.now() : null),
      hub: { id: "hub-0001", hardware: "generic", arch: process.arch, running: 0 },
      backend,
      memory: createMemoryFile(files, join(place, "update.json")),
      counter: createReleaseCounter(store),
      budget: unlimitedBudget,
      repository: (folder) => {
        const source = folder === null ? server : createFolderSource(folder);
        const look = { store, source, clock: hurried, builtAt: epochMs(0) };
        return { source, look: (signal) => openTrustedUpdate(look, signal) };
      },
      careComesFirst: () => circumstances.care,
      beforeTrial: async () => undefined,
      prove: async (signal) => {
        const proof = circumstances.proof(started.name);
        if (proof !== "hangs") return proof;
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        return null;
      },
      restart: restart.resolve,
      onChange: (memory) => circumstances.heard(memory, updates),
    });
    const running = updates.run(stop.signal);
    const end = async (): Promise<void> => {
      stop.abort();
      await running;
    };
    ends.push(end);

    const comesTo = async (is: (memory: UpdateMemory) => boolean, what: string): Promise<UpdateMemory> => {
      await until(async () => {
        if (stop.signal.aborted) throw new Error(`this run has ended before ${what}`);
        if (updates.backend() === null) return false;
        const memory = updates.memory();
        if (is(memory)) return true;
        // What waits is looked at again by the clock; what works with the disk must not run out of time meanwhile.
        if (WAITING.has(memory.state.tag)) await clock.advance(minutes(1));
        return is(updates.memory());
      }, what);
      return updates.memory();
    };

    return {
      started,
      updates,
      comesTo,
      reached: (state) => comesTo(({ state: { tag } }) => tag === state, `the update is ${state}`),
      rests: () => comesTo(({ state, wanted }) => state.tag === "idle" && wanted === null, "the updates rest"),
      ended: (result) => comesTo(({ outcomes }) => outcomes[0]?.result === result, `an update is ${result}`),
      waitsFor: async (code) => {
        await until(() => {
          const { state } = updates.memory();
          return "why" in state && state.why?.code === code;
        }, `the update waits: ${code}`);
      },
      restarted: () => restart.promise,
      end,
    };
  };

  return {
    home,
    clock,
    circumstances,
    start,
    [Symbol.asyncDispose]: async () => {
      for (const end of ends) await end();
    },
  };
};

/** A hub's updates on a disk of their own. */
export const createUpdateBench = async (
  region: TestRegion,
  settings: Pick<UpdateDisk, "files" | "source"> & { readonly form?: UpdateDisk["form"] } = {},
): Promise<UpdateBench> => {
  const place = await mkdtemp(join(tmpdir(), "hemhub-update-"));
  const base = join(place, "base");
  await writeRelease(base, "base");
  const form = unpackedForm(createDiskFiles());
  const disk = { place, run: join(place, "run"), base, region: region.folder, form };
  const bench = await openUpdateBench({ ...disk, ...settings });
  return {
    ...bench,
    [Symbol.asyncDispose]: async () => {
      await bench[Symbol.asyncDispose]();
      await rm(place, { recursive: true, force: true });
    },
  };
};
