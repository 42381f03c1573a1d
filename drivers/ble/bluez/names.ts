import { uuidFromBytes } from "../uuid.ts";

/** Names of BlueZ on the bus (doc/org.bluez.*.rst of its sources). */
export const BLUEZ = "org.bluez";
export const BUS = "org.freedesktop.DBus";
export const BUS_PATH = "/org/freedesktop/DBus";
export const PROPERTIES = "org.freedesktop.DBus.Properties";
export const OBJECTS = "org.freedesktop.DBus.ObjectManager";
export const ADAPTER = "org.bluez.Adapter1";
export const DEVICE = "org.bluez.Device1";
export const SERVICE = "org.bluez.GattService1";
export const CHARACTERISTIC = "org.bluez.GattCharacteristic1";
export const AGENT = "org.bluez.Agent1";
export const AGENT_MANAGER = "org.bluez.AgentManager1";

export type Properties = Readonly<Record<string, unknown>>;
/** All objects of BlueZ: path, interface, property. */
export type ManagedObjects = ReadonlyMap<string, Readonly<Record<string, Properties>>>;

export const propertiesOf = (value: unknown): Properties =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Properties) : {};

export const interfacesOf = (value: unknown): Readonly<Record<string, Properties>> =>
  Object.fromEntries(Object.entries(propertiesOf(value)).map(([name, of]) => [name, propertiesOf(of)]));

export const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];

/** As the ports write UUIDs: four hex digits where the Bluetooth SIG assigned them, else 32. */
export const shortUuid = (text: string): string =>
  uuidFromBytes(Uint8Array.from(Buffer.from(text.replaceAll("-", ""), "hex")).reverse());
