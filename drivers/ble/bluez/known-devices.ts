import { DEVICE, type ManagedObjects, type Properties, propertiesOf, shortUuid, textsOf } from "./names.ts";

/** What BlueZ knows of a device in range, paired or connected. */
export interface KnownDevice {
  /** Of its object. Keeps the address that the device had when BlueZ first heard it. */
  readonly path: string;
  /** Identity address once it is paired. Lower-case with colons. */
  readonly address: string;
  readonly addressType: "public" | "random";
  readonly services: readonly string[];
  /** Null where it was not heard in this scan: BlueZ also lists what it heard days ago. */
  readonly rssi: number | null;
  readonly paired: boolean;
  readonly trusted: boolean;
  /**
   * Known late: BlueZ says that a device is connected only where the kernel told it before the ATT socket was open
   * (device_add_connection and att_connect_cb in src/device.c, 5.66 to 5.8x). That it is not any more, it always says.
   */
  readonly connected: boolean;
  readonly servicesResolved: boolean;
}

/** BlueZ forgets a stranger after 30 s; more than this many in 30 s is not a block of flats but an attack. 0.4 MB. */
export const DEVICES_LIMIT = 1024;
/** A long list is not worth keeping: no sensor offers this many. */
const SERVICES_LIMIT = 16;

const isTrue = (value: unknown, otherwise: boolean): boolean => (typeof value === "boolean" ? value : otherwise);

const servicesOf = (properties: Properties, before: readonly string[]): readonly string[] => {
  const listed = [...textsOf(properties.UUIDs), ...Object.keys(propertiesOf(properties.ServiceData))];
  return [...new Set([...before, ...listed.map(shortUuid)])].slice(0, SERVICES_LIMIT);
};

const applied = (device: KnownDevice, changed: Properties, gone: readonly string[]): KnownDevice => ({
  path: device.path,
  address: typeof changed.Address === "string" ? changed.Address.toLowerCase() : device.address,
  addressType:
    changed.AddressType === undefined ? device.addressType : changed.AddressType === "public" ? "public" : "random",
  services: servicesOf(changed, device.services),
  rssi: typeof changed.RSSI === "number" ? changed.RSSI : gone.includes("RSSI") ? null : device.rssi,
  paired: isTrue(changed.Paired, device.paired),
  trusted: isTrue(changed.Trusted, device.trusted),
  connected: isTrue(changed.Connected, device.connected || changed.ServicesResolved === true),
  servicesResolved: isTrue(changed.ServicesResolved, device.servicesResolved),
});

const unheard = (path: string): KnownDevice => ({
  path,
  address: "",
  addressType: "random",
  services: [],
  rssi: null,
  paired: false,
  trusted: false,
  connected: false,
  servicesResolved: false,
});

/** The devices of one adapter, kept up to date by BlueZ's signals. Bounded; paired and connected ones stay. */
export interface KnownDevices {
  load(objects: ManagedObjects): void;
  put(path: string, properties: Properties): KnownDevice;
  /** As it is now; null for a device that is not known. */
  change(path: string, changed: Properties, gone: readonly string[]): KnownDevice | null;
  remove(path: string): void;
  at(path: string): KnownDevice | null;
  /** By identity address; of several objects the paired one, then the one heard last. */
  of(address: string): KnownDevice | null;
  all(): readonly KnownDevice[];
}

export const createKnownDevices = (adapterPath: string): KnownDevices => {
  /** In the order in which they were last heard. */
  const devices = new Map<string, KnownDevice>();
  const isOurs = (path: string): boolean => path.startsWith(`${adapterPath}/dev_`);

  const keep = (device: KnownDevice, isHeard: boolean): void => {
    if (isHeard) devices.delete(device.path);
    devices.set(device.path, device);
    if (devices.size <= DEVICES_LIMIT) return;
    const stranger = [...devices.values()].find(({ paired, connected }) => !paired && !connected);
    const [oldest] = devices.keys();
    devices.delete(stranger?.path ?? oldest ?? "");
  };

  const put: KnownDevices["put"] = (path, properties) => {
    const device = applied(devices.get(path) ?? unheard(path), properties, []);
    if (isOurs(path)) keep(device, true);
    return device;
  };

  return {
    put,
    load: (objects) => {
      for (const [path, interfaces] of objects) {
        const properties = interfaces[DEVICE];
        if (properties !== undefined && isOurs(path)) put(path, properties);
      }
    },
    change: (path, changed, gone) => {
      const before = devices.get(path);
      if (before === undefined) return null;
      const now = applied(before, changed, gone);
      keep(now, changed.RSSI !== undefined);
      return now;
    },
    remove: (path) => void devices.delete(path),
    at: (path) => devices.get(path) ?? null,
    of: (address) => {
      const found = [...devices.values()].filter((one) => one.address === address);
      return found.find(({ paired }) => paired) ?? found.at(-1) ?? null;
    },
    all: () => [...devices.values()],
  };
};
