import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { Transport } from "../../protocol/ports/transport.ts";
import { loadNative } from "../load-native.ts";

export interface ConsolePortOptions {
  readonly path: string;
  readonly baudRate: number;
  readonly time: HubTime;
  readonly clock: Clock;
}

/**
 * Open the technician's port, 8 data bits, no parity, 1 stop bit. serialport is loaded at the first opening. Rejects with
 * HubError `serial-absent` or `serial-busy` with the next step.
 */
export const openConsole = async (options: ConsolePortOptions, signal: AbortSignal): Promise<Transport> => {
  const { path, baudRate, time, clock } = options;
  const { openSerialTransport } = await loadNative(
    `console on ${path}`,
    "serial-absent",
    () => import("../../drivers/serial/serial-transport.ts"),
  );
  const line = { baudRate, dataBits: 8, parity: "none", stopBits: 1 } as const;
  return openSerialTransport({ port: { tag: "path", path }, line, time, clock }, signal);
};
