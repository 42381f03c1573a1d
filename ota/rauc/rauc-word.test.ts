import { expect, it } from "vitest";
import { explainRefusal, explainSilence } from "./rauc-word.ts";

it.each([
  ["Compatible mismatch: Expected 'a' but bundle manifest has 'b'", "update-unfit"],
  ["signature verification failed: Verify error: self-signed certificate", "update-untrusted"],
  ["Invalid bundle format: Signature size (0) exceeds bundle size", "update-untrusted"],
  [
    "Installation error: Failed updating slot rootfs.1: Failed splicing data: No space left on device",
    "update-no-space",
  ],
  ["Installation error: Failed updating slot rootfs.1: Input/output error", "update-unfit"],
  ["", "update-unfit"],
])("RAUC's word %j is a code, and stays in the sentence", (word, code) => {
  expect(explainRefusal(word)).toMatchObject({ code, message: expect.stringContaining(word || "no reason") });
});

it("tells a bus without RAUC from RAUC that could not", () => {
  const failure = (type: string): Error => Object.assign(new Error("what it says"), { type });
  const absent = explainSilence("asking", failure("org.freedesktop.DBus.Error.ServiceUnknown"));
  const failed = explainSilence("asking", failure("org.gtk.GDBus.UnmappedGError.Quark._g_2dio_2derror_2dquark.Code30"));
  expect([absent.code, failed.code]).toEqual(["update-unreachable", "update-unfit"]);
});
