import { HubError, messageOf } from "../../protocol/errors.ts";
import { type Millis, millis, minutes, seconds } from "../../protocol/time.ts";
import { untilAborted } from "../../protocol/until-aborted.ts";
import { advance, type UpdateEvent } from "./advance.ts";
import type { BackendStatus } from "./backend.ts";
import type { MemoryFile } from "./memory-file.ts";
import type { Reason, UpdateMemory, UpdateState, WantedRelease } from "./update-state.ts";
import { createUpdateSteps, type StepSurroundings } from "./update-steps.ts";

/** How often what is held is looked at again. */
const LOOK_AGAIN = seconds(30);
/** After an attempt that failed: a minute, doubled with each further one, at most six hours, less up to half at random. */
const FIRST_PAUSE = minutes(1);
const LONGEST_PAUSE = minutes(360);

/** What an update needs of the hub that it runs in. */
export interface UpdateSurroundings extends StepSurroundings {
  readonly random: () => number;
  readonly memory: MemoryFile;
  /** Resolves with null when the release on trial has proved itself, with the reason where it has not. */
  readonly prove: (signal: AbortSignal) => Promise<Reason | null>;
  /** End this process (or, where the backend says so, restart the machine): the next start finds what was switched. */
  readonly restart: (why: string) => void;
  /** Each new memory, once it is durable, and the one before; both are the same when the loop begins. */
  readonly onChange: (memory: UpdateMemory, before: UpdateMemory) => void;
}

/** Updates of one hub: one loop that does what the state says, and remembers before it does. */
export interface Updates {
  /** Resolves when `run` has read what is remembered. */
  readonly loaded: Promise<void>;
  /** Throws HubError `update-unreachable` before that. */
  memory(): UpdateMemory;
  backend(): BackendStatus | null;
  /** The region's wish, as often as it is heard. Durable when it resolves. */
  want(wanted: WantedRelease | null): Promise<void>;
  /** Look now, whatever pause is on. */
  look(): Promise<void>;
  /** A person goes before cohort, window and quiet hours; never before a measurement. Until the update is over. */
  goAhead(): void;
  cancel(why: Reason): Promise<void>;
  run(signal: AbortSignal): Promise<void>;
}

const isStopping = (state: UpdateState): boolean => ["activating", "rolling-back"].includes(state.tag);

