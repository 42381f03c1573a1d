import { execFile } from "node:child_process";
import { join } from "node:path";
import type { ReleaseOutcome, ReportedRelease } from "../../protocol/desired.ts";
import { HubError } from "../../protocol/errors.ts";
import type { HubId } from "../../protocol/ids.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { millis } from "../../protocol/time.ts";
import { createDesiredClient } from "../region/desired-client.ts";
import { createNetwork, type Network } from "../region/network.ts";
import { createReleaseServer, type ReleaseServerOptions } from "../region/release-server.ts";
import type { Tell } from "./home-event.ts";
import type { RegionSide } from "./region-side.ts";
import { createReleasePublisher, type PublishedRelease, type ReleaseContent } from "./release-publisher.ts";

/** Between two looks at what the hub reports. */
const LOOK_EVERY = millis(50);

/** States that a hub can be stopped in and that end in no restart. */
const STEADY: ReadonlySet<string> = new Set(["idle", "trial", "committing"]);

export interface UpdateSettings extends Pick<ReleaseServerOptions, "beforePiece"> {
  /** Program and first arguments that publish releases (release-publisher.ts). */
  readonly publisher: readonly string[];
  /** `hemhub-launch`. */
  readonly launcher: string;
  /** Folder of the release that the hub was installed with: an executable `hemhub` in it. */
  readonly base: string;
}

/** A release that was published, and what became of it. */
export interface Campaign {
  readonly content: ReleaseContent;
  readonly counter: number;
  /** Null while it is under way. */
  readonly outcome: ReleaseOutcome | null;
}

/** A region that publishes releases for the home's hub, and hears what became of them. */
export interface Releases extends AsyncDisposable {
  /** Between the hub and the server of releases. */
  readonly network: Network;
  /** Section `updates` of the hub's configuration. */
  readonly section: Readonly<Record<string, string>>;
  /** How the hub is started: by its launcher, in place of the program itself. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Tells the launcher how a start ended, as a supervisor does. Never rejects. */
  noteEnd(code: number | null, signal: string | null): Promise<void>;
  /** State of the update that the region wants, as the hub last reported it; null while it wants none. */
  readonly state: string | null;
  readonly campaigns: readonly Campaign[];
  /** Connects to the region's broker; before it nothing can be published. */
  open(region: RegionSide): Promise<void>;
  /** Publishes the next release: a good one, a broken one, and again. Rejects while one is under way. */
  publishNext(signal: AbortSignal): Promise<void>;
  /** Resolves when no release is under way. */
  whenOver(signal: AbortSignal): Promise<void>;
  /** Wants nothing any more: what has not been switched is given up. */
  withdraw(): Promise<void>;
  /** The hub is not about to end by itself for a release: it does nothing about one, or proves it. */
  readonly settled: boolean;
}

export interface ReleasesOptions {
  readonly clock: Clock;
  readonly hub: HubId;
  /** Of the home. */
  readonly folder: string;
  readonly settings: UpdateSettings;
  readonly tell: Tell;
  /** The region has begun to want a release (true), or its outcome is known. */
  readonly onWanted: (isWanted: boolean) => Promise<void>;
}

