import { describe, expect, it } from "vitest";
import { asksToStayAway, blamesMessage, connackReason, disconnection, outcomeOf, refusal } from "./reason-codes.ts";

describe("what a PUBACK means", () => {
  it.each([
    [0x00, { tag: "accepted" }],
    [0x10, { tag: "no-subscriber" }],
    [0x80, { tag: "refused", scope: "quota" }],
    [0x83, { tag: "refused", scope: "quota" }],
    [0x87, { tag: "refused", scope: "topic" }],
    [0x90, { tag: "refused", scope: "topic" }],
    [0x91, { tag: "refused", scope: "quota" }],
    [0x95, { tag: "refused", scope: "message" }],
    [0x97, { tag: "refused", scope: "quota" }],
    [0x99, { tag: "refused", scope: "message" }],
  ])("0x%s", (code, outcome) => {
    expect(outcomeOf(code)).toMatchObject(outcome);
  });
});

describe("a refused connection", () => {
  it.each([
    [1, 0x84],
    [2, 0x85],
    [3, 0x88],
    [4, 0x86],
    [5, 0x87],
    [0x89, 0x89],
  ])("with CONNACK %i is reason %i of MQTT 5", (code, reason) => {
    expect(connackReason(code)).toBe(reason);
  });

  it("says what was refused and who has to act", () => {
    expect(refusal("connect", 0x87)).toMatchObject({
      code: "link-refused",
      message:
        "link to the region: the broker refused to connect: not authorised (0x87); the region must give this hub its access",
      context: { reasonCode: 0x87 },
    });
    expect(refusal("subscribe", 0x42).message).toContain("unknown reason (0x42)");
  });
});

describe("an ended connection", () => {
  it("says why the broker ended it", () => {
    expect(disconnection(0x8e)).toMatchObject({ code: "link-lost", context: { reasonCode: 0x8e } });
    expect(disconnection(0x8e).message).toContain("another connection with this hub's identity");
  });

  it("blames a message only for its size or its form", () => {
    expect([0x95, 0x99, 0x82, 0, undefined].map(blamesMessage)).toEqual([true, true, false, false, false]);
  });

  it("keeps the hub away unless it will be well again by itself", () => {
    expect([0x87, 0x8e, 0x97, 0x8b, 0x88, 0, undefined].map(asksToStayAway)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