export const createUpdates = (surroundings: UpdateSurroundings): Updates => {
  const { clock, random, logger, files, now, backend } = surroundings;
  const steps = createUpdateSteps(surroundings);
  let memory: UpdateMemory | null = null;
  let status: BackendStatus | null = null;
  let isByHand = false;
  /** Attempts at the present download that were held up. */
  let pauses = 0;
  const loaded = Promise.withResolvers<void>();
  let applying: Promise<void> = Promise.resolve();
  /** Ends the step that is under way: what it was for has changed. */
  let step = new AbortController();

  const kept = (): UpdateMemory => {
    if (memory === null) throw new HubError("update-unreachable", "updates: not loaded yet; try again in a moment");
    return memory;
  };

  /** Durable before anything is done about it. Where the disk refuses, nothing changes. */
  const applyNow = async (event: UpdateEvent): Promise<void> => {
    const before = kept();
    const after = advance(before, event, now());
    if (after === before) return;
    await surroundings.memory.save(after);
    memory = after;
    if (after.state.tag === "idle" && before.state.tag !== "idle") isByHand = false;
    if (after.state.tag !== before.state.tag) logger.info("update", { from: before.state.tag, to: after.state.tag });
    surroundings.onChange(after, before);
    // Another wish is for later where an update is seen through: its trial is not to begin anew for it.
    if (after.state !== before.state || after.state.tag === "idle") step.abort();
  };

  const apply = (event: UpdateEvent): Promise<void> => {
    const applied = applying.then(() => applyNow(event));
    applying = applied.catch(() => undefined);
    return applied;
  };

  const pauseAfter = (vain: number): Millis =>
    millis(Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(vain, 16)) * (1 - random() / 2));

  /** What the state stands for. Null: wait to be told, or to be ended. */
  const perform = async (signal: AbortSignal): Promise<UpdateEvent | null> => {
    const { state, wanted, vain } = kept();
    switch (state.tag) {
      case "idle":
        if (wanted === null) {
          // What a cancelled or refused release left: the room belongs to readings.
          await files.remove(backend.downloads);
          return null;
        }
        if (vain > 0) await clock.sleep(pauseAfter(vain - 1), signal);
        return { tag: "look" };
      case "checking":
        return steps.check(state.wanted, signal);
      case "offered":
        return steps.mayBegin(state.offer, isByHand);
      case "paused":
        await clock.sleep(pauseAfter(pauses), signal);
        pauses += 1;
        return { tag: "free" };
      case "downloading":
        return steps.download(state.offer, signal);
      case "verifying":
        pauses = 0;
        return steps.stage(state.offer, signal);
      case "staged":
      case "waiting-window": {
        const why = surroundings.careComesFirst(state.offer.wanted, isByHand);
        return why === null ? { tag: "free" } : { tag: "held", why };
      }
      case "activating": {
        const held = await steps.activate(state.offer, isByHand, signal);
        if (held === null) surroundings.restart("a new release is to be tried");
        return held;
      }
      case "trial": {
        const why = await surroundings.prove(signal);
        return why === null ? { tag: "passed" } : { tag: "failed", why };
      }
      case "committing":
        return steps.commit(state.offer);
      case "rolling-back":
        await backend.rollback(state.offer.image, state.why);
        surroundings.restart("a release on trial was taken back");
        return null;
    }
  };

  const isHeldAlready = (event: UpdateEvent): boolean => {
    const { state } = kept();
    return event.tag === "held" && "why" in state && state.why?.code === event.why.code;
  };

  const takeStep = async (signal: AbortSignal): Promise<void> => {
    step = new AbortController();
    const both = AbortSignal.any([signal, step.signal]);
    try {
      const event = await perform(both);
      if (event === null) return await untilAborted(both);
      // What runs was on trial until now.
      if (event.tag === "committed") status = await backend.status();
      if (both.aborted) return;
      if (isHeldAlready(event)) await clock.sleep(LOOK_AGAIN, both);
      else await apply(event);
    } catch (thrown) {
      if (both.aborted) return;
      logger.warn("update step failed, it is tried again", { state: kept().state.tag, reason: messageOf(thrown) });
      await clock.sleep(LOOK_AGAIN, both).catch(() => undefined);
    }
  };

  /** A release that runs on trial and that this memory knows nothing of: nobody would ever judge it. */
  const takeBackStranger = async ({ running }: BackendStatus): Promise<boolean> => {
    const { state } = kept();
    const isOurs = "offer" in state && state.offer.image === running.image;
    if (!running.isTrial || running.image === null || isOurs) return false;
    const sentence = "update: a release runs on trial and the memory of why is lost; it is taken back";
    await backend.rollback(running.image, { code: "unknown", sentence });
    surroundings.restart(sentence);
    return true;
  };

  /** Has it taken note of this start, and is there something to go on with? A full disk now must not end all updates. */
  const isBegun = async (found: BackendStatus, signal: AbortSignal): Promise<boolean> => {
    while (!signal.aborted) {
      try {
        if (await takeBackStranger(found)) return false;
        await apply({ tag: "started", backend: found });
        return true;
      } catch (thrown) {
        logger.warn("update step failed, it is tried again", { state: kept().state.tag, reason: messageOf(thrown) });
        await clock.sleep(LOOK_AGAIN, signal).catch(() => undefined);
      }
    }
    return false;
  };

  return {
    loaded: loaded.promise,
    memory: kept,
    backend: () => status,
    want: async (wanted) => {
      await loaded.promise;
      await apply({ tag: "wanted", wanted });
    },
    look: async () => {
      await loaded.promise;
      await apply({ tag: "look" });
    },
    goAhead: () => {
      isByHand = true;
      if (memory !== null && !isStopping(memory.state) && memory.state.tag !== "trial") step.abort();
    },
    cancel: async (why) => {
      await loaded.promise;
      await apply({ tag: "cancel", why });
    },
    run: async (signal) => {
      const { memory: found, damaged } = await surroundings.memory.load();
      if (damaged) logger.warn("update memory is damaged and begun anew; what runs is known by its slots");
      memory = found;
      status = await backend.status();
      loaded.resolve();
      if (status.trouble !== null) logger.error("update", { reason: status.trouble.sentence });
      if (!(await isBegun(status, signal))) return untilAborted(signal);
      surroundings.onChange(kept(), kept());
      while (!signal.aborted) await takeStep(signal);
    },
  };
};
