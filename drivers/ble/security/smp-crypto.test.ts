import { expect, it } from "vitest";
import { fromHex, toHex } from "../../../protocol/bytes.ts";
import { aesCmac, ah, c1, f4, f5, f6, g2, type PairingAddress, s1 } from "./smp-crypto.ts";

// Sample data: Bluetooth Core specification Vol 3 Part H, 2.2.3, 2.2.4 and Appendix D; RFC 4493 section 4.

const U = fromHex("20b003d2f297be2c5e2c83a7e9f9a5b9eff49111acf4fddbcc0301480e359de6");
const V = fromHex("55188b3d32f6bb9a900afcfbeed4e72a59cb9ac2f19d7cfb6b4fdd49f47fc5fd");
const N1 = fromHex("d5cb8454d177733effffb2ec712baeab");
const N2 = fromHex("a6e8e7cc25a75f6e216583f7ff3dc4cf");
const A1: PairingAddress = { type: 0, octets: fromHex("56123737bfce") };
const A2: PairingAddress = { type: 0, octets: fromHex("a713702dcfc1") };

it.each([
  ["", "bb1d6929e95937287fa37d129b756746"],
  ["6bc1bee22e409f96e93d7e117393172a", "070a16b46b4d4144f79bdd9dd04a287c"],
  [
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411",
    "dfa66747de9ae63030ca32611497c827",
  ],
  [
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
    "51f0bebf7e3b9d92fc49741779363cfe",
  ],
])("AES-CMAC of RFC 4493 example %#", (message, mac) => {
  expect(toHex(aesCmac(fromHex("2b7e151628aed2a6abf7158809cf4f3c"), fromHex(message)))).toBe(mac);
});

it("c1 of the specification's example", () => {
  const confirm = c1({
    tk: new Uint8Array(16),
    random: fromHex("5783d52156ad6f0e6388274ec6702ee0"),
    request: fromHex("07071000000101"),
    response: fromHex("05000800000302"),
    initiator: { type: 1, octets: fromHex("a1a2a3a4a5a6") },
    responder: { type: 0, octets: fromHex("b1b2b3b4b5b6") },
  });
  expect(toHex(confirm)).toBe("1e1e3fef878988ead2a74dc5bef13b86");
});

it("s1 of the specification's example", () => {
  const r1 = fromHex("000f0e0d0c0b0a091122334455667788");
  const r2 = fromHex("010203040506070899aabbccddeeff00");
  expect(toHex(s1(new Uint8Array(16), r1, r2))).toBe("9a1fe1f0e8b0f49b5b4216ae796da062");
});

it("f4 of the specification's example", () => {
  expect(toHex(f4(U, V, N1, 0))).toBe("f2c916f107a9bd1cf1eda1bea974872d");
});

it("f5 of the specification's example", () => {
  const secret = fromHex("ec0234a357c8ad05341010a60a397d9b99796b13b4f866f1868d34f373bfa698");
  const { macKey, ltk } = f5(secret, N1, N2, A1, A2);
  expect(toHex(macKey)).toBe("2965f176a1084a02fd3f6a20ce636e20");
  expect(toHex(ltk)).toBe("6986791169d7cd23980522b594750a38");
});

it("f6 of the specification's example", () => {
  const macKey = fromHex("2965f176a1084a02fd3f6a20ce636e20");
  const r = fromHex("12a3343bb453bb5408da42d20c2d0fc8");
  expect(toHex(f6(macKey, N1, N2, r, fromHex("010102"), A1, A2))).toBe("e3c473989cd0e8c5d26c0b09da958f61");
});

it("g2 of the specification's example", () => {
  expect(g2(U, V, N1, N2)).toBe(0x2f9ed5ba);
});

it("ah of the specification's example", () => {
  expect(toHex(ah(fromHex("ec0234a357c8ad05341010a60a397d9b"), fromHex("708194")))).toBe("0dfbaa");
});
