import * as fc from "fast-check";
import { expect, it } from "vitest";
import { fromHex, toHex } from "./bytes.ts";
import table from "./codes.json" with { type: "json" };
import { codeOf, nameOfMdc, unitCodeOf } from "./codes.ts";
import { HubError, isHubError, messageOf } from "./errors.ts";
import { assignmentId, hubId, sensorId, seq } from "./ids.ts";
import { parseReceipt } from "./messages.ts";
import { parseTopic, topicOf, topicOfAll } from "./topics.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

it("refuses identifiers that would not be one topic level", () => {
  for (const text of ["", "a/b", "a b", "+", "#", "å", "x".repeat(65)]) {
    for (const make of [hubId, sensorId, assignmentId]) expect(() => make(text)).toThrow(HubError);
  }
  expect(hubId("hub-0042.A_b")).toBe("hub-0042.A_b");
  for (const number of [0, -1, 1.5, 2 ** 53]) expect(() => seq(number)).toThrow(HubError);
});

it("parses the topics it makes, and no others", () => {
  const hub = hubId("hub-0042");
  expect(parseTopic(topicOf(hub, "reading"))).toEqual({ hub, name: "reading" });
  expect(topicOfAll("receipt")).toBe("hemhub/1/+/receipt");
  for (const topic of ["hemhub/2/h/reading", "hemhub/1/h/other", "hemhub/1/a/b/reading", "hemhub/1//reading", ""]) {
    expect(parseTopic(topic)).toBeNull();
  }
});

it("takes every code from the checked table as partition x 65536 + term, and withholds FEV6", () => {
  const partitions: Record<string, number> = { SCADA: 2, PHD_DM: 128, OBJ: 1, PHD_HF: 129, INFRA: 8 };
  for (const row of table.codes) {
    const partition = partitions[row.partition];
    if (partition !== undefined) expect(row.mdc).toBe(partition * 65536 + row.term);
  }
  expect(codeOf("blood-pressure.systolic")).toMatchObject({ mdc: 150021, name: "MDC_PRESS_BLD_NONINV_SYS" });
  expect(nameOfMdc(150456)).toBe("MDC_PULS_OXIM_SAT_O2");
  expect(nameOfMdc(1)).toBeNull();
  expect(unitCodeOf("kg")).toBe(263875);
  expect(unitCodeOf("stone")).toBeNull();
  expect(() => codeOf("fev6")).toThrow(/not in the checked code table/);
});

it("reads a receipt and says what is wrong with a bad one", () => {
  expect(
    parseReceipt(bytesOf('{"series":"0a","through":7,"refused":[{"seq":3,"reason":"schema"}],"missing":[[5,6]]}')),
  ).toEqual({
    series: "0a",
    through: 7,
    refused: [{ seq: 3, reason: "schema" }],
    missing: [[5, 6]],
  });
  expect(parseReceipt(bytesOf('{"through":0}'))).toEqual({ series: null, through: 0, refused: [], missing: [] });
  for (const text of [
    "",
    "null",
    "[]",
    "{}",
    '{"through":-1}',
    '{"through":1,"series":5}',
    '{"through":1.5}',
    '{"through":1,"refused":{}}',
    '{"through":1,"refused":[null]}',
    '{"through":1,"refused":[{"seq":0,"reason":"x"}]}',
    '{"through":1,"missing":[[2,1]]}',
    '{"through":1,"missing":[[1,2,3]]}',
    '{"through":1,"missing":[1]}',
  ]) {
    expect(() => parseReceipt(bytesOf(text)), text).toThrow(/receipt from the region/);
  }
});

it("never throws anything but a HubError on any receipt", () => {
  void fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.json().map(bytesOf)), (payload) => {
      try {
        parseReceipt(payload);
      } catch (thrown) {
        expect(isHubError(thrown, "invalid-argument")).toBe(true);
      }
    }),
  );
});

it("turns hex into bytes and back, and points at the digit that is wrong", () => {
  const backAndForth = fc.property(fc.uint8Array(), (bytes) => {
    expect(fromHex(toHex(bytes))).toEqual(Uint8Array.from(bytes));
  });
  void fc.assert(backAndForth);
  expect(fromHex("c0:26-DA 00")).toEqual(Uint8Array.from([0xc0, 0x26, 0xda, 0]));
  expect(() => fromHex("00g0")).toThrow(/"g" at digit 3/);
  expect(() => fromHex("000")).toThrow(/3 digits/);
});

it("keeps the cause of an error and gives its message on one line", () => {
  const cause = new Error("disk\n  full");
  expect(new HubError("outbox-disk-full", "outbox append: disk full", { cause }).cause).toBe(cause);
  expect(messageOf(cause)).toBe("disk full");
  expect(messageOf("text")).toBe("text");
});
