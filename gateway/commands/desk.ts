import { hash } from "node:crypto";
import type { Command } from "../../protocol/command.ts";
import { type NotUnderstood, parseDesired, type RefusedCommand } from "../../protocol/desired.ts";
import { isHubError, messageOf } from "../../protocol/errors.ts";
import type { HubId } from "../../protocol/ids.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { minutes } from "../../protocol/time.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import type { CommandKeys } from "./command-keys.ts";
import type { Entry, Journal } from "./journal.ts";
import type { CommandKinds, Refusal, Situation } from "./kinds.ts";
import type { CommandJudge } from "./verify.ts";

/**
 * Takes over one part of the desired state, undefined where the message has none: the region wants nothing of it any
 * more. Returns why it is not understood; null where it is. Bad content is no error. `signal` aborts when the hub stops.
 */
export type DesiredPart = (content: unknown, signal: AbortSignal) => Promise<string | null>;

export interface CommandDeskOptions {
  readonly hub: HubId;
  readonly keys: () => Promise<CommandKeys>;
  readonly journal: Journal;
  readonly kinds: CommandKinds;
  /** Parts that are not signed because they cannot harm, by name. */
  readonly parts: ReadonlyMap<string, DesiredPart>;
  readonly situation: () => Situation;
  readonly time: HubTime;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly report: ReportEvent;
  /** A durable command has to be carried out between two runs. */
  readonly onDue: () => void;
  /** What is reported to the region has changed. */
  readonly onChanged: () => void;
}

