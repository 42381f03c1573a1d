import { reversed, sameBytes } from "../little-endian.ts";
import { failedWith, hasPasskey, type Pairing, type PairingContext, passkeyOctets, WAITING } from "./pairing.ts";
import { SMP, SMP_FAILURE } from "./smp-codes.ts";
import { c1, s1 } from "./smp-functions.ts";

/** LE legacy pairing, responder: Just Works and passkey entry (Core Vol 3 Part H 2.3.5.2 to 2.3.5.5). */
export const createLegacyPairing = (context: PairingContext): Pairing => {
  const srand = context.chance.bytes(16);
  let temporaryKey: Uint8Array | null = null;
  let initiatorConfirm: Uint8Array | null = null;

  return {
    receive: async (code, value) => {
      if (code === SMP.PAIRING_CONFIRM && initiatorConfirm === null) {
        const passkey = hasPasskey(context.association) ? await context.passkey() : 0;
        if (passkey === null) return failedWith(SMP_FAILURE.PASSKEY_ENTRY);
        temporaryKey = passkeyOctets(passkey);
        initiatorConfirm = reversed(value);
        context.send(SMP.PAIRING_CONFIRM, c1(temporaryKey, srand, context));
        return WAITING;
      }
      if (code === SMP.PAIRING_RANDOM && temporaryKey !== null && initiatorConfirm !== null) {
        const mrand = reversed(value);
        if (!sameBytes(c1(temporaryKey, mrand, context), initiatorConfirm)) {
          return failedWith(SMP_FAILURE.CONFIRM_VALUE);
        }
        const key = s1(temporaryKey, srand, mrand);
        return { tag: "key", key, reply: { code: SMP.PAIRING_RANDOM, value: srand } };
      }
      return failedWith(SMP_FAILURE.UNSPECIFIED);
    },
  };
};
