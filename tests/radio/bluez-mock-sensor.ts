import { DBusError, Variant } from "dbus-next";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { bluezError, type MockBus } from "./bluez-mock-bus.ts";

const DEVICE = "org.bluez.Device1";
const CHARACTERISTIC = "org.bluez.GattCharacteristic1";

export const longUuid = (short: string): string => `0000${short}-0000-1000-8000-00805f9b34fb`;

export interface MockCharacteristic {
  readonly service: string;
  readonly uuid: string;
  readonly flags: readonly string[];
  /** What a read gives, as hex. */
  readonly value?: string;
}

/** How a sensor pairs: what it shows, what it wants to be typed, or nothing. */
export type MockPairing =
  | { readonly tag: "just-works" }
  /** The sensor shows it, the hub asks for it. */
  | { readonly tag: "ask"; readonly passkey: number }
  /** The hub shows it, the sensor's user types it. */
  | { readonly tag: "show"; readonly passkey: number }
  | { readonly tag: "compare"; readonly number: number };

export interface MockSensorOptions {
  /** Upper-case with colons, as BlueZ writes it. */
  readonly address: string;
  readonly addressType?: "public" | "random";
  readonly services?: readonly string[];
  readonly characteristics?: readonly MockCharacteristic[];
  readonly pairing?: MockPairing;
  readonly paired?: boolean;
  readonly trusted?: boolean;
  /** As some sensors do once they are paired, before they are discovered. */
  readonly hangsUpWhenPaired?: boolean;
}

/** A sensor as BlueZ has it: what it does on the air, and what BlueZ answers for it. */
export interface MockSensor {
  readonly path: string;
  /** Bytes written to it: `2a52 0101`. */
  readonly written: string[];
  /** It is off or out of range: attempts to connect go on until they are taken back. */
  isReachable: boolean;
  /** BlueZ does not say that it is connected, as happens where its ATT socket is open before the kernel's event. */
  connectsQuietly: boolean;
  /** It has lost the keys that BlueZ still has. */
  hasForgottenBond: boolean;
  /** Disconnect is answered, and the link goes on. */
  lingers: boolean;
  /** Sent as soon as BlueZ has subscribed: by uuid, as hex. */
  readonly waiting: { readonly uuid: string; readonly hex: string }[];
  /** Errors of BlueZ by `ReadValue 2a19`. */
  readonly errors: Map<string, { readonly name: string; readonly text: string }>;
  advertise(rssi?: number): void;
  /** BlueZ remembers it, without having heard it. */
  isKnown(): void;
  /** BlueZ tells something of it that has not come over the air. */
  isRenamed(alias: string): void;
  /** False where BlueZ drops it, because nobody has subscribed. */
  send(uuid: string, hex: string): boolean;
  hangUp(reason?: string): void;
  called(member: string, sender: string, path: string, body: readonly unknown[]): Promise<Answer>;
  removedByBluez(): Promise<void>;
  /** BlueZ knows nothing of it when it advertises next. */
  isNew(): void;
}

type Answer = { readonly signature: string; readonly body: readonly unknown[] } | null;

