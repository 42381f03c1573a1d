import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { decodeRecordAccess } from "../decode/record-access.ts";
import { type AccessRequest, answerOf, isPutOff, requestBytes } from "./record-access.ts";

const ALL: AccessRequest = { tag: "all" };
const FROM: AccessRequest = { tag: "from", sequence: 0x1234 };

describe("requests of the Record Access Control Point", () => {
  it("report all records, or those from a number on, and never delete", () => {
    expect([toHex(requestBytes(ALL)), toHex(requestBytes(FROM))]).toEqual(["0101", "0103013412"]);
    for (let sequence = 0; sequence < 65_536; sequence += 251) {
      expect(requestBytes({ tag: "from", sequence })[0]).toBe(1);
    }
  });

  it.each([
    ["06000101", ALL, "told"],
    ["06000106", FROM, "told"],
    ["06000104", FROM, "too-special"],
    ["06000109", FROM, "too-special"],
    ["06000102", ALL, "unable"],
    ["06000108", ALL, "not-completed"],
    ["060001ff", ALL, "not-completed"],
    ["06000201", ALL, "other"],
    ["05000300", ALL, "other"],
  ] as const)("answered with %s to %o: %s", (hex, request, meaning) => {
    const heard = decodeRecordAccess(fromHex(hex));
    if (heard.tag === "malformed") throw new Error(heard.detail);
    expect(answerOf(heard.record, request)).toBe(meaning);
  });

  it("are put off by the errors of the Glucose Service and by the common ones, and by no other", () => {
    expect(Array.from({ length: 256 }, (_, code) => code).filter(isPutOff)).toEqual([0x80, 0x81, 0xfd, 0xfe]);
  });
});
