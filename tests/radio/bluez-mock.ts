import { DBusError, Message, Variant } from "dbus-next";
import { bluezError, type Fault, type Interfaces, type MockBus } from "./bluez-mock-bus.ts";
import { createMockSensor, type MockSensor, type MockSensorOptions } from "./bluez-mock-sensor.ts";
import { busAt } from "./dbus-daemon.ts";

/** Names as BlueZ has them, written down again so that a wrong one in the hub cannot agree with itself. */
const ADAPTER = "org.bluez.Adapter1";
const PROPERTIES = "org.freedesktop.DBus.Properties";
const OBJECTS = "org.freedesktop.DBus.ObjectManager";
const ADAPTER_PATH = "/org/bluez/hci0";

/**
 * org.bluez on a real bus: as much of bluetoothd 5.66 as the hub uses, in the order of signals and answers that its
 * sources have (src/device.c, src/adapter.c, src/gatt-client.c), and the Disconnected signal of 5.83 where asked for.
 */
export interface MockBluez extends MockBus, AsyncDisposable {
  /** What was called, in order: `StartDiscovery`, `Connect dev_C0_..`, `StartNotify service0010/char0011`. */
  readonly calls: string[];
  /** What a call is answered with instead, by its member; of Set by `Set Powered`. */
  readonly faults: Map<string, Fault>;
  /** What BlueZ does as soon as it has answered, by the member of the call. */
  readonly afterAnswer: Map<string, () => void>;
  sensor(options: MockSensorOptions): MockSensor;
  /** Somebody else switches the adapter. */
  power(on: boolean): void;
  /** bluetoothd ends: its name has no owner any more. */
  stop(): Promise<void>;
}

type Method = (sender: string, path: string, body: readonly unknown[]) => Promise<Answer> | Answer;
type Answer = { readonly signature: string; readonly body: readonly unknown[] } | null;

export interface MockBluezOptions {
  readonly powered?: boolean;
  readonly adapter?: boolean;
  /** As BlueZ from 5.83 on. */
  readonly tellsReasons?: boolean;
}

