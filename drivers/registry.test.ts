import { describe, expect, it } from "vitest";
import { driverIds, driverOf } from "./registry.ts";

describe("driver registry", () => {
  it.each(driverIds)("makes the driver %s under its own name", (id) => {
    expect(driverOf(id)).toMatchObject({ id, version: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
  });

  it("knows no other", () => {
    expect(driverOf("gatt-cgm-of-the-future")).toBeUndefined();
  });

  it("gives every driver bytes of nothing without a crash", () => {
    for (const id of driverIds) {
      expect(driverOf(id)?.decode(new Uint8Array(0), "2a35" as never)).toMatchObject({ tag: "malformed" });
    }
  });
});
