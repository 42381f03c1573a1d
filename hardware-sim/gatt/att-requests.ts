import { createFieldReader, type FieldReader, le16, octets, sameBytes } from "../radio/little-endian.ts";
import { ATT, ATT_ERROR, COMMAND_FLAG, MAX_VALUE_OCTETS, TYPE } from "./att-codes.ts";
import type { Attribute } from "./attribute-table.ts";
import { type Uuid, uuidFrom, uuidOctets } from "./uuid.ts";

/** What an attribute gave: its value, or the error code that a response shall carry. */
export type Access =
  | { readonly tag: "value"; readonly value: Uint8Array }
  | { readonly tag: "error"; readonly code: number };

/** How requests reach attributes. Permissions and security are checked inside. */
export interface AttributeAccess {
  read(attribute: Attribute): Access;
  /** Null where the value was taken. */
  write(attribute: Attribute, value: Uint8Array): number | null;
  /** The error that a prepared write of this attribute would meet, before it is queued; null for none. */
  mayWrite(attribute: Attribute): number | null;
}

/** Most prepared writes that wait for Execute Write: 512 octets in pieces of 18, twice over. */
const MAX_PREPARED = 64;
/** A value in a list is announced by one octet of length, handle included (Core Vol 3 Part F 3.4.4.2). */
const MAX_LISTED_OCTETS = 253;

class AttFailure {
  readonly handle: number;
  readonly code: number;
  constructor(handle: number, code: number) {
    this.handle = handle;
    this.code = code;
  }
}

const errorResponse = (opcode: number, { handle, code }: AttFailure): Uint8Array =>
  octets(ATT.ERROR, opcode, le16(handle), code);

/** Takes items while they fit and while they are as long as the first. */
const listOf = (items: Iterable<Uint8Array>, room: number): readonly Uint8Array[] => {
  const list: Uint8Array[] = [];
  let used = 0;
  for (const item of items) {
    if (used + item.length > room || item.length !== (list[0]?.length ?? item.length)) break;
    list.push(item);
    used += item.length;
  }
  return list;
};

export interface AttRequests {
  mtu: number;
  /** The response to a request; null for commands and for what is not meant for a server. */
  answer(pdu: Uint8Array): Uint8Array | null;
}

