import { DBusError, type Variant } from "dbus-next";

export type Fault = "silent" | { readonly name: string; readonly text: string };
export type Interfaces = Record<string, Record<string, Variant>>;

/** What the sensors of the mock need of it. */
export interface MockBus {
  readonly objects: Map<string, Interfaces>;
  /** Subscribed programs by the path of the characteristic. */
  readonly notifying: Map<string, Set<string>>;
  /** As BlueZ from 5.83 on: says why a link ended. */
  readonly tellsReasons: boolean;
  isDiscovering(): boolean;
  agentOf(sender: string | null): { readonly owner: string; readonly path: string; readonly capability: string } | null;
  /** Call the agent of `sender` (null: the default agent), as bluetoothd does. Rejects with its error. */
  ask(sender: string | null, member: string, signature: string, body: readonly unknown[]): Promise<unknown>;
  add(path: string, interfaces: Interfaces): void;
  change(path: string, iface: string, values: Record<string, Variant>, gone?: readonly string[]): void;
  remove(path: string): void;
  signal(path: string, iface: string, member: string, signature: string, body: readonly unknown[]): void;
  property(path: string, iface: string, name: string): unknown;
}

export const bluezError = (name: string, text: string): DBusError => new DBusError(`org.bluez.Error.${name}`, text);
