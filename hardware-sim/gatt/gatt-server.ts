import { type Attribute, attributeTable, type ServiceDefinition } from "./attribute-table.ts";
import { createGattConnection, type GattConnection, type GattConnectionOptions } from "./gatt-connection.ts";
import { type Uuid, uuidOf } from "./uuid.ts";

/** Most bonded peers whose subscriptions are remembered; the one that came first is forgotten first. */
const MAX_REMEMBERED_PEERS = 8;

/** Handles of one characteristic. */
export interface CharacteristicHandles {
  readonly value: number;
  /** Client configuration; null where it cannot notify. */
  readonly configuration: number | null;
}

export interface GattServer {
  readonly attributes: readonly Attribute[];
  /** Of the first characteristic with this UUID. Throws RangeError where there is none. */
  handlesOf(uuid: Uuid): CharacteristicHandles;
  connect(options: Omit<GattConnectionOptions, "attributes" | "remembered" | "remember">): GattConnection;
  /** Forget the subscriptions of one bonded peer, or of all. */
  forget(peer?: string): void;
}

/** A GATT database that any number of links may use, one connection object each. */
export const createGattServer = (services: readonly ServiceDefinition[]): GattServer => {
  const attributes = attributeTable(services);
  const remembered = new Map<string, ReadonlyMap<number, number>>();

  return {
    attributes,
    handlesOf: (uuid) => {
      const wanted = uuidOf(uuid);
      const value = attributes.find(({ role, type }) => role === "value" && type === wanted);
      if (value === undefined) throw new RangeError(`characteristic ${uuid}: not in this database`);
      const next = attributes[value.handle];
      return { value: value.handle, configuration: next?.role === "configuration" ? next.handle : null };
    },
    connect: (options) =>
      createGattConnection({
        ...options,
        attributes,
        remembered: (peer) => remembered.get(peer) ?? new Map(),
        remember: (peer, subscriptions) => {
          remembered.delete(peer);
          remembered.set(peer, subscriptions);
          for (const oldest of remembered.keys()) {
            if (remembered.size <= MAX_REMEMBERED_PEERS) break;
            remembered.delete(oldest);
          }
        },
      }),
    forget: (peer) => {
      if (peer === undefined) remembered.clear();
      else remembered.delete(peer);
    },
  };
};
