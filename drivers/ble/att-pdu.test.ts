import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { attError, endOf } from "./att-error.ts";
import { ATT, pdu, readPdu } from "./att-pdu.ts";
import { isWellFormedSignal } from "./l2cap-signal.ts";

describe("ATT packets", () => {
  it("are an opcode and little-endian parameters", () => {
    expect(toHex(pdu(ATT.readByGroupTypeRequest, 0x0001, 0xffff, 0x2800))).toBe("100100ffff0028");
  });

  it("are told apart", () => {
    expect(readPdu(fromHex("1d2500aabb"))).toEqual({
      tag: "value",
      handle: 0x25,
      bytes: fromHex("aabb"),
      indication: true,
    });
    expect(readPdu(fromHex("1b2500"))).toEqual({ tag: "value", handle: 0x25, bytes: fromHex(""), indication: false });
    expect(readPdu(fromHex("0112250005"))).toEqual({ tag: "error", to: 0x12, handle: 0x25, code: 5 });
    expect(readPdu(fromHex("13"))).toEqual({ tag: "response", to: 0x12, bytes: fromHex("13") });
    expect(readPdu(fromHex("02f700"))).toEqual({ tag: "request", opcode: 2, bytes: fromHex("02f700") });
  });

  it.each(["", "1d", "1d25", "1b25", "01122500", "522500aa", "d22500aa", "1e"])(
    "of %j mean nothing to a client",
    (hex) => {
      expect(readPdu(fromHex(hex)).tag).toBe("ignored");
    },
  );

  it("of any bytes are read without throwing", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => readPdu(bytes).tag.length > 0));
  });
});

describe("L2CAP signals", () => {
  it("reach noble only when all that it reads is there", () => {
    expect(isWellFormedSignal(fromHex("12010800 1800 2800 0000 f401"))).toBe(true);
    expect(isWellFormedSignal(fromHex("12010600 1800 2800 0000"))).toBe(false);
    expect(isWellFormedSignal(fromHex("12010800 1800 2800 0000"))).toBe(false);
    expect(isWellFormedSignal(fromHex("1201"))).toBe(false);
    expect(isWellFormedSignal(fromHex("01010200 0000"))).toBe(true);
  });
});

describe("errors", () => {
  it("of the sensor carry their code and the next step", () => {
    const error = attError("write to 2a52 of c4:f3:12:53:f2:c9", 0x05);
    expect(error.code).toBe("ble-att-error");
    expect(error.context.attError).toBe(5);
    expect(error.message).toBe(
      "write to 2a52 of c4:f3:12:53:f2:c9: the sensor answered with ATT error 0x05 (insufficient authentication); pair the sensor with this hub",
    );
    expect(attError("write", 0x80).message).toContain("0x80 (of its profile)");
    expect(attError("write", 0x33).message).toContain("0x33 (unknown)");
  });

  it("of the link say what happened in words", () => {
    expect(endOf(0x08)).toBe("it went out of range or switched off");
    expect(endOf(0x99)).toBe("the link ended with HCI reason 0x99");
  });
});
