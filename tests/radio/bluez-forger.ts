import { Message, Variant } from "dbus-next";
import { fromHex } from "../../protocol/bytes.ts";
import { busAt } from "./dbus-daemon.ts";

/** A program on the bus that is not BlueZ, and sends the hub signals as if it were. */
export interface Forger extends AsyncDisposable {
  value(path: string, hex: string): Promise<void>;
  powerOff(): Promise<void>;
  /** Ask the hub's agent. Resolves with its answer, or the error. */
  ask(path: string, member: string, device: string): Promise<unknown>;
}

export const startForger = async (busAddress: string, hub: string): Promise<Forger> => {
  const bus = busAt(busAddress);
  const send = async (path: string, iface: string, values: Record<string, Variant>): Promise<void> => {
    const signal = Message.newSignal(path, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as", [
      iface,
      values,
      [],
    ]);
    signal.destination = hub;
    bus.send(signal);
    // An answer of the hub: what was sent before it has been delivered.
    await bus.call(
      new Message({ destination: hub, path: "/", interface: "org.freedesktop.DBus.Peer", member: "Ping" }),
    );
  };
  return {
    value: (path, hex) =>
      send(path, "org.bluez.GattCharacteristic1", { Value: new Variant("ay", Buffer.from(fromHex(hex))) }),
    powerOff: () => send("/org/bluez/hci0", "org.bluez.Adapter1", { Powered: new Variant("b", false) }),
    ask: async (path, member, device) => {
      const call = { destination: hub, path, interface: "org.bluez.Agent1", member, signature: "o", body: [device] };
      return bus.call(new Message(call)).then(
        (answer) => answer?.body,
        (thrown: unknown) => thrown,
      );
    },
    [Symbol.asyncDispose]: async () => bus.disconnect(),
  };
};
