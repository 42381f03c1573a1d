import { HubError, isHubError } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { type Millis, millis, minutes, seconds } from "../../protocol/time.ts";
import type { UpdateFiles } from "../files/update-files.ts";
import type { Reason, UpdateMemory, WantedRelease } from "../update/update-state.ts";
import { createDdiClient, type DdiTls } from "./ddi-client.ts";
import {
  type ActionLink,
  type ControllerBase,
  parseCancel,
  parseControllerBase,
  parseDeployment,
} from "./ddi-messages.ts";
import { type Feedback, feedback, feedbackOf, isFinal, isSeenThrough, isUnderWay, outcomeOf } from "./feedback.ts";
import { createOpenActionsFile, MOST_OPEN_ACTIONS, type OpenAction } from "./open-actions.ts";
import { readToken } from "./token.ts";
import { campaignOf, wishOf } from "./wanted-release.ts";

/** hawkBit takes 1000 of an action; how it ends must find room, and whatever waits long is told often. */
const MOST_TELLINGS = 200;
/** What a server may ask for: it is not flooded where it asks for less, and a cancellation is heard within a day. */
const LEAST_SLEEP = seconds(30);
const LONGEST_SLEEP = minutes(24 * 60);
/** hawkBit's own default. */
const USUAL_SLEEP = minutes(5);
/** Share of each wait that chance takes off, so that a power failure does not bring all hubs at once. */
const JITTER = 0.2;
/** After what opens the way to the next action: it is asked for soon, so many times in a row. */
const SOON = seconds(5);
const MOST_SOON = 8;
/** After an exchange that failed: half a minute, doubled with each further one, an hour at most. */
const FIRST_PAUSE = seconds(30);
const LONGEST_PAUSE = minutes(60);

/** `updates.hawkbit` of the configuration. */
export interface HawkbitConfig {
  readonly url: string;
  readonly tenant: string;
  /** Name of this hub at the server; the common name of its certificate where that authenticates it. */
  readonly controllerId: string;
  /** File with `TargetToken ...` or `GatewayToken ...` (a bare token is a target's); null: the certificate is enough. */
  readonly tokenFile: string | null;
}

export interface HawkbitOptions {
  readonly config: HawkbitConfig;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly files: UpdateFiles;
  /** Where it is remembered what the server knows. */
  readonly file: string;
  /** The hub's own credentials, and whom it trusts; asked for each request. */
  readonly tls: () => Promise<DdiTls>;
  readonly want: (wanted: WantedRelease | null) => Promise<void>;
  /** Null as long as the updates have not loaded it. */
  readonly memory: () => UpdateMemory | null;
  /** What the server may know of this hub: hardware, arch, versions. Never an identity of a person. */
  readonly attributes: () => Readonly<Record<string, string>>;
}

export interface HawkbitStatus {
  /** Why the server does not answer as it should; null where it does, and before it was asked. */
  readonly trouble: string | null;
  /** The action that is worked at; null where there is none. */
  readonly action: string | null;
}

/** A region's hawkBit drives campaigns of this hub: it chooses among what is signed, and hears how it went. */
export interface Hawkbit {
  /** Never rejects for what the server or the network does. */
  run(signal: AbortSignal): Promise<void>;
  /** The update's memory has changed: the server hears of it at once where it should know. */
  changed(): void;
  /** Why the server holds the activation back (its maintenance window); null where it does not. */
  holdsBack(wanted: WantedRelease): Reason | null;
  status(): HawkbitStatus;
}

const HELD: Reason = {
  code: "outside-window",
  sentence: "update: the maintenance window of hawkBit is not open yet, or the action is for a download only",
};

