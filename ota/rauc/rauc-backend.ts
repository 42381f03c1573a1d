import { createHash } from "node:crypto";
import path from "node:path";
import { HubError, messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { UpdateFiles } from "../files/update-files.ts";
import type { ImageHash } from "../slots/slots.ts";
import type { UpdateBackend } from "../update/backend.ts";
import type { Reason, ReleasePart } from "../update/update-state.ts";
import type { OpenRaucBus } from "./rauc-bus.ts";
import { createRecordFile, slotOfImage, withBundle, withoutBundle } from "./rauc-record.ts";
import { createRaucService, type InstallProgress } from "./rauc-service.ts";
import { groupOf, pairOf, type RaucSlot } from "./rauc-slots.ts";
import { type Begun, begin, troubleOf } from "./rauc-start.ts";
import { contentOf, isOvertaken, isStillThere } from "./slot-content.ts";

export interface RaucBackendOptions {
  readonly files: UpdateFiles;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The hub's own, on a partition that the systems in both slots use. */
  readonly folder: string;
  /** Of this run of the machine, such as /proc/sys/kernel/random/boot_id has. */
  readonly bootId: string;
  readonly openBus: OpenRaucBus;
  readonly onProgress: (progress: InstallProgress) => void;
}

const NEVER = new AbortController().signal;

const unlikeSigned = ({ whole }: ReleasePart, found: string): HubError =>
  new HubError(
    "update-untrusted",
    `update: the bundle ${whole.path} ${found}; nothing of it was kept, it is downloaded again`,
  );

/** Why what was to be activated is given up instead. */
const GONE: Reason = {
  code: "missing",
  sentence:
    "update: it does not lie in a slot any more: something else was installed there, or the disk has lost some of it",
};

/**
 * Releases of the whole operating system, as bundles that RAUC installs to the slot that does not run (docs/updates.md).
 * RAUC knows the images in its slots; which bundle they are of, and whether its trial is over, stands in `rauc.json`.
 * To be called by one caller, one method after the other.
 */
export const createRaucBackend = (options: RaucBackendOptions): UpdateBackend => {
  const { files, clock, logger, folder, bootId, openBus, onProgress } = options;
  const service = createRaucService(openBus, clock);
  const memory = createRecordFile(files, path.join(folder, "rauc.json"));
  let begun: Begun | null = null;

  const look = async (): Promise<readonly RaucSlot[]> => service.slots(NEVER);

  const has = async (image: ImageHash): Promise<boolean> => {
    const { record } = await memory.load();
    const name = slotOfImage(record, image);
    const bundle = name === null ? undefined : record.bundles[name];
    if (bundle === undefined) return false;
    const slots = await look();
    if (isOvertaken(bundle, slots)) return false;
    // What runs may write to its slot: it proves by running that it is there.
    return pairOf(slots).booted.name === name || isStillThere(files, bundle, slots);
  };

  /** RAUC takes a bundle away from the hub's user before it reads it: what cannot be read any more is downloaded anew. */
  const dropUnreadable = async (file: string): Promise<void> => {
    try {
      for await (const _ of files.stream(file)) break;
    } catch {
      await files.remove(file);
    }
  };

  const checkBundle = async (part: ReleasePart, file: string, signal: AbortSignal): Promise<void> => {
    const hash = createHash("sha256");
    let length = 0;
    try {
      for await (const chunk of files.stream(file)) {
        signal.throwIfAborted();
        hash.update(chunk);
        length += chunk.length;
      }
    } catch (thrown) {
      signal.throwIfAborted();
      await files.remove(file);
      throw unlikeSigned(part, `cannot be read (${messageOf(thrown)})`);
    }
    if (length === part.imageLength && hash.digest("hex") === part.image) return;
    await files.remove(file);
    throw unlikeSigned(part, `is not the ${part.imageLength} bytes that are signed`);
  };

  /** RAUC switches by itself unless it is told not to; when the hub restarts, care decides. */
  const keepPrimary = async (booted: RaucSlot, other: RaucSlot): Promise<void> => {
    if ((await service.primary(NEVER)) !== other.name) return;
    logger.warn("rauc has activated what it installed; set activate-installed=false in its system.conf");
    await service.mark("active", booted.name, NEVER);
  };

  const install = async (part: ReleasePart, file: string, signal: AbortSignal): Promise<void> => {
    const { booted, other } = pairOf(await service.slots(signal));
    await memory.save(withoutBundle((await memory.load()).record, other.name, booted.name));
    logger.info("rauc installs", { part: other.name, bytes: part.imageLength });
    await service.install(file, onProgress, signal);
    await keepPrimary(booted, other);
    const slots = await look();
    const written = slots.find(({ name }) => name === other.name)?.written ?? null;
    if (written === null || written.count === (other.written?.count ?? 0)) {
      throw new HubError(
        "update-unfit",
        `update: RAUC says that it installed the bundle, and its account of slot ${other.name} has not changed; set statusfile= and install-same=true in its system.conf`,
      );
    }
    const content = await contentOf(files, groupOf(slots, other.name));
    const { record } = await memory.load();
    await memory.save(withBundle(record, other.name, { image: part.image, isGood: false, content }));
    logger.info("rauc has installed", { part: other.name });
  };

  const stage: UpdateBackend["stage"] = async (part, file, from, signal) => {
    if (from !== null) {
      throw new HubError(
        "update-unfit",
        "update: a bundle is installed whole, never as a difference; it is taken whole",
      );
    }
    if (!(await has(part.image))) {
      await files.makeDirectory(folder);
      await checkBundle(part, file, signal);
      try {
        await install(part, file, signal);
      } catch (thrown) {
        await dropUnreadable(file);
        signal.throwIfAborted();
        logger.warn("rauc has not installed", { reason: messageOf(thrown) });
        throw thrown;
      }
    }
    await files.remove(file);
  };

  const activate: UpdateBackend["activate"] = async (image, needs) => {
    if (needs.length > 0) {
      throw new HubError(
        "update-unfit",
        "update: a bundle brings all that it needs; ask the region for one without `runtime`",
      );
    }
    const { record } = await memory.load();
    const slot = slotOfImage(record, image);
    if (slot === null || !(await has(image))) {
      // As a launcher would find at the next start; to reject would only be tried again for ever.
      await files.makeDirectory(folder);
      await memory.save({ ...record, lastFailed: { image, why: GONE } });
      return;
    }
    if (pairOf(await look()).booted.name === slot) return;
    const lastFailed = record.lastFailed?.image === image ? null : record.lastFailed;
    const trial = { image, slot, since: bootId, starts: 0, last: null };
    // The switch first: a cut between the two is a trial that nobody counted yet, never one that is counted and was not made.
    await service.mark("active", slot, NEVER);
    await memory.save({ ...record, lastFailed, trial });
  };

  const markGood: UpdateBackend["markGood"] = async (image) => {
    const { record } = await memory.load();
    const slot = slotOfImage(record, image);
    const bundle = slot === null ? undefined : record.bundles[slot];
    if (slot === null || bundle === undefined) {
      throw new HubError(
        "update-unfit",
        "update: what is to be in force was not installed by this hub; look at `rauc status`",
      );
    }
    await service.mark("good", slot, NEVER);
    await memory.save({ ...withBundle(record, slot, { ...bundle, isGood: true }), trial: null, inForce: slot });
  };

  const rollback: UpdateBackend["rollback"] = async (image, why) => {
    const { record } = await memory.load();
    const failed = { ...record, lastFailed: { image, why } };
    await files.makeDirectory(folder);
    await memory.save(failed);
    const slot = slotOfImage(record, image);
    if (slot === null) return;
    const { booted, other } = pairOf(await look());
    const back = booted.name === slot ? other.name : booted.name;
    // What runs is marked good at each start, what does not has been in force before: it is started as often as it takes.
    await service.mark("active", back, NEVER);
    await service.mark("bad", slot, NEVER);
    const trial = record.trial?.slot === slot ? null : record.trial;
    await memory.save({ ...failed, trial, inForce: record.inForce === slot ? back : record.inForce });
  };

  const status: UpdateBackend["status"] = async () => {
    const slots = await look();
    begun ??= await begin({ slots, bootId, memory, mark: (state, slot) => service.mark(state, slot, NEVER) });
    const { booted } = pairOf(slots);
    const { record } = await memory.load();
    const bundle = record.bundles[booted.name];
    const isOurs = bundle !== undefined && !isOvertaken(bundle, slots);
    const isTrial = isOurs && !bundle.isGood;
    return {
      running: {
        image: isOurs ? bundle.image : null,
        isTrial,
        tries: isTrial && record.trial?.slot === booted.name ? record.trial.starts : 0,
      },
      lastFailed: record.lastFailed,
      trouble: troubleOf(begun, record, booted.name, isTrial),
    };
  };

  return {
    name: "rauc",
    capabilities: { artefact: "rauc-bundle", takesPatches: false, restartsMachine: true },
    downloads: path.join(folder, "downloads"),
    has,
    stage,
    activate,
    markGood,
    rollback,
    /** A slot keeps its room, whatever lies in it. */
    prune: async () => undefined,
    status,
  };
};