export const createReleases = async (options: ReleasesOptions): Promise<Releases> => {
  const { clock, hub, folder, settings, tell, onWanted } = options;
  const { publisher: program, launcher, base, beforePiece } = settings;
  await using stack = new AsyncDisposableStack();
  const repository = join(folder, "repository");
  const releases = join(folder, "releases");
  const env = { HEMHUB_BASE: base, HEMHUB_RUN: join(folder, "run") };
  const publisher = createReleasePublisher(program, repository);
  const closing = new AbortController();
  await publisher.initialise(closing.signal);
  const served = beforePiece === undefined ? {} : { beforePiece };
  const server = stack.use(await createReleaseServer({ folder: repository, ...served }));
  const network = stack.use(await createNetwork(() => server.port));

  const campaigns: { content: ReleaseContent; counter: number; outcome: ReleaseOutcome | null }[] = [];
  const waiters = new Set<() => void>();
  let desire: (release: PublishedRelease | null) => Promise<void> = async () => undefined;
  let looking: Promise<void> = Promise.resolve();
  let reported: ReportedRelease | null = null;
  let told = "";

  const underWay = () => campaigns.findLast(({ outcome }) => outcome === null);

  const over = (): void => {
    for (const waiter of waiters) waiter();
    waiters.clear();
  };

  const hear = async (heard: ReportedRelease): Promise<void> => {
    reported = heard;
    const { state, campaign, counter, reason, running, outcomes } = heard;
    const shown = { state, campaign, counter, reason: reason?.code ?? null };
    const now = { ...shown, running: { slot: running.slot, counter: running.counter } };
    if (JSON.stringify(now) !== told) tell({ event: "release", ...now });
    told = JSON.stringify(now);
    const one = underWay();
    const outcome = outcomes.find(({ counter: of, result }) => of === one?.counter && result !== "failed-retryable");
    if (one === undefined || outcome === undefined) return;
    one.outcome = outcome;
    const { result, code } = outcome;
    await onWanted(false);
    tell({ event: "release-ended", result, counter: one.counter, content: one.content, reason: code });
    over();
  };

  const kept = stack.move();
  const open = async (region: RegionSide): Promise<void> => {
    const { url, files } = region;
    const client = kept.use(await createDesiredClient({ url, ca: files.ca, ...files.region, hub }));
    desire = (release) => client.desire({ release });
    looking = (async () => {
      for (let last: unknown = null; ; ) {
        await clock.sleep(LOOK_EVERY, closing.signal);
        if (client.reported === last) continue;
        last = client.reported;
        if (client.reported?.release != null) await hear(client.reported.release);
      }
    })().catch((thrown) => {
      if (!closing.signal.aborted) throw thrown;
    });
  };

  const publishNext = async (signal: AbortSignal): Promise<void> => {
    if (underWay() !== undefined) {
      throw new HubError("aborted", "release: an update is under way; wait for its outcome before the next");
    }
    const one = { content: campaigns.length % 2 === 0 ? "good" : "broken", counter: campaigns.length + 1 } as const;
    campaigns.push({ ...one, outcome: null });
    tell({ event: "release-published", ...one });
    await onWanted(true);
    try {
      const both = AbortSignal.any([signal, closing.signal]);
      await desire(await publisher.publish(one.content, one.counter, both));
    } catch (thrown) {
      campaigns.pop();
      await onWanted(false);
      over();
      throw thrown;
    }
  };

  return {
    network,
    section: {
      root: join(repository, "metadata", "1.root.json"),
      hardware: "generic",
      url: `http://127.0.0.1:${network.port}/`,
      images: "unpacked",
    },
    command: [launcher, "start", releases],
    env,
    noteEnd: (code, signal) =>
      new Promise((resolve) => {
        if (code === 0 || code === 10) return resolve();
        const word = signal === "SIGKILL" ? "killed" : "crashed";
        // What it cannot note it leaves out: the release then failed for its number of tries.
        execFile(launcher, ["ended", releases, word], { env: { ...process.env, ...env } }, () => resolve());
      }),
    get state() {
      const one = underWay();
      if (one === undefined) return null;
      return reported?.counter === one.counter ? reported.state : "idle";
    },
    campaigns,
    open,
    publishNext,
    whenOver: (signal) =>
      new Promise((resolve, reject) => {
        if (underWay() === undefined) return resolve();
        signal.throwIfAborted();
        const abort = (): void => reject(signal.reason);
        signal.addEventListener("abort", abort, { once: true });
        waiters.add(() => {
          signal.removeEventListener("abort", abort);
          resolve();
        });
      }),
    withdraw: async () => {
      if (campaigns.length > 0) await desire(null);
    },
    get settled() {
      return campaigns.length === 0 || (reported !== null && STEADY.has(reported.state));
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await looking;
      await kept[Symbol.asyncDispose]();
    },
  };
};
