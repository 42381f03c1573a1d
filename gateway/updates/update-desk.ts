import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BackendStatus } from "../../ota/update/backend.ts";
import type { Updates } from "../../ota/update/update-loop.ts";
import type { Reason, UpdateMemory, WantedRelease } from "../../ota/update/update-state.ts";
import { HubError, messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Millis } from "../../protocol/time.ts";
import type { DesiredPart } from "../commands/desk.ts";
import { underWay } from "./reported-release.ts";
import type { RunningRelease } from "./running-release.ts";
import { parseWantedRelease } from "./wanted-release.ts";

/** What the person at the hub sees of its updates. */
export interface UpdateView {
  readonly memory: UpdateMemory;
  readonly running: BackendStatus["running"];
  readonly slot: string;
  readonly counter: number;
  readonly version: string;
  /** Something that a person should know about the start; null where all is well. */
  readonly trouble: Reason | null;
  /** Why the hawkBit that drives this hub does not answer as it should; null where it does, or there is none. */
  readonly hawkbitTrouble: string | null;
}

/** Where wishes come in, the region's and those of a person at the hub. */
export interface UpdateDesk {
  readonly part: DesiredPart;
  /** What the region wants, from whichever side it says so. A person's own wish is carried out first. Durable. */
  hear(wanted: WantedRelease | null): Promise<void>;
  /** Throws HubError `update-unreachable` before the first look at the disk. */
  view(): UpdateView;
  /** False where nothing is wanted. */
  check(): Promise<boolean>;
  /** What is wanted already, or what `wanted.json` in the folder of a stick names. Throws HubError `invalid-argument`. */
  install(folder: string | null): Promise<void>;
  /** The target that was taken back. Throws HubError `invalid-argument` where nothing is under way. */
  takeBack(): Promise<string>;
  /** Resolves when the memory is not this one any more, after `within` at the latest. */
  changed(from: UpdateMemory, within: Millis, signal: AbortSignal): Promise<void>;
  /** Each new memory. */
  tell(memory: UpdateMemory): void;
}

export interface UpdateDeskOptions {
  readonly updates: Updates;
  readonly slot: () => string;
  readonly release: RunningRelease;
  readonly version: string;
  /** Says what is wanted in place of the desired state; null: there is none. */
  readonly hawkbit: { readonly trouble: () => string | null } | null;
  readonly clock: Clock;
}

/** The choice that a stick brings: it is not signed, and what it names is. */
const CHOICE = "wanted.json";
const NO_WISH = { tag: "wanted", wanted: null } as const;
const BY_HAND: Reason = { code: "by-hand", sentence: "update: a person at the hub took it back" };

const readChoice = async (folder: string): Promise<WantedRelease> => {
  const file = join(folder, CHOICE);
  const bad = (found: string): HubError =>
    new HubError(
      "invalid-argument",
      `update install: ${file}: ${found}; take the stick's content from the region again`,
    );
  let content: unknown;
  try {
    content = JSON.parse(await readFile(file, "utf8"));
  } catch (thrown) {
    throw bad(messageOf(thrown));
  }
  const wish = parseWantedRelease(content, folder);
  if (wish.tag === "wrong") throw bad(wish.reason);
  // Whoever carries a stick here has chosen this hub.
  return { ...wish.wanted, notBefore: null, bucketMax: 10_000 };
};

export const createUpdateDesk = (options: UpdateDeskOptions): UpdateDesk => {
  const { updates, slot, release, version, hawkbit, clock } = options;
  let waiters: PromiseWithResolvers<void> = Promise.withResolvers();
  /** What the region wants; heard while a person's own wish is carried out. */
  let later: { readonly wanted: WantedRelease | null } | null = null;

  const isByHand = (memory: UpdateMemory): boolean =>
    ((underWay(memory.state) ?? memory.wanted)?.folder ?? null) !== null;

  const hear = async (wanted: WantedRelease | null): Promise<void> => {
    await updates.loaded;
    if (isByHand(updates.memory())) later = { wanted };
    else await updates.want(wanted);
  };

  const part: DesiredPart = async (content) => {
    const isNothing = content === undefined || content === null;
    if (hawkbit !== null) return isNothing ? null : "a hawkBit drives the releases of this hub (updates.hawkbit)";
    const wish = isNothing ? NO_WISH : parseWantedRelease(content, null);
    if (wish.tag === "wrong") return wish.reason;
    try {
      await hear(wish.wanted);
      return null;
    } catch (thrown) {
      // A disk that is full or fails: the message is retained, and comes again with the next connection.
      return `not remembered (${messageOf(thrown)})`;
    }
  };

  const current = (): WantedRelease | null => {
    const { state, wanted } = updates.memory();
    return underWay(state) ?? wanted;
  };

  return {
    part,
    hear,
    view: () => {
      const backend = updates.backend();
      if (backend === null) {
        throw new HubError("update-unreachable", "update: not looked at the disk yet; try again in a moment");
      }
      const { running, trouble } = backend;
      const hawkbitTrouble = hawkbit?.trouble() ?? null;
      return {
        memory: updates.memory(),
        running,
        slot: slot(),
        counter: release.counter,
        version,
        trouble,
        hawkbitTrouble,
      };
    },
    check: async () => {
      await updates.loaded;
      if (current() === null) return false;
      await updates.look();
      return true;
    },
    install: async (folder) => {
      await updates.loaded;
      if (folder !== null) await updates.want(await readChoice(folder));
      if (current() === null) {
        const sentence =
          folder === null
            ? "update install: nothing is wanted here; give the folder of a stick, or have the region name a release"
            : "update install: this release was answered here before; update history says how";
        throw new HubError("invalid-argument", sentence);
      }
      updates.goAhead();
      await updates.look();
    },
    takeBack: async () => {
      await updates.loaded;
      const wanted = current();
      if (wanted === null) {
        const sentence =
          "update rollback: no update is under way, and what is in force stays; to go back, the region signs the former release again with a higher counter";
        throw new HubError("invalid-argument", sentence);
      }
      await updates.cancel(BY_HAND);
      return wanted.target;
    },
    changed: async (from, within, signal) => {
      if (updates.memory() !== from) return;
      const over = new AbortController();
      const late = clock.sleep(within, AbortSignal.any([signal, over.signal])).catch(() => undefined);
      await Promise.race([waiters.promise, late]);
      over.abort();
    },
    tell: (memory) => {
      waiters.resolve();
      waiters = Promise.withResolvers();
      if (later !== null && !isByHand(memory)) {
        const { wanted } = later;
        later = null;
        // Its failure leaves the wish as it was; the region's message comes again with the next connection.
        updates.want(wanted).catch(() => undefined);
      }
    },
  };
};
