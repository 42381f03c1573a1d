import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../protocol/bytes.ts";
import { resolvableAddress } from "../resolvable-address.ts";
import { createChance } from "../seeded.ts";
import { aesCmac } from "./aes-cmac.ts";
import { associationOf, type IoCapability } from "./association.ts";
import { ah, c1, f4, f5, f6, g2, s1 } from "./smp-functions.ts";

describe("AES-CMAC, RFC 4493 section 4", () => {
  const key = fromHex("2b7e151628aed2a6abf7158809cf4f3c");
  const message = fromHex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" +
      "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
  );
  it.each([
    [0, "bb1d6929e95937287fa37d129b756746"],
    [16, "070a16b46b4d4144f79bdd9dd04a287c"],
    [40, "dfa66747de9ae63030ca32611497c827"],
    [64, "51f0bebf7e3b9d92fc49741779363cfe"],
  ])("of %d octets", (length, mac) => {
    expect(toHex(aesCmac(key, message.subarray(0, length)))).toBe(mac);
  });
});

describe("legacy functions, Core Vol 3 Part H 2.2.3 and 2.2.4", () => {
  it("c1", () => {
    const context = {
      preq: fromHex("07071000000101"),
      pres: fromHex("05000800000302"),
      initiator: fromHex("01a1a2a3a4a5a6"),
      responder: fromHex("00b1b2b3b4b5b6"),
    };
    const confirm = c1(new Uint8Array(16), fromHex("5783d52156ad6f0e6388274ec6702ee0"), context);
    expect(toHex(confirm)).toBe("1e1e3fef878988ead2a74dc5bef13b86");
  });

  it("s1", () => {
    const key = s1(
      new Uint8Array(16),
      fromHex("000f0e0d0c0b0a091122334455667788"),
      fromHex("010203040506070899aabbccddeeff00"),
    );
    expect(toHex(key)).toBe("9a1fe1f0e8b0f49b5b4216ae796da062");
  });
});

describe("Secure Connections functions, Core Vol 3 Part H appendix D", () => {
  const u = fromHex("20b003d2f297be2c5e2c83a7e9f9a5b9eff49111acf4fddbcc0301480e359de6");
  const v = fromHex("55188b3d32f6bb9a900afcfbeed4e72a59cb9ac2f19d7cfb6b4fdd49f47fc5fd");
  const n1 = fromHex("d5cb8454d177733effffb2ec712baeab");
  const n2 = fromHex("a6e8e7cc25a75f6e216583f7ff3dc4cf");
  const a1 = fromHex("00561237 37bfce");
  const a2 = fromHex("00a71370 2dcfc1");
  const w = fromHex("ec0234a357c8ad05341010a60a397d9b99796b13b4f866f1868d34f373bfa698");

  it("f4", () => {
    expect(toHex(f4(u, v, n1, 0))).toBe("f2c916f107a9bd1cf1eda1bea974872d");
  });

  it("f5 and f6", () => {
    const { macKey, ltk } = f5(w, n1, n2, a1, a2);
    expect(toHex(ltk)).toBe("6986791169d7cd23980522b594750a38");
    expect(toHex(macKey)).toBe("2965f176a1084a02fd3f6a20ce636e20");
    const check = f6(macKey, n1, n2, fromHex("12a3343bb453bb5408da42d20c2d0fc8"), fromHex("010102"), a1, a2);
    expect(toHex(check)).toBe("e3c473989cd0e8c5d26c0b09da958f61");
  });

  it("g2", () => {
    expect(g2(u, v, n1, n2)).toBe(0x2f9ed5ba);
  });

  it("ah", () => {
    expect(toHex(ah(fromHex("ec0234a357c8ad05341010a60a397d9b"), fromHex("708194")))).toBe("0dfbaa");
  });
});

it("a resolvable address carries the hash of its upper half", () => {
  const irk = fromHex("ec0234a357c8ad05341010a60a397d9b");
  const chance = createChance(3);
  for (let i = 0; i < 20; i++) {
    const { address, type } = resolvableAddress(irk, chance);
    const octets = fromHex(address);
    expect(type).toBe("random");
    expect((octets[0] ?? 0) >> 6).toBe(0b01);
    expect(toHex(ah(irk, octets.subarray(0, 3)))).toBe(toHex(octets.subarray(3)));
  }
});

describe("association, Core Vol 3 Part H table 2.8", () => {
  const display: IoCapability = "display-only";
  const yesNo: IoCapability = "display-yes-no";
  const keyboard: IoCapability = "keyboard-only";
  const none: IoCapability = "no-input-no-output";
  const both: IoCapability = "keyboard-display";

  it.each([
    [display, display, "just-works", "just-works"],
    [yesNo, display, "just-works", "just-works"],
    [keyboard, display, "responder-displays", "responder-displays"],
    [both, display, "responder-displays", "responder-displays"],
    [display, yesNo, "just-works", "just-works"],
    [yesNo, yesNo, "just-works", "numeric-comparison"],
    [keyboard, yesNo, "responder-displays", "responder-displays"],
    [both, yesNo, "responder-displays", "numeric-comparison"],
    [display, keyboard, "responder-types", "responder-types"],
    [yesNo, keyboard, "responder-types", "responder-types"],
    [keyboard, keyboard, "both-type", "both-type"],
    [both, keyboard, "responder-types", "responder-types"],
    [display, both, "responder-types", "responder-types"],
    [yesNo, both, "responder-types", "numeric-comparison"],
    [keyboard, both, "responder-displays", "responder-displays"],
    [both, both, "responder-types", "numeric-comparison"],
    [none, both, "just-works", "just-works"],
    [both, none, "just-works", "just-works"],
  ] as const)("of initiator %s and responder %s", (initiator, responder, legacy, secure) => {
    expect(associationOf(initiator, responder, false)).toBe(legacy);
    expect(associationOf(initiator, responder, true)).toBe(secure);
  });
});
