import { TargetFile } from "@tufjs/models";
import { describe, expect, it } from "vitest";
import { trustedTargetOf } from "./trusted-target.ts";

const REPOSITORY = { name: "the test repository", renewal: "Publish it anew" };
const SHA256 = "a".repeat(64);
const SHA512 = "b".repeat(128);

const listed = (hashes: Record<string, string>, length = 5) => new TargetFile({ path: "a/b.sqfs", length, hashes });
const trust = (found: unknown, isConsistent = true) => trustedTargetOf(found, "a/b.sqfs", isConsistent, REPOSITORY);

describe("a target", () => {
  it("lies under its hash, or under its name alone", () => {
    expect(trust(listed({ sha256: SHA256 })).location).toBe(`a/${SHA256}.b.sqfs`);
    expect(trust(listed({ sha256: SHA256 }), false).location).toBe("a/b.sqfs");
  });

  it("must match all of its strong hashes; others do not count", () => {
    expect(trust(listed({ md5: "c".repeat(32), sha512: SHA512, sha256: SHA256 })).hashes).toEqual([
      { algorithm: "sha256", digest: SHA256 },
      { algorithm: "sha512", digest: SHA512 },
    ]);
  });

  it.each<[string, Record<string, string>]>([
    ["none", {}],
    ["a weak one only", { md5: "c".repeat(32), sha1: "c".repeat(40) }],
    ["an empty one", { sha256: "" }],
    ["one that is cut off", { sha256: SHA256.slice(1) }],
    ["one that is none", { sha256: SHA256, sha512: "z".repeat(128) }],
    ["an unknown one", { "sha256 ": SHA256 }],
  ])("with hashes like %s is refused", (_, hashes) => {
    expect(() => trust(listed(hashes))).toThrow(expect.objectContaining({ code: "update-untrusted" }));
  });

  it("longer than any release is refused, and so is a length that is no number of bytes", () => {
    for (const length of [2 ** 31 + 1, 1.5, Number.MAX_VALUE]) {
      expect(() => trust(listed({ sha256: SHA256 }, length))).toThrow(
        expect.objectContaining({ code: "update-too-large" }),
      );
    }
  });

  it("is told from what is no target", () => {
    for (const found of [undefined, Object, { length: 5, hashes: { sha256: SHA256 } }]) {
      expect(() => trust(found)).toThrow(expect.objectContaining({ code: "update-unknown-target" }));
    }
  });
});