export const startMockBluez = async (busAddress: string, options: MockBluezOptions = {}): Promise<MockBluez> => {
  const bus = busAt(busAddress);
  const objects = new Map<string, Interfaces>();
  const calls: string[] = [];
  const faults = new Map<string, Fault>();
  const notifying = new Map<string, Set<string>>();
  const sensors = new Map<string, MockSensor>();
  const discovering = new Set<string>();
  const agents: { owner: string; path: string; capability: string }[] = [];
  let isRunning = true;

  const send = (message: Message): void => {
    if (isRunning) bus.send(message);
  };
  const signal: MockBus["signal"] = (path, iface, member, signature, body) =>
    send(Message.newSignal(path, iface, member, signature, [...body]));
  const property: MockBluez["property"] = (path, iface, name) => objects.get(path)?.[iface]?.[name]?.value;

  const change: MockBluez["change"] = (path, iface, values, gone = []) => {
    const properties = objects.get(path)?.[iface];
    if (properties === undefined) return;
    Object.assign(properties, values);
    for (const name of gone) delete properties[name];
    signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [iface, values, [...gone]]);
  };
  const add: MockBluez["add"] = (path, interfaces) => {
    objects.set(path, interfaces);
    signal("/", OBJECTS, "InterfacesAdded", "oa{sa{sv}}", [path, interfaces]);
  };
  const remove: MockBluez["remove"] = (path) => {
    for (const below of [...objects.keys()].filter((one) => one === path || one.startsWith(`${path}/`)).reverse()) {
      const names = Object.keys(objects.get(below) ?? {});
      objects.delete(below);
      signal("/", OBJECTS, "InterfacesRemoved", "oas", [below, names]);
    }
  };

  const stopDiscovery = (sender: string): void => {
    if (!discovering.delete(sender) || discovering.size > 0) return;
    for (const { path } of sensors.values()) {
      if (property(path, "org.bluez.Device1", "RSSI") !== undefined) change(path, "org.bluez.Device1", {}, ["RSSI"]);
    }
  };

  const agentOf: MockBluez["agentOf"] = (sender) => agents.find(({ owner }) => owner === sender) ?? agents[0] ?? null;
  const ask: MockBluez["ask"] = async (sender, member, signature, body) => {
    const agent = agentOf(sender);
    if (agent === null) throw bluezError("AgentNotAvailable", "No agent available");
    const { owner: destination, path } = agent;
    const answer = await bus.call(
      new Message({ destination, path, interface: "org.bluez.Agent1", member, signature, body: [...body] }),
    );
    return answer?.body[0];
  };

  const mock: MockBluez = {
    objects,
    calls,
    faults,
    afterAnswer: new Map(),
    notifying,
    tellsReasons: options.tellsReasons ?? false,
    sensor: (sensorOptions) => {
      const made = createMockSensor(
        mock,
        `${ADAPTER_PATH}/dev_${sensorOptions.address.toUpperCase().replaceAll(":", "_")}`,
        sensorOptions,
      );
      sensors.set(made.path, made);
      return made;
    },
    isDiscovering: () => discovering.size > 0,
    agentOf,
    ask,
    add,
    change,
    remove,
    signal,
    property,
    power: (on) => change(ADAPTER_PATH, ADAPTER, { Powered: new Variant("b", on) }),
    stop: async () => {
      isRunning = false;
      bus.disconnect();
    },
    [Symbol.asyncDispose]: async () => mock.stop(),
  };

  const methods: Record<string, Method> = {
    GetManagedObjects: () => ({ signature: "a{oa{sa{sv}}}", body: [Object.fromEntries(objects)] }),
    Set: (_, path, [iface, name, value]) => {
      if (!(value instanceof Variant)) throw bluezError("InvalidArguments", "Invalid arguments in method call");
      calls.push(`Set ${String(name)} ${String(value.value)}`);
      const fault = faults.get(`Set ${String(name)}`);
      if (fault !== undefined && fault !== "silent") throw new DBusError(fault.name, fault.text);
      change(path, String(iface), { [String(name)]: value });
      return null;
    },
    SetDiscoveryFilter: () => null,
    StartDiscovery: (sender) => {
      if (property(ADAPTER_PATH, ADAPTER, "Powered") !== true) throw bluezError("NotReady", "Resource Not Ready");
      if (discovering.has(sender)) throw bluezError("InProgress", "Operation already in progress");
      discovering.add(sender);
      return null;
    },
    StopDiscovery: (sender) => {
      if (!discovering.has(sender)) throw bluezError("Failed", "No discovery started");
      stopDiscovery(sender);
      return null;
    },
    RemoveDevice: async (_, __, [path]) => {
      await sensors.get(String(path))?.removedByBluez();
      return null;
    },
    RegisterAgent: (owner, _, [path, capability]) => {
      if (agents.some((one) => one.owner === owner)) throw bluezError("AlreadyExists", "Already Exists");
      agents.push({ owner, path: String(path), capability: String(capability) });
      return null;
    },
    RequestDefaultAgent: (owner) => {
      agents.sort((a, b) => Number(b.owner === owner) - Number(a.owner === owner));
      return null;
    },
    UnregisterAgent: (owner) => {
      const at = agents.findIndex((one) => one.owner === owner);
      if (at < 0) throw bluezError("DoesNotExist", "Does Not Exist");
      agents.splice(at, 1);
      return null;
    },
  };

  const answerTo = async (message: Message): Promise<Answer> => {
    const { member, path, sender, body } = message;
    const method = methods[member];
    if (method !== undefined) {
      if (member !== "Set" && member !== "GetManagedObjects") calls.push(member);
      return method(sender, path, body);
    }
    const sensor = [...sensors.values()].find((one) => path === one.path || path.startsWith(`${one.path}/`));
    if (sensor === undefined || !objects.has(path)) {
      throw new DBusError(
        "org.freedesktop.DBus.Error.UnknownObject",
        `Method "${member}" with signature "" doesn't exist`,
      );
    }
    calls.push(
      `${member} ${path === sensor.path ? path.slice(ADAPTER_PATH.length + 1) : path.slice(sensor.path.length + 1)}`,
    );
    return sensor.called(member, sender, path, body);
  };

  bus.addMethodHandler((message: Message) => {
    const fault = faults.get(message.member);
    if (fault === "silent") {
      calls.push(`${message.member} (not answered)`);
      return true;
    }
    const answered = fault === undefined ? answerTo(message) : Promise.reject(new DBusError(fault.name, fault.text));
    answered.then(
      (answer) => {
        send(Message.newMethodReturn(message, answer?.signature ?? "", [...(answer?.body ?? [])]));
        mock.afterAnswer.get(message.member)?.();
      },
      (thrown: unknown) => {
        const error = thrown instanceof DBusError ? thrown : bluezError("Failed", String(thrown));
        send(Message.newError(message, error.type, error.text));
      },
    );
    return true;
  });

  bus.on("message", ({ sender, member, body: [name, , now] }) => {
    if (sender !== "org.freedesktop.DBus" || member !== "NameOwnerChanged" || now !== "") return;
    stopDiscovery(String(name));
    for (const owners of notifying.values()) owners.delete(String(name));
    for (let at = agents.length - 1; at >= 0; at--) if (agents[at]?.owner === name) agents.splice(at, 1);
  });
  await bus.call(
    new Message({
      destination: "org.freedesktop.DBus",
      path: "/org/freedesktop/DBus",
      interface: "org.freedesktop.DBus",
      member: "AddMatch",
      signature: "s",
      body: ["type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'"],
    }),
  );
  if (options.adapter !== false) {
    objects.set(ADAPTER_PATH, {
      [ADAPTER]: {
        Address: new Variant("s", "00:1A:7D:DA:71:11"),
        Powered: new Variant("b", options.powered ?? true),
        Pairable: new Variant("b", true),
      },
    });
  }
  await bus.requestName("org.bluez");
  return mock;
};
