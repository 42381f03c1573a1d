import { attError } from "../../drivers/ble/att-error.ts";
import { createIncoming } from "../../drivers/serial/incoming.ts";
import { HubError } from "../../protocol/errors.ts";
import type { ChannelId } from "../../protocol/ids.ts";
import type { BleLink, Received, Transport } from "../../protocol/ports/transport.ts";
import type { Capture, CaptureAnswer } from "./capture.ts";
import type { ReplayClock } from "./replay-clock.ts";
import type { ReplayScript, ScriptAnswer } from "./replay-script.ts";

/** An address for documentation (RFC 7042 section 2.1.2): a capture does not say whose sensor it was. */
const ADDRESS = "00:00:5e:00:53:01";

const READ_NOT_PERMITTED = 0x02;

/** A transport whose far end is a capture. */
export interface ReplayTransport {
  readonly transport: Transport;
  receive(channel: ChannelId, bytes: Uint8Array): void;
  /** The sensor goes away. What it sent before is still handed out. */
  drop(): void;
  /** Values confirmed, and writes made, so far. */
  readonly counts: { readonly confirmed: number; readonly written: number };
  /** Values of this channel that the driver has in hand and has not confirmed. */
  unconfirmed(channel: ChannelId): number;
}

const secondReader = (): HubError =>
  new HubError("invalid-argument", "driver: iterates transport.incoming twice; keep its one iterator");

interface Far extends Omit<ReplayTransport, "transport"> {
  readonly handedOut: AsyncIterable<Received>;
  readonly gone: AbortController;
  readonly counts: { confirmed: number; written: number };
}

const createFar = (clock: ReplayClock, lost: () => HubError): Far => {
  const incoming = createIncoming(secondReader);
  const gone = new AbortController();
  const counts = { confirmed: 0, written: 0 };
  const inHand = new Map<ChannelId, number>();
  const count = (channel: ChannelId, by: number): void => {
    inHand.set(channel, (inHand.get(channel) ?? 0) + by);
  };
  async function* handedOut(): AsyncGenerator<Received> {
    for await (const received of incoming) {
      count(received.channel, 1);
      yield received;
    }
  }
  return {
    handedOut: handedOut(),
    unconfirmed: (channel) => inHand.get(channel) ?? 0,
    gone,
    counts,
    receive: (channel, bytes) => {
      let isConfirmed = false;
      const confirm = (): void => {
        if (isConfirmed) return;
        isConfirmed = true;
        counts.confirmed += 1;
        count(channel, -1);
      };
      if (incoming.push({ channel, bytes: Uint8Array.from(bytes), at: clock.stamp(), confirm })) return;
      incoming.end();
      gone.abort(new HubError("serial-closed", "replay: bytes pile up and the driver does not take them"));
    },
    drop: () => {
      incoming.end();
      gone.abort(lost());
    },
  };
};

const createSerialReplay = (script: ReplayScript, clock: ReplayClock): ReplayTransport => {
  const lost = (): HubError => new HubError("serial-closed", "replayed port: went away; connect it again");
  const far = createFar(clock, lost);
  const transport: Transport = {
    kind: "serial",
    incoming: far.handedOut,
    lost: far.gone.signal,
    write: async (channel, bytes, signal) => {
      signal.throwIfAborted();
      far.gone.signal.throwIfAborted();
      far.counts.written += 1;
      const { took } = script.write(channel, bytes, clock.elapsed());
      if (took > 0) await clock.sleep(took, AbortSignal.any([signal, far.gone.signal]));
    },
    [Symbol.asyncDispose]: async () => far.drop(),
  };
  return { ...far, transport };
};

const createBleReplay = ({ link }: Capture, script: ReplayScript, clock: ReplayClock): ReplayTransport => {
  const lost = (): HubError => new HubError("ble-disconnected", "replayed sensor: hung up; measure again");
  const far = createFar(clock, lost);
  const known = new Map(link.map((one) => [one.channel, one]));
  /** One request at a time (Core Vol 3 Part F 3.3.2). */
  let turn: Promise<unknown> = Promise.resolve();

  const perform = (what: string, ask: () => ScriptAnswer, signal: AbortSignal): Promise<CaptureAnswer | null> => {
    const mine = turn.then(async () => {
      signal.throwIfAborted();
      far.gone.signal.throwIfAborted();
      const { took, answer } = ask();
      if (took > 0) await clock.sleep(took, AbortSignal.any([signal, far.gone.signal]));
      if (answer !== null && "refused" in answer) throw attError(what, answer.refused);
      return answer;
    });
    turn = mine.catch(() => undefined);
    return mine;
  };

  const transport: BleLink = {
    kind: "ble",
    address: ADDRESS,
    characteristics: link.map(({ service, channel, properties }) => ({ service, channel, properties })),
    incoming: far.handedOut,
    lost: far.gone.signal,
    has: (channel) => known.has(channel),
    read: async (channel, signal) => {
      const answer = await perform(`read ${channel}`, () => script.read(channel), signal);
      if (answer !== null && "bytes" in answer) return answer.bytes;
      const value = known.get(channel)?.value;
      if (value === undefined || value === null) throw attError(`read ${channel}`, READ_NOT_PERMITTED);
      return value;
    },
    write: async (channel, bytes, signal) => {
      far.counts.written += 1;
      await perform(`write ${channel}`, () => script.write(channel, bytes, clock.elapsed()), signal);
    },
    subscribe: async (channel, signal) => {
      await perform(`subscribe ${channel}`, () => script.subscribe(channel, clock.elapsed()), signal);
    },
    [Symbol.asyncDispose]: async () => far.drop(),
  };
  return { ...far, transport };
};

/** The far end of a capture, of the kind that its driver speaks. */
export const createReplayTransport = (
  kind: "ble" | "serial",
  capture: Capture,
  script: ReplayScript,
  clock: ReplayClock,
): ReplayTransport => (kind === "ble" ? createBleReplay(capture, script, clock) : createSerialReplay(script, clock));
