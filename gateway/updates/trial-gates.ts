import { within } from "../../drivers/ble/within.ts";
import type { ReasonCode } from "../../ota/update/update-state.ts";
import { HubError, messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, seconds } from "../../protocol/time.ts";
import { BACKLOG_AGE } from "./care.ts";
import type { Backlog } from "./care-backlog.ts";
import type { Before, OpenTransport } from "./trial-record.ts";

/** What a trial looks at. Each is asked again and again; what throws or does not answer has failed. */
export interface TrialProbes {
  /** The hub's parts run, and it can be asked how it is. */
  isReady(): boolean;
  link(): { readonly isUp: boolean; readonly trouble: string | null };
  /** A message of its own came back from the broker. */
  echo(signal: AbortSignal): Promise<boolean>;
  /** Rejects where the outbox cannot be written and read. Nothing of it is a reading. */
  outbox(signal: AbortSignal): Promise<void>;
  openTransports(): readonly OpenTransport[];
  /** The machine has it, whether this release can open it or not. */
  isThere(transport: OpenTransport): Promise<boolean>;
  backlog(): Backlog;
  /** What is wrong, as a sentence; null where all is right. */
  selfTest(): Promise<string | null>;
  /** Somebody takes a TCP connection at this host and port. */
  reaches(host: string, port: number, signal: AbortSignal): Promise<boolean>;
}

/** One thing that a release has to show. */
export interface Gate {
  readonly code: ReasonCode;
  /** It cannot hold while the network is gone. */
  readonly needsNetwork: boolean;
  /** Another look finds the same. */
  readonly isFinal: boolean;
  /** Null where it holds; else what was found, as a clause. Does not reject, and takes GATE_PATIENCE at most. */
  ask(signal: AbortSignal): Promise<string | null>;
}

/** A card that writes slowly takes seconds, a line that is slow, too; what takes longer hangs. */
export const GATE_PATIENCE: Millis = seconds(20);

type Look = (signal: AbortSignal) => Promise<string | null>;

const createGate = (
  code: ReasonCode,
  clock: Clock,
  look: Look,
  more: { readonly needsNetwork?: boolean; readonly isFinal?: boolean } = {},
): Gate => {
  /** A look that hangs is not begun a second time: at most one of each gate is ever left behind. */
  let isHanging = false;
  const late = (): HubError => new HubError("aborted", `no answer within ${GATE_PATIENCE / 1000} s`);

  return {
    code,
    needsNetwork: more.needsNetwork ?? false,
    isFinal: more.isFinal ?? false,
    ask: async (signal) => {
      if (isHanging) return "still no answer";
      const over = new AbortController();
      isHanging = true;
      // A look that throws before it waits rejects as well.
      const looking = (async () => look(AbortSignal.any([signal, over.signal])))().finally(() => {
        isHanging = false;
      });
      try {
        return await within(looking, GATE_PATIENCE, late, clock, signal);
      } catch (thrown) {
        return messageOf(thrown);
      } finally {
        over.abort();
      }
    },
  };
};

const drained = ({ waiting, oldestAgeMs, isDraining }: Backlog): string | null =>
  waiting === 0 || isDraining || (oldestAgeMs !== null && oldestAgeMs <= BACKLOG_AGE)
    ? null
    : `${waiting} readings wait, and the region takes none of them`;

/**
 * What a release has to show after one that could do `before`; what weighs most comes first. Without a link before,
 * nothing is asked that needs one.
 */
export const trialGates = (before: Before, probes: TrialProbes, clock: Clock): readonly Gate[] => {
  const transports = async (): Promise<string | null> => {
    const open = new Set(probes.openTransports().map(({ name }) => name));
    const closed = before.transports.filter(({ name }) => !open.has(name));
    // One that was pulled out meanwhile is not the release's fault.
    const there = await Promise.all(closed.map((one) => probes.isThere(one)));
    const missing = closed.filter((_, i) => there[i]).map(({ name }) => name);
    return missing.length === 0 ? null : `not open, and open before: ${missing.join(", ")}`;
  };
  const link = async (): Promise<string | null> => {
    const { isUp, trouble } = probes.link();
    return isUp ? null : (trouble ?? "there is no link yet");
  };
  const echo: Look = async (signal) =>
    (await probes.echo(signal)) ? null : "the broker did not bring its own message back";
  const net = { needsNetwork: true };

  return [
    createGate("no-ready", clock, async () => (probes.isReady() ? null : "its parts do not all run")),
    createGate("self-test", clock, () => probes.selfTest(), { isFinal: true }),
    createGate("outbox", clock, async (signal) => {
      await probes.outbox(signal);
      return null;
    }),
    createGate("transports", clock, transports),
    ...(before.isOnline ? [createGate("no-broker", clock, link, net)] : []),
    ...(before.isOnline && before.isEchoed ? [createGate("no-echo", clock, echo, net)] : []),
    ...(before.isOnline && before.isDrained
      ? [createGate("not-draining", clock, async () => drained(probes.backlog()), net)]
      : []),
  ];
};

/** Holds where the broker's host takes a connection: asked without any of what a release does to get its link. */
export const networkGate = (
  { host, port }: { readonly host: string; readonly port: number },
  probes: Pick<TrialProbes, "reaches">,
  clock: Clock,
): Gate => {
  const look: Look = async (signal) =>
    (await probes.reaches(host, port, signal)) ? null : "nobody takes a connection";
  return createGate("offline", clock, look, { needsNetwork: true });
};
