import { HubError, messageOf } from "../../protocol/errors.ts";

/**
 * Which port a sensor is on. By USB identity wherever there is one: /dev/ttyUSBn changes with the order of plugging in.
 * A path is for ptys, built-in ports and /dev/serial/by-id links.
 */
export type SerialPortRef =
  | { readonly tag: "path"; readonly path: string }
  | {
      readonly tag: "usb";
      /** Four lower-case hex digits, as lsusb shows them. */
      readonly vendor: string;
      readonly product: string;
      /** The adapter's own serial number; null where it has none and is the only one of its kind here. */
      readonly serialNumber: string | null;
    };

/** What a source of ports says of each; USB identity in hexadecimal where the port has one. */
export interface PortListing {
  readonly path: string;
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
  readonly serialNumber?: string | undefined;
}

/** A source of ports, as `serialport` calls a binding: the machine's own, or one that is injected. */
export interface SerialBinding {
  list(): Promise<readonly PortListing[]>;
  open(options: { readonly path: string; readonly baudRate: number }): Promise<object>;
}

/** How people read a port in messages and status. */
export const describePort = (ref: SerialPortRef): string =>
  ref.tag === "path"
    ? ref.path
    : `USB ${ref.vendor}:${ref.product}${ref.serialNumber === null ? "" : ` number ${ref.serialNumber}`}`;

/** Path of the port at this moment. Rejects with HubError `serial-absent` with the next step. */
export const resolvePort = async (ref: SerialPortRef, ports: Pick<SerialBinding, "list">): Promise<string> => {
  if (ref.tag === "path") return ref.path;
  const name = describePort(ref);
  const all = await ports.list().catch((cause: unknown) => {
    const message = `serial port ${name}: the ports of this machine cannot be listed (${messageOf(cause)}); install udev, or name the port by its path`;
    throw new HubError("serial-absent", message, { cause });
  });
  const found = all.filter(
    (port) =>
      port.vendorId?.toLowerCase() === ref.vendor &&
      port.productId?.toLowerCase() === ref.product &&
      (ref.serialNumber === null || port.serialNumber === ref.serialNumber),
  );
  const [first, ...others] = found;
  if (first === undefined) {
    throw new HubError("serial-absent", `serial port ${name}: not plugged in; connect the sensor's cable`);
  }
  if (others.length > 0) {
    const message = `serial port ${name}: ${found.length} ports answer to it; add the adapter's serial number to the configuration`;
    throw new HubError("serial-absent", message, { context: { ports: found.length } });
  }
  return first.path;
};