export const createMockSensor = (mock: MockBus, path: string, options: MockSensorOptions): MockSensor => {
  const characteristics = options.characteristics ?? [];
  const services = [...new Set(characteristics.map(({ service }) => service))];
  const errors: MockSensor["errors"] = new Map();
  const written: string[] = [];
  const waiting: { uuid: string; hex: string }[] = [];
  let pending: ((error: Error) => void) | null = null;

  const is = (name: string): boolean => mock.property(path, DEVICE, name) === true;
  const set = (name: string, value: boolean): void => mock.change(path, DEVICE, { [name]: new Variant("b", value) });

  const objectOf = (one: MockCharacteristic): string => {
    const service = 0x10 * (1 + services.indexOf(one.service));
    const own = service + 1 + 3 * characteristics.filter(({ service: of }) => of === one.service).indexOf(one);
    const hex = (number: number): string => number.toString(16).padStart(4, "0");
    return `${path}/service${hex(service)}/char${hex(own)}`;
  };
  const at = (object: string): MockCharacteristic | undefined =>
    characteristics.find((one) => objectOf(one) === object);

  let remembered = { paired: options.paired ?? false, trusted: options.trusted ?? options.paired ?? false };
  const known = (rssi: number | null): void =>
    mock.add(path, {
      [DEVICE]: {
        Address: new Variant("s", options.address),
        AddressType: new Variant("s", options.addressType ?? "public"),
        UUIDs: new Variant("as", (options.services ?? services).map(longUuid)),
        Paired: new Variant("b", remembered.paired),
        Trusted: new Variant("b", remembered.trusted),
        Connected: new Variant("b", false),
        ServicesResolved: new Variant("b", false),
        ...(rssi === null ? {} : { RSSI: new Variant("n", rssi) }),
      },
    });

  const hasValue = (object: string, bytes: Uint8Array): void =>
    mock.change(object, CHARACTERISTIC, { Value: new Variant("ay", Buffer.from(bytes)) });

  const sendTo = (one: MockCharacteristic, hex: string): boolean => {
    const object = objectOf(one);
    if (!is("Connected") || (mock.notifying.get(object)?.size ?? 0) === 0) return false;
    hasValue(object, fromHex(hex));
    return true;
  };

  const sendWaiting = (): void => {
    for (const { uuid, hex } of waiting.splice(0)) {
      const one = characteristics.find((candidate) => candidate.uuid === uuid);
      if (one === undefined || !sendTo(one, hex)) waiting.push({ uuid, hex });
    }
  };

  const discover = (): void => {
    for (const service of services) {
      const first = characteristics.find((one) => one.service === service);
      const object = first === undefined ? "" : objectOf(first).replace(/\/char.*/, "");
      if (mock.objects.has(object)) continue;
      mock.add(object, {
        "org.bluez.GattService1": { UUID: new Variant("s", longUuid(service)), Primary: new Variant("b", true) },
      });
      for (const one of characteristics.filter(({ service: of }) => of === service)) {
        mock.add(objectOf(one), {
          [CHARACTERISTIC]: {
            UUID: new Variant("s", longUuid(one.uuid)),
            Service: new Variant("o", object),
            Flags: new Variant("as", [...one.flags]),
            MTU: new Variant("q", 247),
          },
        });
      }
    }
    set("ServicesResolved", true);
  };

  const hangUp = (reason = "org.bluez.Reason.Remote"): void => {
    if (!is("Connected")) return;
    pending?.(bluezError("Failed", "br-connection-canceled"));
    if (mock.tellsReasons) mock.signal(path, DEVICE, "Disconnected", "ss", [reason, "Connection terminated"]);
    set("Connected", false);
    set("ServicesResolved", false);
  };

  const connect = async (): Promise<Answer> => {
    if (is("Connected")) return null;
    if (pending !== null) throw bluezError("Failed", "Operation already in progress");
    if (!sensor.isReachable) {
      await new Promise<never>((_, reject) => {
        pending = (error) => {
          pending = null;
          reject(error);
        };
      });
    }
    if (sensor.connectsQuietly)
      Object.assign(mock.objects.get(path)?.[DEVICE] ?? {}, { Connected: new Variant("b", true) });
    else set("Connected", true);
    if (is("Paired") && sensor.hasForgottenBond) {
      queueMicrotask(() => hangUp("org.bluez.Reason.Authentication"));
      throw bluezError("Failed", "br-connection-canceled");
    }
    // Subscriptions of programs that are still there are taken up before anybody is told of the services.
    if (mock.objects.has(characteristics[0] === undefined ? "" : objectOf(characteristics[0]))) sendWaiting();
    setImmediate(discover);
    return null;
  };

  const pair = async (sender: string): Promise<Answer> => {
    if (is("Paired")) throw bluezError("AlreadyExists", "Already Paired");
    if (!sensor.isReachable) throw bluezError("ConnectionAttemptFailed", "Page Timeout");
    const pairing = options.pairing ?? { tag: "just-works" };
    if (!is("Connected")) set("Connected", true);
    const failed = (): Error => {
      set("Connected", false);
      return bluezError("AuthenticationFailed", "Authentication Failed");
    };
    // Without input and output on the hub's side nobody can be asked: Just Works.
    const silent = mock.agentOf(sender)?.capability === "NoInputNoOutput";
    try {
      if (silent || pairing.tag === "just-works") await Promise.resolve();
      else if (pairing.tag === "ask") {
        if ((await mock.ask(sender, "RequestPasskey", "o", [path])) !== pairing.passkey) throw failed();
      } else if (pairing.tag === "show") {
        for (let typed = 0; typed <= 6; typed++) {
          await mock.ask(sender, "DisplayPasskey", "ouq", [path, pairing.passkey, typed]);
        }
      } else await mock.ask(sender, "RequestConfirmation", "ou", [path, pairing.number]);
    } catch {
      throw failed();
    }
    set("Paired", true);
    sensor.hasForgottenBond = false;
    if (options.hangsUpWhenPaired === true) {
      hangUp();
      throw bluezError("Failed", "Software caused connection abort");
    }
    discover();
    return null;
  };

  const disconnect = async (): Promise<Answer> => {
    const attempt = pending;
    attempt?.(bluezError("Failed", "br-connection-canceled"));
    // BlueZ answers first and tells then that the link is gone.
    if (is("Connected") && !sensor.lingers) setImmediate(() => hangUp("org.bluez.Reason.Local"));
    return null;
  };

  const onCharacteristic = async (
    member: string,
    sender: string,
    object: string,
    [first]: readonly unknown[],
  ): Promise<Answer> => {
    const one = at(object);
    if (one === undefined) throw bluezError("Failed", "no such characteristic");
    if (member === "StopNotify") {
      if (mock.notifying.get(object)?.delete(sender) !== true) throw bluezError("Failed", "No notify session started");
      return null;
    }
    if (!is("Connected")) throw bluezError("Failed", "Not connected");
    const error = errors.get(`${member} ${one.uuid}`);
    if (error !== undefined) throw new DBusError(error.name, error.text);
    switch (member) {
      case "ReadValue": {
        const bytes = fromHex(one.value ?? "");
        hasValue(object, bytes);
        return { signature: "ay", body: [Buffer.from(bytes)] };
      }
      case "WriteValue":
        written.push(`${one.uuid} ${toHex(first instanceof Uint8Array ? first : Uint8Array.of())}`);
        return null;
      case "StartNotify":
        mock.notifying.set(object, (mock.notifying.get(object) ?? new Set()).add(sender));
        setImmediate(sendWaiting);
        return null;
      default:
        throw bluezError("NotSupported", "Operation is not supported");
    }
  };

  const sensor: MockSensor = {
    path,
    written,
    isReachable: true,
    hasForgottenBond: false,
    connectsQuietly: false,
    lingers: false,
    waiting,
    errors,
    advertise: (rssi = -60) => {
      if (!mock.isDiscovering()) return;
      if (!mock.objects.has(path)) known(rssi);
      else mock.change(path, DEVICE, { RSSI: new Variant("n", rssi) });
    },
    send: (uuid, hex) => {
      const one = characteristics.find((candidate) => candidate.uuid === uuid);
      return one !== undefined && sendTo(one, hex);
    },
    hangUp,
    isKnown: () => known(null),
    isRenamed: (alias) =>
      mock.change(path, DEVICE, { Alias: new Variant("s", alias), UUIDs: new Variant("as", services.map(longUuid)) }),
    called: (member, sender, object, body) => {
      if (object !== path) return onCharacteristic(member, sender, object, body);
      switch (member) {
        case "Connect":
          return connect();
        case "Disconnect":
          return disconnect();
        case "Pair":
          return pair(sender);
        case "CancelPairing":
          return Promise.reject(bluezError("DoesNotExist", "Does Not Exist"));
        default:
          return Promise.reject(bluezError("NotSupported", member));
      }
    },
    removedByBluez: async () => {
      hangUp("org.bluez.Reason.Local");
      mock.remove(path);
    },
    isNew: () => {
      remembered = { paired: false, trusted: false };
    },
  };
  if (options.paired === true) known(null);
  return sensor;
};