/** Where the region's desired state comes in. */
export interface CommandDesk {
  /** One message after the other. Never rejects: what is wrong is reported. */
  take(payload: Uint8Array): Promise<void>;
  /** Commands that were not accepted, of the newest message. */
  readonly refused: readonly RefusedCommand[];
  readonly notUnderstood: readonly NotUnderstood[];
  /** Goes on with what a cut interrupted, and looks again at what is not valid yet, until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** How late a command may be carried out that waits for its time. */
const LOOK_EVERY = minutes(1);

const wholeMessage = (reason: string): readonly NotUnderstood[] => [{ part: "desired", reason }];

export const createCommandDesk = (options: CommandDeskOptions): CommandDesk => {
  const { hub, journal, kinds, parts, situation, time, clock, logger, report, onDue, onChanged } = options;
  let refused: readonly RefusedCommand[] = [];
  let notUnderstood: readonly NotUnderstood[] = [];
  let newest: Uint8Array | null = null;
  let told: ReadonlySet<string> = new Set();
  let working: Promise<void> = Promise.resolve();
  let judge: CommandJudge | null = null;
  const stopping = new AbortController();

  /** Loaded with the first command: most hubs never get one, and all of them start. */
  const theJudge = async (): Promise<CommandJudge> => {
    judge ??= (await import("./verify.ts")).createCommandJudge(hub);
    return judge;
  };

  const tellRefused = (one: RefusedCommand): void => {
    if (told.has(one.ref)) return;
    logger.warn("command refused", { found: one.ref, code: one.code, reason: one.reason });
    report("command-refused", `a command from the region was refused: ${one.reason}`, {
      state: one.code,
      ref: one.ref,
    });
  };

  const end = async (entry: Entry, refusal: Refusal | null): Promise<void> => {
    const code = refusal?.code ?? null;
    await journal.update(entry.id, {
      progress: refusal === null ? "done" : "refused",
      code,
      reason: refusal?.reason ?? null,
    });
    if (refusal !== null) return tellRefused({ ref: entry.id, ...refusal });
    logger.info("command done", { kind: entry.command });
    report("command-done", `the region's command ${entry.command} is carried out`, {
      command: entry.command,
      id: entry.id,
    });
  };

  /** Of what is durable already. */
  const carryOut = async (entry: Entry): Promise<void> => {
    const perform = kinds.get(entry.command)?.perform;
    if (perform === "between") return onDue();
    if (perform !== undefined) await end(entry, await perform(entry.body));
  };

  /** An authentic command: what the journal, the counter and the clock say of it, and then its own conditions. */
  const admit = async (command: Command, ref: string, bodies: CommandJudge["bodies"]): Promise<Refusal | null> => {
    const { id, counter, body } = command;
    const digest = hash("sha256", JSON.stringify(command), "hex");
    const known = journal.find(id);
    if (known !== null) {
      return known.ref === digest ? null : { code: "id-reused", reason: "another command had this id" };
    }
    if (counter <= journal.state.counter) {
      const reason = `counter ${counter} is not above ${journal.state.counter}, which was used`;
      return { code: "replayed", reason };
    }
    const kind = kinds.get(command.command);
    const check = bodies.get(command.command);
    if (kind === undefined || check === undefined) {
      return { code: "unknown-command", reason: "this release has no such command; update the hub first" };
    }
    const wrong = check(body);
    if (wrong !== null) return { code: "malformed", reason: wrong };
    const { utc } = time.stamp();
    if (utc !== null && command.notBefore !== undefined && utc < Date.parse(command.notBefore)) {
      return { code: "not-yet-valid", reason: `it is valid from ${command.notBefore}; it waits` };
    }
    const isExpired = utc !== null && command.expires !== undefined && utc >= Date.parse(command.expires);
    const refusal: Refusal | null = isExpired
      ? { code: "expired", reason: `it expired at ${command.expires ?? ""}` }
      : kind.refusal(body, situation());
    const entry: Entry = {
      id,
      ref: digest,
      counter,
      command: command.command,
      body,
      progress: refusal === null ? "accepted" : "refused",
      code: refusal?.code ?? null,
      reason: refusal?.reason ?? null,
    };
    // Durable before any effect: whatever happens from here on, it is not taken a second time.
    await journal.add(entry);
    if (refusal !== null) tellRefused({ ref, ...refusal });
    else {
      logger.info("command accepted", { kind: entry.command });
      await carryOut(entry);
    }
    return null;
  };

  const takeCommands = async (texts: readonly string[]): Promise<readonly RefusedCommand[]> => {
    if (texts.length === 0) return [];
    const { keys, troubles } = await options.keys();
    for (const reason of troubles) logger.warn("command key not usable", { reason });
    const { bodies, verify } = await theJudge();
    const verified = await Promise.all(texts.map((text) => verify(text, keys)));
    const authentic = verified.filter((one) => one.tag === "authentic");
    const list: RefusedCommand[] = verified.flatMap((one) =>
      one.tag === "refused" ? [{ ref: one.ref, code: one.code, reason: one.reason }] : [],
    );
    for (const { command, ref } of authentic.toSorted((a, b) => a.command.counter - b.command.counter)) {
      const refusal = await admit(command, ref, bodies);
      if (refusal !== null) list.push({ ref, ...refusal });
    }
    return list;
  };

  const takeParts = async (given: ReadonlyMap<string, unknown>): Promise<readonly NotUnderstood[]> => {
    const wrong: NotUnderstood[] = [];
    for (const [part, handler] of parts) if (!given.has(part)) await handler(undefined, stopping.signal);
    for (const [part, content] of given) {
      const handler = parts.get(part);
      const reason = handler === undefined ? "this release does not know it" : await handler(content, stopping.signal);
      if (reason !== null) wrong.push({ part, reason });
    }
    return wrong;
  };

  const takeOne = async (payload: Uint8Array): Promise<void> => {
    try {
      const desired = parseDesired(payload);
      refused = await takeCommands(desired.commands);
      notUnderstood = [...desired.notUnderstood, ...(await takeParts(desired.parts))];
    } catch (thrown) {
      if (!isHubError(thrown)) throw thrown;
      // A disk that refuses too: the message is retained and comes again with the next connection.
      notUnderstood = wholeMessage(messageOf(thrown));
      logger.warn("desired state not taken", { code: thrown.code, reason: thrown.message });
      if (thrown.code === "invalid-argument") report("malformed-data", thrown.message, { state: "desired" });
    }
    for (const one of refused) tellRefused(one);
    told = new Set(refused.map(({ ref }) => ref));
    onChanged();
  };

  const take = (payload: Uint8Array): Promise<void> => {
    newest = payload;
    working = working.then(() => takeOne(payload));
    return working;
  };

  const resume = async (): Promise<void> => {
    try {
      for (const entry of journal.pending) await carryOut(entry);
    } catch (thrown) {
      if (!isHubError(thrown)) throw thrown;
      logger.warn("command not carried out yet", { code: thrown.code, reason: thrown.message });
    }
  };

  return {
    take,
    get refused() {
      return refused;
    },
    get notUnderstood() {
      return notUnderstood;
    },
    run: async (signal) => {
      signal.addEventListener("abort", () => stopping.abort(signal.reason), { once: true });
      working = working.then(resume);
      while (!signal.aborted) {
        // Only the stop interrupts the wait, and then the loop ends.
        await clock.sleep(LOOK_EVERY, signal).catch(() => undefined);
        if (signal.aborted) break;
        if (journal.pending.length > 0) working = working.then(resume);
        if (newest !== null && refused.some(({ code }) => code === "not-yet-valid")) await take(newest);
      }
      await working;
    },
  };
};