export const createHawkbit = (options: HawkbitOptions): Hawkbit => {
  const { config, clock, random, logger, files } = options;
  const kept = createOpenActionsFile(files, options.file);
  const client = createDdiClient({
    url: config.url,
    tenant: config.tenant,
    controllerId: config.controllerId,
    clock,
    authorization: () => readToken(files, config.tokenFile),
    tls: options.tls,
  });
  let actions: readonly OpenAction[] = [];
  let base: ControllerBase | null = null;
  let etag: string | null = null;
  /** The link that was last carried out: the same again says nothing new. */
  let handled: string | null = null;
  let pollAt = millis(0);
  let soonInARow = 0;
  let failures = 0;
  let trouble: string | null = null;
  let wake = new AbortController();

  const save = async (next: readonly OpenAction[]): Promise<void> => {
    const bounded = next.slice(0, MOST_OPEN_ACTIONS);
    await kept.save(bounded);
    actions = bounded;
  };

  const without = (id: string): readonly OpenAction[] => actions.filter((one) => one.id !== id);

  /** What comes next may be there already. */
  const pollSoon = (): void => {
    if (soonInARow >= MOST_SOON) return;
    soonInARow += 1;
    pollAt = millis(Math.min(pollAt, clock.elapsed() + SOON));
  };

  const send = (channel: string, { execution, finished, details }: Feedback, signal: AbortSignal) => {
    const body = { timestamp: clock.now(), status: { execution, result: { finished }, details } };
    return client.send("POST", `${channel}/feedback`, body, signal);
  };

  const deploymentAt = async (channel: string, link: ActionLink, signal: AbortSignal): Promise<unknown> => {
    const query = link.state === null ? "" : `?c=${encodeURIComponent(link.state)}`;
    const answer = await client.get(`${channel}/${link.id}${query}`, null, signal);
    return answer.tag === "content" ? answer.json : null;
  };

  const unreadable = (what: string): HubError =>
    new HubError(
      "update-unreachable",
      `updates: hawkBit sent ${what} that is not as its API says; it is asked again later`,
    );

  const carryOut = async (link: ActionLink, memory: UpdateMemory, signal: AbortSignal): Promise<void> => {
    const json = await deploymentAt("deploymentBase", link, signal);
    if (json === null) return;
    const deployment = parseDeployment(json, "deployment");
    if (deployment === null || deployment.id !== link.id) throw unreadable("an action");
    const wish = wishOf(deployment);
    if (wish.tag === "release") {
      const { mayActivate, wanted } = wish;
      const known = actions.find(({ id }) => id === link.id) ?? { told: null, tellings: 0 };
      await save([{ ...known, id: link.id, mayActivate }, ...without(link.id)]);
      // What is over here is not begun again because the server has not heard of it yet.
      const isOver = known.tellings > 0 && isFinal(feedbackOf(memory, wanted.campaign));
      if (!isOver) await options.want(wanted);
      return;
    }
    if (wish.tag === "unfit") logger.warn("update of hawkBit refused", { reason: wish.sentence });
    const said =
      wish.tag === "unfit"
        ? feedback("closed", "failure", "update-unfit", wish.sentence)
        : feedback("scheduled", "none", "waits until it may be downloaded");
    await send(`deploymentBase/${link.id}`, said, signal);
    if (wish.tag === "unfit") pollSoon();
  };

  /** Nobody has to agree here: what is signed and when it harms nobody is decided by the hub itself. */
  const confirm = async (link: ActionLink, signal: AbortSignal): Promise<void> => {
    const json = await deploymentAt("confirmationBase", link, signal);
    if (json === null) return;
    const deployment = parseDeployment(json, "confirmation");
    if (deployment === null || deployment.id !== link.id) throw unreadable("an action to confirm");
    const wish = wishOf(deployment);
    const body =
      wish.tag === "unfit"
        ? { confirmation: "denied", details: ["update-unfit", wish.sentence] }
        : { confirmation: "confirmed", details: [] };
    await client.send("POST", `confirmationBase/${link.id}/feedback`, body, signal);
    pollSoon();
  };

  const withdraw = async (memory: UpdateMemory, campaign: string): Promise<void> => {
    if (memory.wanted?.campaign === campaign || isUnderWay(memory, campaign)) await options.want(null);
  };

  /** What became of it where it is too late to stop it; null where it was stopped, or never begun. */
  const tooLate = (memory: UpdateMemory, campaign: string): string | null => {
    if (isUnderWay(memory, campaign) && isSeenThrough(memory.state)) {
      return "update: it is being switched to or on trial, and is seen through; to go back, assign a release that was signed again with a higher counter";
    }
    const result = outcomeOf(memory, campaign)?.result ?? "cancelled";
    if (result === "cancelled" || result === "failed-retryable") return null;
    return `update: it is over already (${result})`;
  };

  const cancel = async (link: ActionLink, memory: UpdateMemory, signal: AbortSignal): Promise<void> => {
    const answer = await client.get(`cancelAction/${link.id}`, null, signal);
    if (answer.tag !== "content") return;
    const stopId = parseCancel(answer.json);
    if (stopId === null) throw unreadable("a cancellation");
    const campaign = campaignOf(stopId);
    if (tooLate(memory, campaign) === null) await withdraw(memory, campaign);
    // It may have gone on meanwhile.
    const late = tooLate(options.memory() ?? memory, campaign);
    const said = late === null ? feedback("closed", "success", "was cancelled") : feedback("rejected", "none", late);
    await send(`cancelAction/${link.id}`, said, signal);
    if (late === null) {
      await save(without(stopId));
      handled = null;
    }
    logger.info("hawkbit action", {
      state: late === null ? "cancelled" : "not cancelled",
      ...(late === null ? {} : { reason: late }),
    });
    pollSoon();
  };

  /** An action that the server does not show any more was ended there. */
  const dropEnded = async (shown: ControllerBase, memory: UpdateMemory): Promise<void> => {
    if (shown.deployment !== null || shown.cancel !== null || shown.confirmation !== null) return;
    for (const { id } of actions) await withdraw(memory, campaignOf(id));
  };

  const poll = async (signal: AbortSignal): Promise<void> => {
    const answer = await client.get("", etag, signal);
    if (answer.tag === "gone") {
      const sentence = `updates: hawkBit knows no tenant ${config.tenant} or no controller ${config.controllerId}; correct updates.hawkbit, or add the hub there`;
      throw new HubError("update-unreachable", sentence);
    }
    if (answer.tag === "content") {
      base = parseControllerBase(answer.json);
      etag = answer.etag;
    }
    if (base === null) throw unreadable("an answer");
    const asked = Math.min(LONGEST_SLEEP, Math.max(LEAST_SLEEP, base.sleep ?? USUAL_SLEEP));
    pollAt = millis(clock.elapsed() + asked * (1 - random() * JITTER));
    const memory = options.memory();
    if (memory === null) return pollSoon();
    if (base.cancel !== null) await cancel(base.cancel, memory, signal);
    if (base.confirmation !== null) await confirm(base.confirmation, signal);
    if (base.deployment !== null) {
      const link = `${base.deployment.id} ${base.deployment.state ?? ""}`;
      if (link !== handled) await carryOut(base.deployment, memory, signal);
      handled = link;
    }
    await dropEnded(base, memory);
    if (base.wantsConfig) await client.send("PUT", "configData", { mode: "merge", data: options.attributes() }, signal);
  };

  /** At least once: what the server has not acknowledged is sent again, also after a restart. */
  const tell = async (signal: AbortSignal): Promise<void> => {
    for (const { id, told, tellings } of actions) {
      const memory = options.memory();
      if (memory === null) return;
      const said = feedbackOf(memory, campaignOf(id));
      const text = JSON.stringify(said);
      if (text === told || (tellings >= MOST_TELLINGS && !isFinal(said))) continue;
      const outcome = await send(`deploymentBase/${id}`, said, signal);
      logger.info("hawkbit action", { state: said.execution });
      if (isFinal(said)) pollSoon();
      const isOver = isFinal(said) || outcome === "gone";
      await save(
        isOver
          ? without(id)
          : actions.map((one) => (one.id === id ? { ...one, told: text, tellings: tellings + 1 } : one)),
      );
    }
  };

  const pauseAfter = (thrown: unknown): Millis => {
    const asked = isHubError(thrown) ? Number(thrown.context.retryAfterS ?? 0) : 0;
    const doubled = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(failures, 16));
    failures += 1;
    return millis(Math.max(asked * 1000, doubled * (1 - random() * JITTER)));
  };

  const turn = async (signal: AbortSignal): Promise<void> => {
    try {
      if (clock.elapsed() >= pollAt) {
        const before = soonInARow;
        await poll(signal);
        if (soonInARow === before) soonInARow = 0;
      }
      await tell(signal);
      failures = 0;
      trouble = null;
    } catch (thrown) {
      if (signal.aborted) return;
      const sentence = isHubError(thrown)
        ? thrown.message
        : `updates: hawkBit: ${String(thrown)}; it is tried again later`;
      if (sentence !== trouble) logger.warn("hawkbit does not answer as it should", { reason: sentence });
      trouble = sentence;
      // What was half done is looked at anew.
      etag = null;
      handled = null;
      pollAt = millis(0);
      await clock.sleep(pauseAfter(thrown), signal);
    }
  };

  return {
    run: async (signal) => {
      const { actions: found, damaged } = await kept.load();
      if (damaged) logger.warn("what hawkBit was told is damaged and begun anew; it is told again");
      actions = found;
      while (!signal.aborted) {
        wake = new AbortController();
        const either = AbortSignal.any([signal, wake.signal]);
        await turn(signal).catch((thrown: unknown) => {
          if (!signal.aborted) throw thrown;
        });
        // Woken or stopped; the loop looks which.
        await clock.sleep(millis(Math.max(0, pollAt - clock.elapsed())), either).catch(() => undefined);
      }
    },
    changed: () => wake.abort(),
    holdsBack: ({ campaign }) =>
      actions.some(({ id, mayActivate }) => campaignOf(id) === campaign && !mayActivate) ? HELD : null,
    status: () => ({ trouble, action: actions[0]?.id ?? null }),
  };
};
