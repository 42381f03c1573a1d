import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { aclPacket, BOUNDARY, createHostPacketParser, eventPacket, type HostPacket } from "./h4.ts";
import { createReassembler, fragmentsOf } from "./l2cap.ts";

const RESET = "01030c00";
const ACL = "024020070003000400020001";

const parse = (...chunks: readonly Uint8Array[]): readonly HostPacket[] => {
  const parser = createHostPacketParser();
  return chunks.flatMap((chunk) => [...parser.push(chunk)]);
};

describe("UART transport", () => {
  it("parses a command and an ACL packet", () => {
    expect(parse(fromHex(RESET + ACL))).toEqual([
      { tag: "command", opcode: 0x0c03, parameters: new Uint8Array() },
      { tag: "acl", handle: 0x040, boundary: BOUNDARY.FIRST_FLUSHABLE, data: fromHex("03000400020001") },
    ]);
  });

  it("gives the same packets wherever the bytes are split", () => {
    const bytes = fromHex(`${RESET}${ACL}${RESET}`);
    const whole = parse(bytes);
    for (let at = 0; at <= bytes.length; at++) {
      expect(parse(bytes.subarray(0, at), bytes.subarray(at)), `split at ${at}`).toEqual(whole);
    }
    expect(parse(...[...bytes].map((octet) => Uint8Array.of(octet)))).toEqual(whole);
  });

  it("skips octets that cannot start a packet, and synchronous data", () => {
    expect(parse(fromHex(`00ff070301020000${RESET}`)).at(-1)).toMatchObject({ opcode: 0x0c03 });
    expect(parse(fromHex(`03010003010c00${RESET}`))).toHaveLength(1);
  });

  it("writes events and ACL packets as the specification lays them out", () => {
    expect(toHex(eventPacket(0x0e, fromHex("01030c00")))).toBe("040e0401030c00");
    expect(toHex(aclPacket(0x040, BOUNDARY.FIRST_FLUSHABLE, fromHex("aabb")))).toBe("0240200200aabb");
    expect(toHex(aclPacket(0x040, BOUNDARY.CONTINUING, fromHex("cc")))).toBe("0240100100cc");
  });
});

describe("L2CAP", () => {
  const payload = Uint8Array.from({ length: 100 }, (_, i) => i);

  it.each([5, 27, 104, 251])("puts a frame together that was cut at %d octets", (size) => {
    const reassembler = createReassembler();
    const fragments = fragmentsOf({ channel: 4, payload }, size);
    expect(fragments.every(({ data }) => data.length <= size)).toBe(true);
    const frames = fragments.map((fragment) => reassembler.push(fragment));
    expect(frames.slice(0, -1).every((frame) => frame === null)).toBe(true);
    expect(frames.at(-1)).toEqual({ channel: 4, payload });
  });

  it("also when the first fragment ends inside the header", () => {
    const reassembler = createReassembler();
    expect(reassembler.push({ boundary: BOUNDARY.FIRST_NON_FLUSHABLE, data: fromHex("0100") })).toBeNull();
    expect(reassembler.push({ boundary: BOUNDARY.CONTINUING, data: fromHex("040055") })).toEqual({
      channel: 4,
      payload: fromHex("55"),
    });
  });

  it("drops a continuation without a start, a start cut short by another, and what is longer than announced", () => {
    const reassembler = createReassembler();
    expect(reassembler.push({ boundary: BOUNDARY.CONTINUING, data: fromHex("0100040055") })).toBeNull();
    expect(reassembler.push({ boundary: BOUNDARY.FIRST_FLUSHABLE, data: fromHex("0900040055") })).toBeNull();
    expect(reassembler.push({ boundary: BOUNDARY.FIRST_FLUSHABLE, data: fromHex("0100040066") })).toEqual({
      channel: 4,
      payload: fromHex("66"),
    });
    expect(reassembler.push({ boundary: BOUNDARY.FIRST_FLUSHABLE, data: fromHex("010004006677") })).toBeNull();
  });
});
