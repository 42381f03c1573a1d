import { createECDH } from "node:crypto";
import { toHex } from "../../../protocol/bytes.ts";
import { type Association, associationOf } from "./association.ts";
import type {
  Agreed,
  Checked,
  Collected,
  PairedKeys,
  PairingEffect,
  PairingEvent,
  PairingPolicy,
  PairingState,
  PairingStep,
  Secrets,
  SecureKeys,
} from "./pairing-state.ts";
import { c1, f4, f5, f6, g2, s1 } from "./smp-crypto.ts";
import { decodeFeatures, encodeFeatures, FAILURES, failureWords, KEYS, PDU_LENGTHS, SMP } from "./smp-pdu.ts";

/** Keys shorter than this are refused: the full size is what every certified sensor offers, and KNOB needs less. */
const KEY_SIZE = 16;
/** Bits of a passkey, one round each (2.3.5.6.3). */
const PASSKEY_ROUNDS = 20;

const reversed = (bytes: Uint8Array): Uint8Array => bytes.toReversed();
const pdu = (opcode: number, ...fields: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(Buffer.concat([Uint8Array.of(opcode), ...fields]));
const send = (bytes: Uint8Array): PairingEffect => ({ tag: "send", pdu: bytes });
const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((octet, i) => octet === b[i]);

/** The passkey as a 128-bit number, most significant octet first: TK of legacy pairing, r of the DHKey check. */
const passkeyOctets = (passkey: number): Uint8Array => {
  const octets = Buffer.alloc(16);
  octets.writeUInt32BE(passkey, 12);
  return Uint8Array.from(octets);
};

const failed = (code: number, reason: string = failureWords(code)): PairingStep => ({
  state: { tag: "done" },
  effects: [send(Uint8Array.of(SMP.pairingFailed, code)), { tag: "failed", reason }],
});

const usesPasskey = (association: Association): boolean => association.startsWith("passkey");

const passkeyBit = (at: Secrets, round: number): number =>
  usesPasskey(at.association) ? 0x80 | ((at.passkey >> round) & 1) : 0;

const legacyConfirm = (policy: PairingPolicy, at: Secrets, random: Uint8Array): Uint8Array =>
  c1({
    tk: passkeyOctets(at.passkey),
    random,
    request: reversed(at.request),
    response: reversed(at.response),
    initiator: policy.local,
    responder: policy.remote,
  });

/** With the passkey known (0 for Just Works and comparison): the first message of phase 2. */
const authenticate = (policy: PairingPolicy, at: Secrets): PairingStep => {
  if (at.secure) {
    const ecdh = createECDH("prime256v1");
    const key = Uint8Array.from(ecdh.generateKeys());
    const message = pdu(SMP.publicKey, reversed(key.subarray(1, 33)), reversed(key.subarray(33, 65)));
    return { state: { tag: "public-key", at, ecdh }, effects: [send(message)] };
  }
  const random = policy.random(16);
  const confirm = pdu(SMP.pairingConfirm, reversed(legacyConfirm(policy, at, random)));
  return { state: { tag: "legacy-confirm", at, random }, effects: [send(confirm)] };
};

const onFeatures = (policy: PairingPolicy, request: Uint8Array, response: Uint8Array): PairingStep => {
  const ours = decodeFeatures(request);
  const theirs = decodeFeatures(response);
  if (ours === null || theirs === null) return failed(FAILURES.invalidParameters);
  if (theirs.maxKeySize < KEY_SIZE) return failed(FAILURES.encryptionKeySize);
  const association = associationOf(ours, theirs);
  if (policy.mitm && association === "just-works") return failed(FAILURES.authenticationRequirements);
  const secure = ours.secureConnections && theirs.secureConnections;
  const agreed: Agreed = { request, response, theirs, association, secure };
  switch (association) {
    case "passkey-entered-here":
      return { state: { tag: "passkey", agreed }, effects: [{ tag: "ask-passkey" }] };
    case "passkey-shown-here": {
      const passkey = Buffer.from(policy.random(4)).readUInt32BE(0) % 1_000_000;
      const step = authenticate(policy, { ...agreed, passkey });
      return { state: step.state, effects: [{ tag: "show-passkey", passkey }, ...step.effects] };
    }
    case "just-works":
    case "numeric-comparison":
      return authenticate(policy, { ...agreed, passkey: 0 });
  }
};

/** Each passkey round sends its own commitment; without a passkey the responder commits first (2.3.5.6.2). */
const startRound = (policy: PairingPolicy, at: SecureKeys, round: number): PairingStep => {
  const nonce = policy.random(16);
  const state: PairingState = { tag: "secure-confirm", at: { ...at, round, nonce } };
  if (!usesPasskey(at.association)) return { state, effects: [] };
  const confirm = f4(at.ourX, at.theirX, nonce, passkeyBit(at, round));
  return { state, effects: [send(pdu(SMP.pairingConfirm, reversed(confirm)))] };
};

const onPublicKey = (
  policy: PairingPolicy,
  state: Extract<PairingState, { tag: "public-key" }>,
  body: Uint8Array,
): PairingStep => {
  const theirX = reversed(body.subarray(0, 32));
  const ourX = Uint8Array.from(state.ecdh.getPublicKey().subarray(1, 33));
  // A reflected public key would let the peer pass without knowing the passkey (CVE-2020-26558).
  if (equal(theirX, ourX)) return failed(FAILURES.invalidParameters);
  let dhKey: Uint8Array;
  try {
    const point = Buffer.concat([Uint8Array.of(4), theirX, reversed(body.subarray(32, 64))]);
    dhKey = Uint8Array.from(state.ecdh.computeSecret(point));
  } catch {
    // OpenSSL refuses a point that is not on the curve (CVE-2018-5383); the specification answers it like this (2.3.5.6.1).
    return failed(FAILURES.dhKeyCheckFailed, "the sensor's public key is not a point on the curve");
  }
  return startRound(policy, { ...state.at, ourX, theirX, dhKey }, 0);
};

const ioCap = (features: Uint8Array): Uint8Array => Uint8Array.of(features[3] ?? 0, features[2] ?? 0, features[1] ?? 0);

const checkDhKey = (policy: PairingPolicy, at: Checked): PairingStep => {
  const { macKey, ltk } = f5(at.dhKey, at.na, at.nb, policy.local, policy.remote);
  const r = passkeyOctets(at.passkey);
  const ours = f6(macKey, at.na, at.nb, r, ioCap(at.request), policy.local, policy.remote);
  const expected = f6(macKey, at.nb, at.na, r, ioCap(at.response), policy.remote, policy.local);
  return {
    state: { tag: "dhkey-check", at, ltk, expected },
    effects: [send(pdu(SMP.dhKeyCheck, reversed(ours)))],
  };
};

const onSecureRandom = (
  policy: PairingPolicy,
  state: Extract<PairingState, { tag: "secure-random" }>,
  body: Uint8Array,
): PairingStep => {
  const { at, confirm } = state;
  const nb = reversed(body);
  if (!equal(f4(at.theirX, at.ourX, nb, passkeyBit(at, at.round)), confirm)) return failed(FAILURES.confirmValueFailed);
  if (usesPasskey(at.association) && at.round + 1 < PASSKEY_ROUNDS) return startRound(policy, at, at.round + 1);
  const checked: Checked = { ...at, na: at.nonce, nb };
  if (at.association !== "numeric-comparison") return checkDhKey(policy, checked);
  const number = g2(at.ourX, at.theirX, at.nonce, nb) % 1_000_000;
  return { state: { tag: "comparison", at: checked }, effects: [{ tag: "compare", number }] };
};

const NO_RAND = "0000000000000000";

const encrypt = (at: Secrets, ltk: Uint8Array): PairingStep => {
  const onAir = reversed(ltk);
  const wanted = at.secure ? KEYS.identity : KEYS.encryption | KEYS.identity;
  const collected: Collected = {
    ltk: at.secure ? toHex(onAir) : null,
    ediv: 0,
    rand: NO_RAND,
    irk: null,
    identity: null,
    expected: at.theirs.responderKeys & wanted,
  };
  return { state: { tag: "encrypting", at, collected }, effects: [{ tag: "encrypt", ltk: onAir }] };
};

const onLegacyRandom = (
  policy: PairingPolicy,
  state: Extract<PairingState, { tag: "legacy-random" }>,
  body: Uint8Array,
): PairingStep => {
  const { at, random, confirm } = state;
  const theirs = reversed(body);
  if (!equal(legacyConfirm(policy, at, theirs), confirm)) return failed(FAILURES.confirmValueFailed);
  return encrypt(at, s1(passkeyOctets(at.passkey), theirs, random));
};

const finishWhenComplete = (at: Secrets, collected: Collected): PairingStep => {
  if (collected.expected !== 0) return { state: { tag: "keys", at, collected }, effects: [] };
  const { ltk, ediv, rand, irk, identity } = collected;
  const keys: PairedKeys | null =
    ltk === null || !at.theirs.bonding
      ? null
      : {
          ltk,
          ediv,
          rand,
          irk,
          identity,
          secureConnections: at.secure,
          association: at.association,
          authenticated: at.association !== "just-works",
        };
  return { state: { tag: "done" }, effects: [{ tag: "paired", keys }] };
};

const addressOf = (octets: Uint8Array): string =>
  [...reversed(octets)].map((octet) => octet.toString(16).padStart(2, "0")).join(":");

/** One distributed key (3.6); the Identity Address closes the identity keys, the EDIV and Rand the encryption keys. */
const onKey = (at: Secrets, collected: Collected, opcode: number, body: Uint8Array): PairingStep | null => {
  switch (opcode) {
    case SMP.encryptionInformation:
      if (at.secure) return null;
      return { state: { tag: "keys", at, collected: { ...collected, ltk: toHex(body) } }, effects: [] };
    case SMP.centralIdentification: {
      if (at.secure) return null;
      const ediv = Buffer.from(body).readUInt16LE(0);
      const rand = toHex(body.subarray(2));
      return finishWhenComplete(at, { ...collected, ediv, rand, expected: collected.expected & ~KEYS.encryption });
    }
    case SMP.identityInformation: {
      // All zeros: the sensor has no resolving key and keeps its address (3.6.4).
      const irk = body.some((octet) => octet !== 0) ? toHex(body) : null;
      return { state: { tag: "keys", at, collected: { ...collected, irk } }, effects: [] };
    }
    case SMP.identityAddressInformation: {
      const identity = { address: addressOf(body.subarray(1)), type: body[0] === 0 ? "public" : "random" } as const;
      return finishWhenComplete(at, { ...collected, identity, expected: collected.expected & ~KEYS.identity });
    }
    case SMP.signingInformation:
      return { state: { tag: "keys", at, collected }, effects: [] };
    default:
      return null;
  }
};

const onPdu = (policy: PairingPolicy, state: PairingState, bytes: Uint8Array): PairingStep => {
  const opcode = bytes[0] ?? 0;
  const body = bytes.subarray(1);
  if (PDU_LENGTHS.get(opcode) !== bytes.length) return failed(FAILURES.invalidParameters);
  if (opcode === SMP.pairingFailed) {
    const reason = `the sensor ended the pairing: ${failureWords(body[0] ?? 0)}`;
    return { state: { tag: "done" }, effects: [{ tag: "failed", reason }] };
  }
  if (opcode === SMP.securityRequest || opcode === SMP.keypressNotification) return { state, effects: [] };
  switch (state.tag) {
    case "features":
      if (opcode === SMP.pairingResponse) return onFeatures(policy, state.request, bytes);
      break;
    case "legacy-confirm":
      if (opcode !== SMP.pairingConfirm) break;
      return {
        state: { tag: "legacy-random", at: state.at, random: state.random, confirm: reversed(body) },
        effects: [send(pdu(SMP.pairingRandom, reversed(state.random)))],
      };
    case "legacy-random":
      if (opcode === SMP.pairingRandom) return onLegacyRandom(policy, state, body);
      break;
    case "public-key":
      if (opcode === SMP.publicKey) return onPublicKey(policy, state, body);
      break;
    case "secure-confirm":
      if (opcode !== SMP.pairingConfirm) break;
      return {
        state: { tag: "secure-random", at: state.at, confirm: reversed(body) },
        effects: [send(pdu(SMP.pairingRandom, reversed(state.at.nonce)))],
      };
    case "secure-random":
      if (opcode === SMP.pairingRandom) return onSecureRandom(policy, state, body);
      break;
    case "dhkey-check":
      if (opcode !== SMP.dhKeyCheck) break;
      return equal(reversed(body), state.expected) ? encrypt(state.at, state.ltk) : failed(FAILURES.dhKeyCheckFailed);
    case "keys": {
      const step = onKey(state.at, state.collected, opcode, body);
      if (step !== null) return step;
      break;
    }
    case "idle":
    case "passkey":
    case "comparison":
    case "encrypting":
    case "done":
      break;
  }
  return failed(FAILURES.unspecified, `message 0x${opcode.toString(16)} does not fit the step "${state.tag}"`);
};

const start = (policy: PairingPolicy): PairingStep => {
  const request = encodeFeatures(SMP.pairingRequest, {
    io: policy.io,
    oob: false,
    bonding: true,
    mitm: policy.mitm,
    secureConnections: policy.secureConnections,
    maxKeySize: KEY_SIZE,
    initiatorKeys: 0,
    responderKeys: KEYS.encryption | KEYS.identity,
  });
  return { state: { tag: "features", request }, effects: [send(request)] };
};

/**
 * One step of pairing as the initiator (Bluetooth Core specification, Vol 3 Part H, 2.3 and 2.4): LE legacy Just Works
 * and passkey, LE Secure Connections Just Works, passkey and numeric comparison. Pure but for `policy.random` and the
 * key pair of Secure Connections. After `failed` or `paired` the state is `done` and nothing more is sent. The caller
 * keeps the 30 s time-out of 3.4. `paired` with null keys: encrypted now, but the sensor does not bond.
 */
export const pairingStep = (policy: PairingPolicy, state: PairingState, event: PairingEvent): PairingStep => {
  if (state.tag === "done") return { state, effects: [] };
  switch (event.tag) {
    case "start":
      return state.tag === "idle" ? start(policy) : { state, effects: [] };
    case "pdu":
      return onPdu(policy, state, event.bytes);
    case "passkey":
      if (state.tag !== "passkey") return { state, effects: [] };
      if (event.passkey === null) return failed(FAILURES.passkeyEntryFailed);
      return authenticate(policy, { ...state.agreed, passkey: event.passkey });
    case "comparison":
      if (state.tag !== "comparison") return { state, effects: [] };
      return event.equal ? checkDhKey(policy, state.at) : failed(FAILURES.numericComparisonFailed);
    case "encrypted":
      if (state.tag !== "encrypting") return { state, effects: [] };
      if (event.status !== 0) {
        const reason = `the encryption did not start (HCI status 0x${event.status.toString(16).padStart(2, "0")})`;
        return { state: { tag: "done" }, effects: [{ tag: "failed", reason }] };
      }
      return finishWhenComplete(state.at, state.collected);
  }
};
