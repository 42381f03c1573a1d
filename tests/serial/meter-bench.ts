import type { SensorDriver, SessionContext, SessionEnd } from "../../drivers/driver.ts";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createMemoryTransport, type MemoryTransport } from "../../hardware-sim/ports/memory-transport.ts";
import type { SerialLine } from "../../hardware-sim/serial/serial-line.ts";
import { HubError } from "../../protocol/errors.ts";
import type { SensorMemory } from "../../protocol/ports/sensor-memory.ts";
import type { Transport } from "../../protocol/ports/transport.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import { millis, seconds } from "../../protocol/time.ts";
import { createRecordingSink, type RecordingSink } from "./recording-sink.ts";
import { sessionContext } from "./session-context.ts";

/** What a simulated meter is given besides its own options. */
export interface MeterSurroundings {
  readonly clock: SimulatedClock;
  /** Local time of the home, Europe/Stockholm in summer. */
  readonly localTime: () => number;
  readonly line: () => SerialLine;
}

/** What becomes of the message with this number, from 1, that the meter sends; null: it is lost. */
export type Spoil = (message: Uint8Array, number: number) => Uint8Array | null;

export interface MeterBench<M> {
  readonly clock: SimulatedClock;
  readonly meter: M;
  readonly sink: RecordingSink;
  readonly context: SessionContext;
  /** Everything that the hub wrote, over all connections. */
  readonly written: readonly Uint8Array[];
  /** Messages that the meter sent since the beginning. */
  readonly sent: number;
  /** A meter that is off hears nothing and says nothing. */
  isOn: boolean;
  spoil: Spoil;
  /** Plug the cable in. */
  connect(): void;
  unplug(): Promise<SessionEnd>;
  stop(): Promise<SessionEnd>;
  /** How the last connection's session ended, after the time that it takes. */
  ended(): Promise<SessionEnd>;
  /** Bytes on the line that are not the meter's. */
  inject(bytes: Uint8Array): void;
  /** Let time pass until the condition holds; fails after two simulated minutes unless told otherwise. */
  until(condition: () => boolean, what: string, most?: number): Promise<void>;
  /** The readings taken, each measurement once, as the store would have them. */
  stored(): readonly DraftReading[];
}

const SUMMER = 2 * 3_600_000;
/** Between two looks at a condition; what is due in between happens at its own time. */
const STEP = millis(250);
/** A minute and a half: what a session may take to listen a dump out before it ends. */
const MOST_STEPS_TO_END = 360;

/** A driver and the meter that it reads, in one process, on a clock that the test moves. */
export const createMeterBench = <M extends { receive(bytes: Uint8Array): void }>(
  driver: SensorDriver<unknown>,
  create: (surroundings: MeterSurroundings) => M,
  remembers?: SensorMemory,
): MeterBench<M> => {
  const clock = createSimulatedClock();
  const sink = createRecordingSink();
  const fresh = sessionContext(clock);
  const context = remembers === undefined ? fresh : { ...fresh, memory: remembers };
  const written: Uint8Array[] = [];
  let transport: MemoryTransport | null = null;
  let session: Promise<SessionEnd> | null = null;
  let stopping = new AbortController();
  let sent = 0;

  const line: SerialLine = {
    path: "/dev/none",
    get plugged() {
      return transport !== null;
    },
    settled: true,
    pty: null,
    send: async (message) => {
      const port = bench.isOn ? transport : null;
      if (port === null) return { heard: false, disturbed: false, early: false };
      sent += 1;
      const arriving = bench.spoil(message, sent);
      // A spoiling test may have pulled the cable meanwhile.
      if (arriving !== null && transport === port) port.send(arriving);
      return { heard: true, disturbed: arriving !== message, early: false };
    },
    setFaults: () => undefined,
    unplug: async () => undefined,
    plug: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };

  const meter = create({ clock, localTime: () => clock.now() + SUMMER, line: () => line });

  const ended = async (): Promise<SessionEnd> => {
    if (session === null) throw new HubError("invalid-argument", "meter bench: nothing is connected");
    const state = { isSettled: false };
    const settle = (): void => {
      state.isSettled = true;
    };
    session.then(settle, settle);
    for (let step = 0; step < MOST_STEPS_TO_END && !state.isSettled; step++) await clock.advance(STEP);
    if (!state.isSettled) throw new Error("the session does not end");
    return await session;
  };

  const bench: MeterBench<M> = {
    clock,
    meter,
    sink,
    context,
    written,
    get sent() {
      return sent;
    },
    isOn: true,
    spoil: (message) => message,
    connect: () => {
      const port = createMemoryTransport(clock);
      transport = port;
      stopping = new AbortController();
      const toMeter: Transport = {
        ...port,
        write: async (channel, bytes, signal) => {
          await port.write(channel, bytes, signal);
          written.push(Uint8Array.from(bytes));
          if (bench.isOn) meter.receive(Uint8Array.from(bytes));
        },
      };
      session = driver.session(toMeter, sink, context, stopping.signal);
      session.catch(() => undefined);
    },
    unplug: async () => {
      transport?.unplug();
      transport = null;
      return await ended();
    },
    stop: async () => {
      stopping.abort(new Error("stopped by the test"));
      return await ended();
    },
    ended,
    inject: (bytes) => transport?.send(bytes),
    until: async (condition, what, most = seconds(120)) => {
      const end = clock.elapsed() + most;
      while (!condition()) {
        if (clock.elapsed() > end) throw new Error(`waited ${most} ms of simulated time in vain until ${what}`);
        await clock.advance(STEP);
      }
    },
    stored: () => [...new Map(sink.taken.map((reading) => [reading.idem, reading])).values()],
  };
  return bench;
};
