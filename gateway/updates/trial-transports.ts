import { access, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SerialPortRef } from "../../drivers/serial/serial-port-ref.ts";
import type { HubConfig } from "../config/hub-config.ts";
import type { SensorParts } from "../sensors.ts";
import type { OpenTransport } from "./trial-record.ts";

const BLUETOOTH = "/sys/class/bluetooth";
const USB = "/sys/bus/usb/devices";

const placeOf = ({ ble }: HubConfig): SerialPortRef | null => {
  if (ble === null) return null;
  const { adapter } = ble;
  if (adapter.type === "uart") return { tag: "path", path: adapter.path };
  return { tag: "path", path: join(BLUETOOTH, adapter.type === "hci" ? `hci${adapter.device}` : adapter.name) };
};

/** What sensors can be read through now: the radio that is ready, each serial port that is open. */
export const openTransports = (
  config: HubConfig,
  sensors: Pick<SensorParts, "radio" | "sensors">,
): readonly OpenTransport[] => {
  const radio = sensors.radio()?.state === "ready" ? [{ name: "radio", port: placeOf(config) }] : [];
  const ports = sensors.sensors().flatMap(({ id, state }): OpenTransport[] => {
    const sensor = config.sensors.find((one) => one.id === id);
    const isOpen = sensor?.transport === "serial" && state === "connected";
    return isOpen ? [{ name: `sensor ${id}`, port: sensor.port }] : [];
  });
  return [...radio, ...ports];
};

const firstLine = async (file: string): Promise<string> => {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.trim();
};

const isUsbThere = async (
  { vendor, product, serialNumber }: Extract<SerialPortRef, { tag: "usb" }>,
  folder: string,
): Promise<boolean> => {
  for (const name of await readdir(folder).catch(() => [])) {
    const told = ["idVendor", "idProduct", "serial"].map((file) => firstLine(join(folder, name, file)));
    const [itsVendor, itsProduct, itsNumber] = await Promise.all(told);
    const isSame = itsVendor === vendor && itsProduct === product;
    if (isSame && (serialNumber === null || itsNumber === serialNumber)) return true;
  }
  return false;
};

/** Asks the kernel, not what a release opens ports with. Where nothing tells, it is taken to be there. */
export const isTransportThere = async ({ port }: OpenTransport, usb = USB): Promise<boolean> => {
  if (port === null) return true;
  if (port.tag === "usb") return await isUsbThere(port, usb);
  return await access(port.path).then(
    () => true,
    () => false,
  );
};
