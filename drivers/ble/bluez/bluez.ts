import { HubError } from "../../../protocol/errors.ts";
import type { RadioState } from "../../../protocol/ports/radio.ts";
import { adapterAbsent, type BluezAdapter } from "../adapter.ts";
import { type DbusAnswer, type DbusMessage, failureOf, openDbus, variant } from "./dbus.ts";
import { createKnownDevices, type KnownDevice, type KnownDevices } from "./known-devices.ts";
import {
  ADAPTER,
  AGENT,
  AGENT_MANAGER,
  BLUEZ,
  BUS,
  BUS_PATH,
  CHARACTERISTIC,
  DEVICE,
  interfacesOf,
  type ManagedObjects,
  OBJECTS,
  PROPERTIES,
  propertiesOf,
  textsOf,
} from "./names.ts";

/** What happens to one device. Called in the order in which BlueZ said so. */
export interface DeviceListener {
  changed(now: KnownDevice): void;
  /** The link has ended. */
  hungUp(): void;
  /** A characteristic of it has a value: by notification, indication or read, which BlueZ does not tell apart. */
  value(path: string, bytes: Uint8Array): void;
  /** Why BlueZ says that the link ended, `org.bluez.Reason.*`: before `hungUp`, and from BlueZ 5.83 on only. */
  reason(name: string): void;
  /** It is gone, or BlueZ is. Nothing follows. */
  ended(reason: HubError): void;
}

export interface BluezListener {
  /** An advertisement was heard: the device as it is known now. */
  heard(device: KnownDevice): void;
  /** Nothing works any more and nothing follows; not called after `close`. */
  lost(state: Extract<RadioState, "absent" | "off">, error: HubError): void;
  /** BlueZ calls the hub's agent. */
  asked(member: string, body: readonly unknown[]): Promise<DbusAnswer>;
}

/** One adapter as BlueZ has it. Calls reject with what BlueZ answers (`failureOf`), and settle late or never: deadlines are the caller's. */
export interface Bluez {
  readonly devices: KnownDevices;
  /** Meet BlueZ and read what it knows. Rejects with HubError `adapter-absent`, or what a call rejects with. */
  begin(): Promise<void>;
  /** Null before it is known. */
  readonly powered: boolean | null;
  setPowered(on: boolean): Promise<void>;
  onAdapter(member: string, signature?: string, body?: readonly unknown[]): Promise<void>;
  setOnAdapter(property: string, signature: string, value: unknown): Promise<void>;
  onDevice(path: string, member: string): Promise<void>;
  setOnDevice(path: string, property: string, signature: string, value: unknown): Promise<void>;
  onCharacteristic(
    path: string,
    member: string,
    signature?: string,
    body?: readonly unknown[],
  ): Promise<readonly unknown[]>;
  onAgents(member: string, signature: string, body: readonly unknown[]): Promise<void>;
  objects(): Promise<ManagedObjects>;
  /** Hear of a device, until the function that is given back is called. One listener a device. */
  listen(path: string, listener: DeviceListener): () => void;
  close(): void;
}

/**
 * The two match rules of the hub, for as long as the connection lasts. One rule for everything that BlueZ says is
 * cheaper than one a device and cannot leak; signals are routed here by their path.
 */
const MATCH_RULES = [
  `type='signal',sender='${BLUEZ}'`,
  `type='signal',sender='${BUS}',interface='${BUS}',member='NameOwnerChanged',arg0='${BLUEZ}'`,
];

/** Signals that come while BlueZ is asked for what it knows: a block of flats has 50 in that time. */
const MISSED_LIMIT = 4096;

const objectsOf = (value: unknown): ManagedObjects =>
  new Map(Object.entries(propertiesOf(value)).map(([path, interfaces]) => [path, interfacesOf(interfaces)]));

