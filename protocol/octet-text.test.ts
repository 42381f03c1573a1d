import fc from "fast-check";
import { expect, it } from "vitest";
import { createOctetText } from "./octet-text.ts";

const octets = createOctetText();
const utf8 = (text: string): string => Buffer.from(text, "utf8").toString("hex");
const made = (): string => Buffer.from(octets.bytes()).toString("hex");

it("puts texts together as UTF-8 does, of any language and length", () => {
  const part = fc.string({ unit: fc.constantFrom("a", "å", "€", "🩺", "\n", "\ud800"), maxLength: 700 });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
      octets.clear();
      for (const one of parts) octets.text(one);
      expect(made()).toBe(parts.map(utf8).join(""));
    }),
  );
});

it.each([0, -0, 7, 10, 99, 100, 9_999_999, 10_000_000, 2 ** 53, -1, 0.5, 1e21, Number.NaN])(
  "writes the number %d as a text has it",
  (value) => {
    octets.clear();
    octets.whole(value);
    expect(made()).toBe(utf8(String(value)));
  },
);

it("writes every small number as a text has it", () => {
  for (let value = 0; value < 20_000; value++) {
    octets.clear();
    octets.whole(value);
    if (made() !== utf8(`${value}`)) expect.fail(String(value));
  }
});

it("takes single characters, and begins anew", () => {
  octets.clear();
  octets.text("gone");
  octets.clear();
  octets.sign(61);
  expect(made()).toBe("3d");
});
