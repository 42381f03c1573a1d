import { isIPv6 } from "node:net";
import { ageOf, driftOfSkew, type SourceAnswer } from "./synchronisation.ts";

/**
 * chrony's command and monitoring protocol, version 6 (candm.h of chrony 3.0 to 4.x): the packets of `chronyc tracking`.
 * Every number is in network order.
 *
 * Request: version, 1 (request), 2 octets 0, command, attempt, sequence (32 bit), 8 octets 0, then room. Reply: version,
 * 2 (reply), 2 octets 0, command, reply, status, 6 octets 0, sequence, 8 octets 0, then data. A request is as long as its
 * reply, so that the port cannot be used to amplify.
 */
const VERSION = 6;
const REQUEST = 1;
const REPLY = 2;
const TRACKING_COMMAND = 33;
const TRACKING_REPLY = 5;
const REPLY_HEADER = 28;
/** Reference id 4, address 20, stratum and leap 4, time 12, nine floats 36. */
export const TRACKING_LENGTH = REPLY_HEADER + 76;

const AT = {
  reference: 28,
  address: 32,
  family: 48,
  stratum: 52,
  leap: 54,
  seconds: 56,
  correction: 68,
  skew: 88,
  rootDelay: 92,
  rootDispersion: 96,
} as const;

/** Leap status 3: not synchronised (candm.h). */
const UNSYNCHRONISED = 3;
/** 127.127.1.1: chrony's `local` directive. The machine's own clock proves nothing about itself. */
const LOCAL_REFERENCE = 0x7f7f0101;
/** High half of the seconds on a machine whose time has 32 bits. */
const NO_HIGH_SECONDS = 0x7fffffff;

export const trackingRequest = (sequence: number): Uint8Array => {
  const bytes = new Uint8Array(TRACKING_LENGTH);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setUint8(1, REQUEST);
  view.setUint16(4, TRACKING_COMMAND);
  view.setUint32(8, sequence);
  return bytes;
};

/** chrony's own float: 7 bits of exponent and 25 of coefficient, both in two's complement, without a hidden bit. */
const floatAt = (view: DataView, at: number): number => {
  const word = view.getInt32(at);
  const exponent = word >> 25;
  const coefficient = (word << 7) >> 7;
  return coefficient * 2 ** (exponent - 25);
};

/** Seconds since 1970. */
const timeAt = (view: DataView, at: number): number => {
  const high = view.getUint32(at);
  return (high === NO_HIGH_SECONDS ? 0 : high) * 2 ** 32 + view.getUint32(at + 4) + view.getUint32(at + 8) / 1e9;
};

/** An address (family 1, 2), or the letters of a receiver (`GPS`, `PPS`); null for what is not printable. */
const referenceOf = (bytes: Uint8Array, view: DataView): string | null => {
  const family = view.getUint16(AT.family);
  if (family === 1) return [...bytes.subarray(AT.address, AT.address + 4)].join(".");
  if (family === 2) {
    const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(AT.address + 2 * i).toString(16)).join(":");
    return isIPv6(groups) ? groups : null;
  }
  const letters = String.fromCharCode(...bytes.subarray(AT.reference, AT.reference + 4)).replace(/\0+$/, "");
  return /^[\x21-\x7e]{1,4}$/.test(letters) ? letters : null;
};

const silent = (why: string): SourceAnswer => ({ tag: "silent", why });

/**
 * What chronyd answered to the request of `sequence`, at the wall clock `now` in milliseconds since 1970. The bound is
 * chrony's own: |system time offset| + root dispersion + root delay / 2 (chronyc(1), tracking); its dispersion grows by
 * the measured skew while no server answers. To that comes what the temperature may do (`driftOfSkew`) since then.
 */
export const readTracking = (bytes: Uint8Array, sequence: number, now: number): SourceAnswer => {
  if (bytes.length < TRACKING_LENGTH) return silent(`an answer of ${bytes.length} octets`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isOurs =
    view.getUint8(1) === REPLY && view.getUint16(4) === TRACKING_COMMAND && view.getUint32(16) === sequence;
  if (!isOurs) return silent("an answer to another question");
  const [version, reply, status] = [view.getUint8(0), view.getUint16(6), view.getUint16(8)];
  if (version !== VERSION || reply !== TRACKING_REPLY || status !== 0) {
    return silent(`protocol ${version}, reply ${reply}, status ${status}`);
  }
  const [stratum, leap] = [view.getUint16(AT.stratum), view.getUint16(AT.leap)];
  if (leap === UNSYNCHRONISED) return { tag: "unsynchronised", why: "no server chosen" };
  if (view.getUint32(AT.reference) === LOCAL_REFERENCE) {
    return { tag: "unsynchronised", why: "compared with this machine's own clock only (directive local)" };
  }
  if (leap > UNSYNCHRONISED || stratum < 1 || stratum > 15) return silent(`leap status ${leap}, stratum ${stratum}`);
  const [correction, skew] = [floatAt(view, AT.correction), floatAt(view, AT.skew)];
  const [delay, dispersion] = [floatAt(view, AT.rootDelay), floatAt(view, AT.rootDispersion)];
  if (delay < 0 || dispersion < 0 || skew < 0) return silent("a negative delay, dispersion or skew");
  const comparison = timeAt(view, AT.seconds) * 1000;
  // chrony's times are of the clock as it will be when the correction that is under way has been made.
  const ageMs = ageOf(comparison, now + correction * 1000);
  if (ageMs === null) return { tag: "unsynchronised", why: "the clock was set back since it was compared" };
  const drift = driftOfSkew(skew);
  const boundMs = (Math.abs(correction) + dispersion + delay / 2) * 1000 + drift * ageMs;
  return {
    tag: "synchronised",
    sync: { source: "chrony", reference: referenceOf(bytes, view), stratum, boundMs, drift, ageMs, comparison },
  };
};
