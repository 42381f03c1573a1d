import { SerialPort } from "serialport";
import type { PortListing } from "./serial-port-ref.ts";

/** The serial ports that are plugged in now. Opens none. Rejects where the machine cannot list them (no udev). */
export const listPorts = async (): Promise<readonly PortListing[]> => await SerialPort.list();