export const createBluez = (adapter: BluezAdapter, busAddress: string | null, listener: BluezListener): Bluez => {
  const adapterPath = `/org/bluez/${adapter.name}`;
  const devices = createKnownDevices(adapterPath);
  const listeners = new Map<string, DeviceListener>();
  let owner: string | null = null;
  /** Signals before everything is read, to be looked at afterwards in their order. */
  let missed: DbusMessage[] | null = [];
  let powered: boolean | null = null;
  let isUp = false;
  let over = false;

  const deviceOf = (path: string): string | null => {
    if (!path.startsWith(`${adapterPath}/dev_`)) return null;
    const end = path.indexOf("/", adapterPath.length + 1);
    return end < 0 ? path : path.slice(0, end);
  };

  const forget = (path: string, reason: HubError): void => {
    devices.remove(path);
    listeners.get(path)?.ended(reason);
    listeners.delete(path);
  };

  const fail = (state: "absent" | "off", cause: Error): void => {
    if (over) return;
    over = true;
    const error = adapterAbsent(adapter, cause);
    const reason = new HubError("ble-disconnected", `connection: lost with its adapter (${error.message})`, { cause });
    for (const path of [...listeners.keys()]) forget(path, reason);
    bus.close();
    listener.lost(state, error);
  };

  const adapterChanged = (changed: Readonly<Record<string, unknown>>): void => {
    if (typeof changed.Powered !== "boolean") return;
    powered = changed.Powered;
    if (isUp && powered === false) fail("off", new Error("it was switched off"));
  };

  const deviceChanged = (path: string, changed: Readonly<Record<string, unknown>>, gone: readonly string[]): void => {
    const now = devices.change(path, changed, gone);
    if (now === null) return;
    if (changed.Connected === false) listeners.get(path)?.hungUp();
    listeners.get(path)?.changed(now);
    const isNews = ["RSSI", "UUIDs", "ServiceData"].some((name) => name in changed);
    if (isNews && now.rssi !== null && !now.connected) listener.heard(now);
  };

  const changed = (path: string, [iface, values, gone]: readonly unknown[]): void => {
    const properties = propertiesOf(values);
    if (iface === ADAPTER && path === adapterPath) adapterChanged(properties);
    else if (iface === DEVICE) deviceChanged(path, properties, textsOf(gone));
    else if (iface === CHARACTERISTIC && properties.Value instanceof Uint8Array) {
      const device = deviceOf(path);
      if (device !== null) listeners.get(device)?.value(path, properties.Value);
    }
  };

  const added = ([path, interfaces]: readonly unknown[]): void => {
    if (typeof path !== "string" || deviceOf(path) !== path) return;
    const properties = interfacesOf(interfaces)[DEVICE];
    if (properties === undefined) return;
    const device = devices.put(path, properties);
    if (device.rssi !== null && !device.connected) listener.heard(device);
  };

  const removed = ([path, names]: readonly unknown[]): void => {
    if (typeof path !== "string") return;
    const gone = textsOf(names);
    if (path === adapterPath && gone.includes(ADAPTER)) fail("absent", new Error("it was unplugged"));
    else if (gone.includes(DEVICE)) {
      forget(path, new HubError("ble-disconnected", "connection: BlueZ has removed the sensor; measure again"));
    }
  };

  const hear = ({ sender, path, iface, member, body }: DbusMessage): void => {
    if (sender === BUS && member === "NameOwnerChanged") {
      if (body[0] === BLUEZ && body[2] !== owner) fail("absent", new Error("BlueZ has stopped"));
      return;
    }
    // Any program may send a signal to the hub alone; the bus vouches for the sender.
    if (sender !== owner) return;
    if (iface === PROPERTIES && member === "PropertiesChanged") changed(path, body);
    else if (iface === OBJECTS && member === "InterfacesAdded") added(body);
    else if (iface === OBJECTS && member === "InterfacesRemoved") removed(body);
    else if (iface === DEVICE && member === "Disconnected") listeners.get(path)?.reason(String(body[0]));
  };

  const bus = openDbus(busAddress, {
    signal: (signal) => {
      if (missed === null) hear(signal);
      else if (missed.push(signal) > MISSED_LIMIT) fail("absent", new Error("BlueZ says more than the hub can hear"));
    },
    asked: ({ sender, iface, member, body }) =>
      iface === AGENT && sender === owner ? listener.asked(member, body) : null,
    lost: (cause) => fail("absent", cause),
  });

  const call = (path: string, iface: string, member: string, signature = "", body: readonly unknown[] = []) =>
    bus.call({ destination: BLUEZ, path, iface, member, signature, body });

  const set = async (
    path: string,
    iface: string,
    property: string,
    signature: string,
    value: unknown,
  ): Promise<void> => {
    await call(path, PROPERTIES, "Set", "ssv", [iface, property, variant(signature, value)]);
  };

  const begin = async (): Promise<void> => {
    await bus.ready;
    for (const rule of MATCH_RULES) {
      const addMatch = { destination: BUS, path: BUS_PATH, iface: BUS, member: "AddMatch" };
      await bus.call({ ...addMatch, signature: "s", body: [rule] });
    }
    const answer = await call("/", OBJECTS, "GetManagedObjects");
    owner = answer.sender;
    const objects = objectsOf(answer.body[0]);
    const ours = objects.get(adapterPath)?.[ADAPTER];
    if (ours === undefined) {
      const others = [...objects].filter(([, interfaces]) => ADAPTER in interfaces).map(([path]) => path.slice(11));
      throw adapterAbsent(adapter, new Error(`no such adapter, BlueZ has ${others.join(", ") || "none"}`));
    }
    adapterChanged(ours);
    devices.load(objects);
    const waiting = missed ?? [];
    missed = null;
    for (const signal of waiting) hear(signal);
    if (over) throw adapterAbsent(adapter, new Error("BlueZ has stopped"));
    isUp = true;
  };

  return {
    devices,
    begin,
    get powered() {
      return powered;
    },
    setPowered: async (on) => {
      isUp = false;
      await set(adapterPath, ADAPTER, "Powered", "b", on);
      powered = on;
      isUp = true;
    },
    onAdapter: async (member, signature, body) => void (await call(adapterPath, ADAPTER, member, signature, body)),
    setOnAdapter: (property, signature, value) => set(adapterPath, ADAPTER, property, signature, value),
    onDevice: async (path, member) => void (await call(path, DEVICE, member)),
    setOnDevice: (path, property, signature, value) => set(path, DEVICE, property, signature, value),
    onCharacteristic: async (path, member, signature, body) =>
      (await call(path, CHARACTERISTIC, member, signature, body)).body,
    onAgents: async (member, signature, body) =>
      void (await call("/org/bluez", AGENT_MANAGER, member, signature, body)),
    objects: async () => objectsOf((await call("/", OBJECTS, "GetManagedObjects")).body[0]),
    listen: (path, given) => {
      if (listeners.has(path)) {
        throw new HubError("invalid-argument", `connection to ${path}: there is one already; end that one first`);
      }
      listeners.set(path, given);
      return () => {
        if (listeners.get(path) === given) listeners.delete(path);
      };
    },
    close: () => {
      over = true;
      bus.close();
    },
  };
};

/** An error of a call, with the name that the bus gives it, for `adapterAbsent`. */
export const named = (thrown: unknown): unknown => {
  const failure = failureOf(thrown);
  return failure === null ? thrown : new Error(`${failure.name}: ${failure.text}`, { cause: thrown });
};
