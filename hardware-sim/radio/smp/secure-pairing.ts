import { createECDH } from "node:crypto";
import { octets, reversed, sameBytes } from "../little-endian.ts";
import {
  failedWith,
  hasPasskey,
  type Pairing,
  type PairingContext,
  type PairingStep,
  passkeyOctets,
  WAITING,
} from "./pairing.ts";
import { SMP, SMP_FAILURE } from "./smp-codes.ts";
import { f4, f5, f6, g2 } from "./smp-functions.ts";

const COORDINATE = 32;
/** A passkey is confirmed bit by bit, in twenty rounds (Core Vol 3 Part H 2.3.5.6.3). */
const PASSKEY_ROUNDS = 20;
const UNCOMPRESSED_POINT = 0x04;

interface Keys {
  readonly own: Uint8Array;
  readonly peer: Uint8Array;
  readonly shared: Uint8Array;
}

/** IO capability, OOB flag and AuthReq out of a request or response whose code is the last octet. */
const ioCapOf = (pdu: Uint8Array): Uint8Array => pdu.subarray(3, 6);

/**
 * LE Secure Connections pairing, responder: Just Works, numeric comparison and passkey entry (Core Vol 3 Part H
 * 2.3.5.6).
 */
export const createSecurePairing = (context: PairingContext): Pairing => {
  const { chance, association } = context;
  const ecdh = createECDH("prime256v1");
  // Below the group order, which starts with 0xFFFFFFFF00000000, and not zero.
  ecdh.setPrivateKey(octets(chance.whole(0, 0x7f), chance.bytes(COORDINATE - 2), 0x01));
  const withPasskey = hasPasskey(association);
  let keys: Keys | null = null;
  let passkey = 0;
  let round = 0;
  let own: Uint8Array = new Uint8Array();
  let peer: Uint8Array = new Uint8Array();
  let peerConfirm: Uint8Array | null = null;
  let agreed = false;

  const exchangeKeys = async (value: Uint8Array): Promise<PairingStep> => {
    if (keys !== null || value.length !== 2 * COORDINATE) return failedWith(SMP_FAILURE.INVALID_PARAMETERS);
    const [peerX, peerY] = [reversed(value.subarray(0, COORDINATE)), reversed(value.subarray(COORDINATE))];
    const point = Uint8Array.from(ecdh.getPublicKey());
    const ownX = point.slice(1, 1 + COORDINATE);
    // A reflected key would let a stranger pass as our peer (2.3.5.6.1).
    if (sameBytes(ownX, peerX)) return failedWith(SMP_FAILURE.INVALID_PARAMETERS);
    try {
      const shared = Uint8Array.from(ecdh.computeSecret(octets(UNCOMPRESSED_POINT, peerX, peerY)));
      keys = { own: ownX, peer: peerX, shared };
    } catch {
      // The point is not on the curve.
      return failedWith(SMP_FAILURE.DHKEY_CHECK);
    }
    context.send(SMP.PUBLIC_KEY, ownX, point.slice(1 + COORDINATE));
    if (withPasskey) {
      const typed = await context.passkey();
      if (typed === null) return failedWith(SMP_FAILURE.PASSKEY_ENTRY);
      passkey = typed;
      return WAITING;
    }
    own = chance.bytes(16);
    context.send(SMP.PAIRING_CONFIRM, f4(ownX, peerX, own, 0));
    return WAITING;
  };

  const bitOfRound = (): number => 0x80 | ((passkey >> round) & 1);

  const takeConfirm = ({ own: ownX, peer: peerX }: Keys, value: Uint8Array): PairingStep => {
    if (!withPasskey || peerConfirm !== null) return failedWith(SMP_FAILURE.UNSPECIFIED);
    peerConfirm = reversed(value);
    own = chance.bytes(16);
    context.send(SMP.PAIRING_CONFIRM, f4(ownX, peerX, own, bitOfRound()));
    return WAITING;
  };

  const takeRandom = async ({ own: ownX, peer: peerX }: Keys, value: Uint8Array): Promise<PairingStep> => {
    peer = reversed(value);
    if (withPasskey) {
      if (peerConfirm === null || !sameBytes(f4(peerX, ownX, peer, bitOfRound()), peerConfirm)) {
        return failedWith(SMP_FAILURE.CONFIRM_VALUE);
      }
      peerConfirm = null;
      round += 1;
      context.send(SMP.PAIRING_RANDOM, own);
      agreed = round === PASSKEY_ROUNDS;
      return WAITING;
    }
    context.send(SMP.PAIRING_RANDOM, own);
    agreed = association !== "numeric-comparison" || (await context.compare(g2(peerX, ownX, peer, own) % 1_000_000));
    return agreed ? WAITING : failedWith(SMP_FAILURE.NUMERIC_COMPARISON);
  };

  const takeCheck = ({ shared }: Keys, value: Uint8Array): PairingStep => {
    if (!agreed) return failedWith(SMP_FAILURE.UNSPECIFIED);
    const { initiator, responder, preq, pres } = context;
    const { macKey, ltk } = f5(shared, peer, own, initiator, responder);
    const r = passkeyOctets(passkey);
    if (!sameBytes(f6(macKey, peer, own, r, ioCapOf(preq), initiator, responder), reversed(value))) {
      return failedWith(SMP_FAILURE.DHKEY_CHECK);
    }
    const check = f6(macKey, own, peer, r, ioCapOf(pres), responder, initiator);
    return { tag: "key", key: ltk, reply: { code: SMP.DHKEY_CHECK, value: check } };
  };

  return {
    receive: async (code, value) => {
      if (code === SMP.PUBLIC_KEY) return exchangeKeys(value);
      if (keys === null) return failedWith(SMP_FAILURE.UNSPECIFIED);
      if (code === SMP.PAIRING_CONFIRM) return takeConfirm(keys, value);
      if (code === SMP.PAIRING_RANDOM) return takeRandom(keys, value);
      return code === SMP.DHKEY_CHECK ? takeCheck(keys, value) : failedWith(SMP_FAILURE.UNSPECIFIED);
    },
  };
};
