import { openBleLink } from "../../drivers/ble/ble-link.ts";
import type { EnrolledSensor, SensorDriver, SessionEnd } from "../../drivers/driver.ts";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import type { DeviceIdentity } from "../../hardware-sim/gatt/device-services.ts";
import { createMemorySensorMemory } from "../../hardware-sim/ports/memory-sensor-memory.ts";
import { type RadioAddress, radioAddress } from "../../hardware-sim/radio/address.ts";
import { type Air, createAir } from "../../hardware-sim/radio/air.ts";
import type { SensorMemory } from "../../protocol/ports/sensor-memory.ts";
import type { DraftReading } from "../../protocol/reading.ts";
import { type Millis, seconds } from "../../protocol/time.ts";
import { createRecordingSink, type RecordingSink } from "../serial/recording-sink.ts";
import { sessionContext } from "../serial/session-context.ts";
import { connectOver } from "./air-connection.ts";

const SENSOR = radioAddress("00:00:5e:00:53:20");
const IDENTITY: DeviceIdentity = { manufacturer: "Maker", model: "Model", serial: "7", firmware: "1.0" };
/** What the hub offers (noble-radio.ts). */
const OFFERED_MTU = 247;

/** What every simulated sensor is made with. */
export interface SensorParts {
  readonly air: Air;
  readonly address: RadioAddress;
  readonly identity: DeviceIdentity;
}

export interface RunningSession {
  readonly ended: Promise<SessionEnd>;
  readonly stop: AbortController;
}

export interface AirBench<S> {
  readonly clock: SimulatedClock;
  readonly sensor: S;
  readonly sink: RecordingSink;
  readonly memory: SensorMemory;
  /** Wake the sensor, connect and begin a session, which then runs as the clock is advanced. */
  begin(): RunningSession;
  /** Connect, let `span` pass, and give how the session ended. */
  session(span?: Millis): Promise<SessionEnd>;
  pass(span: Millis): Promise<void>;
  /** What a region would have: each reading once, in order of arrival. */
  delivered(): readonly DraftReading[];
}

export interface AirBenchOptions {
  readonly sensor?: Partial<EnrolledSensor>;
  readonly memory?: SensorMemory;
  readonly clock?: SimulatedClock;
  readonly offeredMtu?: number;
}

/** A sensor of the simulated air and the hub's driver for it, over the hub's own ATT client, in simulated time. */
export const airBench = <S extends { wake(): void }>(
  create: (parts: SensorParts) => S,
  driver: SensorDriver<unknown>,
  options: AirBenchOptions = {},
): AirBench<S> => {
  const clock = options.clock ?? createSimulatedClock();
  const air = createAir({ clock, seed: 5 });
  const sensor = create({ air, address: SENSOR, identity: IDENTITY });
  const sink = createRecordingSink();
  const memory = options.memory ?? createMemorySensorMemory();

  const begin = (): RunningSession => {
    sensor.wake();
    const stop = new AbortController();
    const run = async (): Promise<SessionEnd> => {
      const offeredMtu = options.offeredMtu ?? OFFERED_MTU;
      const connection = await connectOver(air, SENSOR, offeredMtu);
      const surroundings = { clock, time: clock, offeredMtu, security: null, unended: () => undefined };
      await using link = await openBleLink(connection, surroundings, stop.signal);
      const context = { ...sessionContext(clock, options.sensor), memory };
      return await driver.session(link, sink, context, stop.signal);
    };
    const ended = run();
    ended.catch(() => undefined);
    return { ended, stop };
  };

  return {
    clock,
    sensor,
    sink,
    memory,
    begin,
    pass: (span) => clock.advance(span),
    session: async (span = seconds(15)) => {
      const { ended } = begin();
      await clock.advance(span);
      return await ended;
    },
    delivered: () => [...new Map(sink.taken.map((draft) => [draft.idem, draft])).values()],
  };
};
