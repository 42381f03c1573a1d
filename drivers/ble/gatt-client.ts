import { HubError, isHubError } from "../../protocol/errors.ts";
import { type ChannelId, channelId } from "../../protocol/ids.ts";
import type { GattCharacteristic } from "../../protocol/ports/transport.ts";
import type { AttBearer } from "./att-bearer.ts";
import { ATT, ATT_ERROR, pdu, u16 } from "./att-pdu.ts";
import { uuidFromBytes } from "./uuid.ts";

/** GATT declarations (Core Vol 3 Part G 3). */
const PRIMARY_SERVICE = 0x2800;
const CHARACTERISTIC = 0x2803;
const CLIENT_CONFIGURATION = "2902";
const NOTIFY = 0x0001;
const INDICATE = 0x0002;

const LAST_HANDLE = 0xffff;
/** Longest attribute value (Core Vol 3 Part F 3.2.9). */
const VALUE_LIMIT = 512;
/** A sensor has 5 to 10 services with up to 10 characteristics; a peer that lists more is not one of ours. */
const ENTRY_LIMIT = 256;

/** A characteristic with where it is. Handles hold for this connection only. */
export interface Characteristic extends GattCharacteristic {
  readonly value: number;
  /** Last handle of its descriptors. */
  readonly end: number;
}

interface Service {
  readonly uuid: string;
  readonly start: number;
  readonly end: number;
}

type Property = GattCharacteristic["properties"] extends ReadonlySet<infer P> ? P : never;

/** Characteristic properties (Core Vol 3 Part G 3.3.1.1). */
const PROPERTIES: readonly (readonly [bit: number, property: Property])[] = [
  [0x02, "read"],
  [0x04, "write-without-response"],
  [0x08, "write"],
  [0x10, "notify"],
  [0x20, "indicate"],
];

const isError = (thrown: unknown, code: number): boolean =>
  isHubError(thrown, "ble-att-error") && thrown.context.attError === code;

/** The response, or null where the server has nothing (more) of the kind. */
const ask = async (
  bearer: AttBearer,
  attempted: string,
  request: Uint8Array,
  signal: AbortSignal,
): Promise<Uint8Array | null> => {
  try {
    return await bearer.request(attempted, request, signal);
  } catch (thrown) {
    if (isError(thrown, ATT_ERROR.attributeNotFound)) return null;
    throw thrown;
  }
};

/** Entries of a list response: opcode, width, entries of that width. Anything else is an empty list. */
const entriesOf = (response: Uint8Array, widths: readonly number[]): readonly Uint8Array[] => {
  const width = response[1] ?? 0;
  if (!widths.includes(width)) return [];
  const entries: Uint8Array[] = [];
  for (let at = 2; at + width <= response.length; at += width) entries.push(response.subarray(at, at + width));
  return entries;
};

/** Ask for lists until the range is covered. A server that does not get on ends the list. */
async function* listed<T extends { readonly from: number; readonly to: number }>(
  range: readonly [from: number, to: number],
  request: (from: number, to: number) => Promise<readonly T[] | null>,
): AsyncGenerator<T> {
  let [from, count] = [range[0], 0];
  while (from <= range[1]) {
    const found = (await request(from, range[1])) ?? [];
    for (const one of found) {
      if (one.from < from || one.to < one.from || ++count > ENTRY_LIMIT) return;
      from = one.to + 1;
      yield one;
    }
    if (found.length === 0) return;
  }
}

const services = (bearer: AttBearer, signal: AbortSignal) =>
  listed([1, LAST_HANDLE], async (from, to) => {
    const request = pdu(ATT.readByGroupTypeRequest, from, to, PRIMARY_SERVICE);
    const response = await ask(bearer, "discovery of services", request, signal);
    return (
      response &&
      entriesOf(response, [6, 20]).map((entry) => {
        const service: Service = { uuid: uuidFromBytes(entry.subarray(4)), start: u16(entry, 0), end: u16(entry, 2) };
        return { from: service.start, to: service.end, service };
      })
    );
  });

const declarations = (bearer: AttBearer, { start, end }: Service, signal: AbortSignal) =>
  listed([start, end], async (from, to) => {
    const request = pdu(ATT.readByTypeRequest, from, to, CHARACTERISTIC);
    const response = await ask(bearer, "discovery of characteristics", request, signal);
    return (
      response &&
      entriesOf(response, [7, 21]).map((entry) => {
        const at = u16(entry, 0);
        const properties = new Set(PROPERTIES.filter(([bit]) => ((entry[2] ?? 0) & bit) !== 0).map(([, name]) => name));
        return { from: at, to: at, properties, value: u16(entry, 3), uuid: uuidFromBytes(entry.subarray(5)) };
      })
    );
  });

