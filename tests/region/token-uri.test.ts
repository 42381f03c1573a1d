import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTokenUri } from "../../region/release/token-uri.ts";

describe("a PKCS #11 URI", () => {
  it("names token, key and module, with what is written by percent signs", () => {
    expect(parseTokenUri("pkcs11:token=Region%20Nord;id=%01?module-path=/usr/lib/a%2Bb.so")).toEqual({
      module: "/usr/lib/a+b.so",
      token: "Region Nord",
      id: "01",
    });
    expect(parseTokenUri("pkcs11:model=x;token=sm%C3%B8r;object=key;id=A%ff?pin-source=none&module-path=m.so")).toEqual(
      {
        module: "m.so",
        token: "smør",
        id: "41ff",
      },
    );
  });

  it("has any octets for an id", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), (id) => {
        const hex = Buffer.from(id).toString("hex");
        const written = hex.replace(/../g, "%$&");
        expect(parseTokenUri(`pkcs11:token=t;id=${written}?module-path=m`).id).toBe(hex);
      }),
    );
  });

  it.each([
    "pkcs11:token=t;id=%01",
    "pkcs11:token=t?module-path=m",
    "pkcs11:id=%01?module-path=m",
    "pkcs11:token=t;id=?module-path=m",
    "pkcs11:token=t;id=%1?module-path=m",
    "pkcs11:token=t;id=%zz?module-path=m",
  ])("that lacks one is answered by the form of it: %s", (uri) => {
    expect(() => parseTokenUri(uri)).toThrow(`${uri}: use pkcs11:token=NAME;id=%01?module-path=FILE.so`);
  });
});
