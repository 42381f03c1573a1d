import { expect, it } from "vitest";
import { plaintextIn } from "./plaintext.ts";

const found = (image: Buffer, value: string | number): number =>
  plaintextIn(image, [{ what: "it", value }], "image").length;

const around = (middle: Buffer | string): Buffer =>
  Buffer.concat([Buffer.alloc(33, 0xa5), Buffer.from(middle), Buffer.alloc(9, 0x5a)]);

it("finds a text in every way of writing it", () => {
  const name = "anna-andersson";
  const bytes = Buffer.from(name);
  for (const form of [
    name,
    Buffer.from(name, "utf16le"),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    bytes.toString("base64"),
    Buffer.from(`{"x":"${name}"}`).toString("base64"),
    Buffer.from(`{"xy":"${name}"}`).toString("base64"),
    Buffer.from(`{"xyz":"${name}"}`).toString("base64"),
  ]) {
    expect(found(around(form), name), String(form)).toBeGreaterThan(0);
  }
  expect(found(around("anna-anderssen"), name)).toBe(0);
});

it("finds a number as text and as a machine keeps it, and bytes behind their hex digits", () => {
  const machine = Buffer.alloc(8);
  machine.writeDoubleLE(83.47);
  expect(found(around(machine), 83.47)).toBe(1);
  expect(found(around('{"value":83.47}'), 83.47)).toBe(1);
  expect(found(around(Buffer.from("167c00560061", "hex")), "167c00560061")).toBe(1);
  expect(found(around("83.57"), 83.47)).toBe(0);
});
