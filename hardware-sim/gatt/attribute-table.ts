import { le16, octets } from "../radio/little-endian.ts";
import { TYPE } from "./att-codes.ts";
import { type Uuid, uuidOctets, uuidOf } from "./uuid.ts";

export type Property = "read" | "write-without-response" | "write" | "notify" | "indicate";

/** What a link must be before a value may be touched: anything, encrypted, or encrypted after pairing with a person. */
export type Security = "open" | "encrypted" | "authenticated";

/** A characteristic as data. */
export interface CharacteristicDefinition {
  readonly uuid: string;
  readonly properties: readonly Property[];
  /** What a read gives; without it reading is not permitted. */
  read?(): Uint8Array;
  /** Takes a written value; an ATT error code refuses it. Without it writing is not permitted. */
  write?(value: Uint8Array): number | null;
  /** For the value and for its client configuration. Default open. */
  readonly security?: Security;
}

export interface ServiceDefinition {
  readonly uuid: string;
  readonly characteristics: readonly CharacteristicDefinition[];
}

export interface Attribute {
  readonly handle: number;
  readonly type: Uuid;
  readonly role: "service" | "declaration" | "value" | "configuration";
  /** Last handle of the group for a service, else the handle itself. */
  readonly groupEnd: number;
  /** Value of a service or characteristic declaration. */
  readonly fixed: Uint8Array;
  readonly characteristic: CharacteristicDefinition | null;
}

/** Bits of a characteristic declaration (Core Vol 3 Part G 3.3.1.1). */
const PROPERTY_BIT: Readonly<Record<Property, number>> = {
  read: 0x02,
  "write-without-response": 0x04,
  write: 0x08,
  notify: 0x10,
  indicate: 0x20,
};

const NOTHING = new Uint8Array();

const isConfigurable = ({ properties }: CharacteristicDefinition): boolean =>
  properties.includes("notify") || properties.includes("indicate");

const attributesOf = ({ characteristics }: ServiceDefinition): number =>
  1 + characteristics.reduce((count, one) => count + (isConfigurable(one) ? 3 : 2), 0);

const characteristicAttributes = (characteristic: CharacteristicDefinition, first: number): readonly Attribute[] => {
  const uuid = uuidOf(characteristic.uuid);
  const bits = characteristic.properties.reduce((field, property) => field | PROPERTY_BIT[property], 0);
  const at = (handle: number) => ({ handle, groupEnd: handle, characteristic });
  const declared = octets(bits, le16(first + 1), uuidOctets(uuid));
  return [
    { ...at(first), type: TYPE.CHARACTERISTIC, role: "declaration", fixed: declared },
    { ...at(first + 1), type: uuid, role: "value", fixed: NOTHING },
    ...(isConfigurable(characteristic)
      ? [{ ...at(first + 2), type: TYPE.CLIENT_CONFIGURATION, role: "configuration" as const, fixed: NOTHING }]
      : []),
  ];
};

/** Lay services out from handle 1, each characteristic as declaration, value and, where it can notify, configuration. */
export const attributeTable = (services: readonly ServiceDefinition[]): readonly Attribute[] => {
  const table: Attribute[] = [];
  for (const service of services) {
    const handle = table.length + 1;
    table.push({
      handle,
      type: TYPE.PRIMARY_SERVICE,
      role: "service",
      groupEnd: handle + attributesOf(service) - 1,
      fixed: uuidOctets(uuidOf(service.uuid)),
      characteristic: null,
    });
    for (const characteristic of service.characteristics) {
      table.push(...characteristicAttributes(characteristic, table.length + 1));
    }
  }
  return table;
};