/** All characteristics of all primary services, in handle order (Core Vol 3 Part G 4.4.1 and 4.6.1). */
export const discover = async (bearer: AttBearer, signal: AbortSignal): Promise<readonly Characteristic[]> => {
  const found: Characteristic[] = [];
  for await (const { service } of services(bearer, signal)) {
    const declared = await Array.fromAsync(declarations(bearer, service, signal));
    for (const [i, { properties, value, uuid }] of declared.entries()) {
      const following = declared[i + 1];
      const end = following === undefined ? service.end : following.from - 1;
      found.push({ service: service.uuid, channel: channelId(uuid), properties, value, end });
    }
  }
  return found;
};

/** The whole value, also where it is longer than one packet (4.8.3). */
export const readValue = async (
  bearer: AttBearer,
  { channel, value }: Characteristic,
  signal: AbortSignal,
): Promise<Uint8Array> => {
  const attempted = `read of ${channel}`;
  const first = await bearer.request(attempted, pdu(ATT.readRequest, value), signal);
  let bytes = first.slice(1);
  for (let full = first.length === bearer.mtu; full && bytes.length < VALUE_LIMIT; ) {
    try {
      const more = await bearer.request(attempted, pdu(ATT.readBlobRequest, value, bytes.length), signal);
      bytes = Uint8Array.from([...bytes, ...more.slice(1)]);
      full = more.length === bearer.mtu;
    } catch (thrown) {
      // How a server says that the value ended exactly at the end of a packet (Part F 3.4.4.5).
      if (isError(thrown, ATT_ERROR.invalidOffset) || isError(thrown, ATT_ERROR.attributeNotLong)) break;
      throw thrown;
    }
  }
  return bytes.slice(0, VALUE_LIMIT);
};

/** With response where the characteristic has it, so that it is known to have arrived. */
export const writeValue = async (
  bearer: AttBearer,
  { channel, value, properties }: Characteristic,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<void> => {
  const attempted = `write to ${channel}`;
  if (bytes.length > bearer.mtu - 3) {
    const found = `${bytes.length} bytes do not fit a packet of ${bearer.mtu}; write less at a time`;
    throw new HubError("invalid-argument", `${attempted}: ${found}`);
  }
  if (!properties.has("write") && properties.has("write-without-response")) {
    return bearer.send(Uint8Array.from([...pdu(ATT.writeCommand, value), ...bytes]));
  }
  await bearer.request(attempted, Uint8Array.from([...pdu(ATT.writeRequest, value), ...bytes]), signal);
};

const clientConfiguration = async (
  bearer: AttBearer,
  { channel, value, end }: Characteristic,
  signal: AbortSignal,
): Promise<number | null> => {
  const descriptors = listed([value + 1, end], async (from, to) => {
    const request = pdu(ATT.findInformationRequest, from, to);
    const response = await ask(bearer, `discovery of the descriptors of ${channel}`, request, signal);
    // Format 1 lists 2 + 2 bytes, format 2 lists 2 + 16 (Part F 3.4.3.2).
    const width = response?.[1] === 1 ? 4 : 18;
    return (
      response &&
      entriesOf(Uint8Array.from([0, width, ...response.subarray(2)]), [4, 18]).map((entry) => {
        const handle = u16(entry, 0);
        return { from: handle, to: handle, uuid: uuidFromBytes(entry.subarray(2)) };
      })
    );
  });
  for await (const { from, uuid } of descriptors) if (uuid === CLIENT_CONFIGURATION) return from;
  return null;
};

/** Enable indications, which are confirmed when durable; notifications where there is nothing better (4.10, 4.11). */
export const enableValues = async (
  bearer: AttBearer,
  characteristic: Characteristic,
  signal: AbortSignal,
): Promise<void> => {
  const attempted = `subscription to ${characteristic.channel}`;
  const handle = await clientConfiguration(bearer, characteristic, signal);
  if (handle === null) {
    throw new HubError(
      "ble-att-error",
      `${attempted}: the characteristic cannot be subscribed to; check the catalogue entry`,
      {
        context: { attError: ATT_ERROR.attributeNotFound },
      },
    );
  }
  const mode = characteristic.properties.has("indicate") ? INDICATE : NOTIFY;
  await bearer.request(attempted, pdu(ATT.writeRequest, handle, mode), signal);
};

/** Throws `ble-att-error` where the sensor does not have it. */
export const characteristicOf = (
  table: ReadonlyMap<ChannelId, Characteristic>,
  channel: ChannelId,
  attempted: string,
): Characteristic => {
  const found = table.get(channel);
  if (found !== undefined) return found;
  throw new HubError(
    "ble-att-error",
    `${attempted} ${channel}: the sensor does not have it; check its catalogue entry`,
    {
      context: { attError: ATT_ERROR.attributeNotFound },
    },
  );
};
