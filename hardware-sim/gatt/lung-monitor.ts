import { minutes } from "../../protocol/time.ts";
import { createLungMonitor } from "../serial/lung-monitor.ts";
import type { SerialMeasurement } from "../serial/measurement.ts";
import type { LungBlow } from "../serial/vitalograph-frames.ts";
import { aborted } from "./bell.ts";
import { createServiceDatabase } from "./sensor-database.ts";
import type { SensorFaults, SensorOptions } from "./sensor-options.ts";
import { createSensorShell } from "./sensor-shell.ts";
import { createSensorSurroundings } from "./sensor-surroundings.ts";
import { createSimulatedTerminal } from "./terminal-io.ts";

export interface BleLungMonitorOptions extends SensorOptions {
  /** Credits that it grants at a time. */
  readonly grants?: number;
}

/** A Vitalograph lung monitor with Terminal I/O over Bluetooth Low Energy. */
export interface BleLungMonitor extends AsyncDisposable {
  readonly state: "asleep" | "advertising" | "connected";
  readonly connections: number;
  /** Ground truth, in order of blowing. */
  readonly measurements: readonly SerialMeasurement[];
  readonly waiting: number;
  /** What the hub did that it must not: commands, packets without credit. */
  readonly violations: readonly string[];
  /** Advertises from now on, and again after every link, until it is switched off. */
  switchOn(): void;
  /** Ends its link and is silent. */
  switchOff(): void;
  blow(blow: LungBlow): SerialMeasurement;
  setFaults(faults: Partial<SensorFaults>): void;
  close(): Promise<void>;
}

/** It switches itself off when nobody blows; the patient's session is over long before this. */
const ON_AT_MOST = minutes(10);

export const createBleLungMonitor = (options: BleLungMonitorOptions): BleLungMonitor => {
  const surroundings = createSensorSurroundings(options);
  const { clock, deviceClock, bell, tell } = surroundings;
  const closed = new AbortController();
  let switchedOff = new AbortController();
  const terminal = createSimulatedTerminal({
    bell,
    closed: closed.signal,
    receive: (bytes) => monitor.receive(bytes),
    ...(options.grants === undefined ? {} : { grants: options.grants }),
  });
  const monitor = createLungMonitor({
    clock,
    layout: "G",
    serial: options.identity.serial,
    localTime: () => deviceClock.readMs() ?? 0,
    line: () => terminal,
  });
  const gatt = createServiceDatabase(terminal.service, { ...options, clockSetting: "none" }, deviceClock, () =>
    tell({ tag: "clock-set" }),
  );
  const on = { advertiseFor: ON_AT_MOST, ...options };
  const shell = createSensorShell(on, surroundings, {
    service: terminal.service.uuid,
    gatt,
    connected: terminal.connected,
    serve: async ({ link, over }) => {
      await aborted(AbortSignal.any([over, switchedOff.signal]));
      link.disconnect();
      await aborted(over);
    },
    isDone: () => switchedOff.signal.aborted,
  });

  const close = async (): Promise<void> => {
    closed.abort();
    switchedOff.abort();
    await shell.close();
    await monitor[Symbol.asyncDispose]();
    await terminal.settled();
  };

  return {
    get state() {
      return shell.state;
    },
    get connections() {
      return shell.connections;
    },
    measurements: monitor.measurements,
    get waiting() {
      return monitor.waiting;
    },
    get violations() {
      return [...monitor.violations, ...terminal.violations];
    },
    switchOn: () => {
      switchedOff = new AbortController();
      shell.wake();
    },
    switchOff: () => {
      switchedOff.abort();
      shell.sleep();
    },
    blow: monitor.blow,
    setFaults: shell.setFaults,
    close,
    [Symbol.asyncDispose]: close,
  };
};