/** The server side of the Attribute Protocol (Core Vol 3 Part F 3.4) over a table. */
export const createAttRequests = (
  table: readonly Attribute[],
  access: AttributeAccess,
  mtu: { readonly own: number; readonly initial: number },
): AttRequests => {
  let prepared: { readonly attribute: Attribute; readonly offset: number; readonly part: Uint8Array }[] = [];

  const find = (handle: number): Attribute => {
    const attribute = table[handle - 1];
    if (attribute === undefined) throw new AttFailure(handle, ATT_ERROR.INVALID_HANDLE);
    return attribute;
  };

  const readOf = (attribute: Attribute): Uint8Array => {
    const got = access.read(attribute);
    if (got.tag === "error") throw new AttFailure(attribute.handle, got.code);
    return got.value;
  };

  const rangeOf = (fields: FieldReader): { readonly start: number; readonly within: readonly Attribute[] } => {
    const start = fields.u16();
    const end = fields.u16();
    if (start === 0 || start > end) throw new AttFailure(start, ATT_ERROR.INVALID_HANDLE);
    return { start, within: table.slice(start - 1, end) };
  };

  const typeIn = (fields: FieldReader): Uuid => {
    const uuid = uuidFrom(fields.rest());
    if (uuid === null) throw new AttFailure(0, ATT_ERROR.INVALID_PDU);
    return uuid;
  };

  const respond = (start: number, head: readonly number[], list: readonly Uint8Array[]): Uint8Array => {
    if (list.length === 0) throw new AttFailure(start, ATT_ERROR.NOT_FOUND);
    return octets(...head, ...list);
  };

  const findInformation = (fields: FieldReader): Uint8Array => {
    const { start, within } = rangeOf(fields);
    const items = within.map(({ handle, type }) => octets(le16(handle), uuidOctets(type)));
    const list = listOf(items, self.mtu - 2);
    return respond(start, [ATT.FIND_INFORMATION_RESPONSE, list[0]?.length === 4 ? 1 : 2], list);
  };

  const findByTypeValue = (fields: FieldReader): Uint8Array => {
    const { start, within } = rangeOf(fields);
    const type = uuidFrom(fields.take(2));
    const wanted = fields.rest();
    const items = within
      .filter((one) => one.type === type && one.role === "service" && sameBytes(one.fixed, wanted))
      .map(({ handle, groupEnd }) => octets(le16(handle), le16(groupEnd)));
    return respond(start, [ATT.FIND_BY_TYPE_VALUE_RESPONSE], listOf(items, self.mtu - 1));
  };

  const readByType = (fields: FieldReader): Uint8Array => {
    const { start, within } = rangeOf(fields);
    const type = typeIn(fields);
    const matching = within.filter((one) => one.type === type);
    function* items(): Generator<Uint8Array> {
      for (const [index, attribute] of matching.entries()) {
        const got = access.read(attribute);
        // Only the first attribute's error is told; later ones end the list (3.4.4.1).
        if (got.tag === "error" && index === 0) throw new AttFailure(attribute.handle, got.code);
        if (got.tag === "error") return;
        yield octets(le16(attribute.handle), got.value.subarray(0, Math.min(self.mtu - 4, MAX_LISTED_OCTETS)));
      }
    }
    const list = listOf(items(), self.mtu - 2);
    return respond(start, [ATT.READ_BY_TYPE_RESPONSE, list[0]?.length ?? 0], list);
  };

  const readByGroupType = (fields: FieldReader): Uint8Array => {
    const { start, within } = rangeOf(fields);
    const type = typeIn(fields);
    if (type !== TYPE.PRIMARY_SERVICE && type !== TYPE.SECONDARY_SERVICE) {
      throw new AttFailure(start, ATT_ERROR.UNSUPPORTED_GROUP);
    }
    const items = within
      .filter((one) => one.type === type)
      .map(({ handle, groupEnd, fixed }) => octets(le16(handle), le16(groupEnd), fixed));
    const list = listOf(items, self.mtu - 2);
    return respond(start, [ATT.READ_BY_GROUP_TYPE_RESPONSE, list[0]?.length ?? 0], list);
  };

  const readBlob = (fields: FieldReader): Uint8Array => {
    const attribute = find(fields.u16());
    const offset = fields.u16();
    const value = readOf(attribute);
    if (offset > value.length) throw new AttFailure(attribute.handle, ATT_ERROR.INVALID_OFFSET);
    return octets(ATT.READ_BLOB_RESPONSE, value.subarray(offset, offset + self.mtu - 1));
  };

  const write = (fields: FieldReader): Uint8Array => {
    const attribute = find(fields.u16());
    const refused = access.write(attribute, fields.rest());
    if (refused !== null) throw new AttFailure(attribute.handle, refused);
    return octets(ATT.WRITE_RESPONSE);
  };

  const prepareWrite = (fields: FieldReader): Uint8Array => {
    const attribute = find(fields.u16());
    const offset = fields.u16();
    const part = fields.rest();
    const refused = access.mayWrite(attribute);
    if (refused !== null) throw new AttFailure(attribute.handle, refused);
    if (prepared.length >= MAX_PREPARED) throw new AttFailure(attribute.handle, ATT_ERROR.PREPARE_QUEUE_FULL);
    prepared.push({ attribute, offset, part });
    return octets(ATT.PREPARE_WRITE_RESPONSE, le16(attribute.handle), le16(offset), part);
  };

  const executeWrite = (fields: FieldReader): Uint8Array => {
    const queue = prepared;
    prepared = [];
    if (fields.u8() === 0) return octets(ATT.EXECUTE_WRITE_RESPONSE);
    const values = new Map<Attribute, Uint8Array>();
    for (const { attribute, offset, part } of queue) {
      const sofar = values.get(attribute) ?? new Uint8Array();
      if (offset > sofar.length) throw new AttFailure(attribute.handle, ATT_ERROR.INVALID_OFFSET);
      if (offset + part.length > MAX_VALUE_OCTETS) throw new AttFailure(attribute.handle, ATT_ERROR.INVALID_LENGTH);
      values.set(attribute, octets(sofar.subarray(0, offset), part));
    }
    for (const [attribute, value] of values) {
      const refused = access.write(attribute, value);
      if (refused !== null) throw new AttFailure(attribute.handle, refused);
    }
    return octets(ATT.EXECUTE_WRITE_RESPONSE);
  };

  const requests: ReadonlyMap<number, (fields: FieldReader) => Uint8Array> = new Map([
    [
      ATT.MTU_REQUEST,
      (fields: FieldReader) => {
        self.mtu = Math.max(mtu.initial, Math.min(fields.u16(), mtu.own));
        return octets(ATT.MTU_RESPONSE, le16(mtu.own));
      },
    ],
    [ATT.FIND_INFORMATION_REQUEST, findInformation],
    [ATT.FIND_BY_TYPE_VALUE_REQUEST, findByTypeValue],
    [ATT.READ_BY_TYPE_REQUEST, readByType],
    [ATT.READ_REQUEST, (fields) => octets(ATT.READ_RESPONSE, readOf(find(fields.u16())).subarray(0, self.mtu - 1))],
    [ATT.READ_BLOB_REQUEST, readBlob],
    [ATT.READ_BY_GROUP_TYPE_REQUEST, readByGroupType],
    [ATT.WRITE_REQUEST, write],
    [ATT.PREPARE_WRITE_REQUEST, prepareWrite],
    [ATT.EXECUTE_WRITE_REQUEST, executeWrite],
  ]);

  const run = (opcode: number, request: (fields: FieldReader) => Uint8Array, pdu: Uint8Array): Uint8Array => {
    try {
      return request(createFieldReader(pdu.subarray(1)));
    } catch (thrown) {
      if (thrown instanceof AttFailure) return errorResponse(opcode, thrown);
      if (thrown instanceof RangeError) return errorResponse(opcode, new AttFailure(0, ATT_ERROR.INVALID_PDU));
      throw thrown;
    }
  };

  const self: AttRequests = {
    mtu: mtu.initial,
    answer: (pdu) => {
      const opcode = pdu[0] ?? 0;
      if (opcode === ATT.WRITE_COMMAND) {
        run(opcode, write, pdu);
        return null;
      }
      const isRequest = opcode !== 0 && (opcode & COMMAND_FLAG) === 0 && opcode % 2 === 0;
      if (!isRequest || opcode === ATT.CONFIRMATION) return null;
      const request = requests.get(opcode);
      if (request === undefined) {
        return errorResponse(opcode, new AttFailure(0, ATT_ERROR.REQUEST_NOT_SUPPORTED));
      }
      return run(opcode, request, pdu);
    },
  };
  return self;
};
