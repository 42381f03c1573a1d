import { HubError } from "../../protocol/errors.ts";

interface Meaning {
  readonly name: string;
  readonly next: string;
}

const PAIR = "pair the sensor with this hub";
const MODEL = "check that the sensor is the model of its catalogue entry";

/** Core Vol 3 Part F 3.4.1.1, and the common profile errors of Supplement Part B. */
const MEANINGS: ReadonlyMap<number, Meaning> = new Map([
  [0x01, { name: "invalid handle", next: MODEL }],
  [0x02, { name: "read not permitted", next: MODEL }],
  [0x03, { name: "write not permitted", next: MODEL }],
  [0x04, { name: "invalid PDU", next: MODEL }],
  [0x05, { name: "insufficient authentication", next: PAIR }],
  [0x06, { name: "request not supported", next: MODEL }],
  [0x08, { name: "insufficient authorization", next: PAIR }],
  [0x0a, { name: "attribute not found", next: MODEL }],
  [0x0c, { name: "encryption key too short", next: PAIR }],
  [0x0d, { name: "invalid value length", next: MODEL }],
  [0x0e, { name: "unlikely error", next: "measure again" }],
  [0x0f, { name: "insufficient encryption", next: PAIR }],
  [0x11, { name: "insufficient resources", next: "measure again" }],
  [0xfd, { name: "notifications not configured", next: "measure again" }],
  [0xfe, { name: "procedure in progress", next: "measure again" }],
  [0xff, { name: "out of range", next: MODEL }],
]);

/** `ble-att-error`; its context has `attError`, the code that the sensor answered. */
export const attError = (attempted: string, code: number): HubError => {
  const meaning = MEANINGS.get(code) ?? {
    name: code >= 0x80 && code <= 0x9f ? "of its profile" : "unknown",
    next: MODEL,
  };
  const shown = `0x${code.toString(16).padStart(2, "0")}`;
  return new HubError(
    "ble-att-error",
    `${attempted}: the sensor answered with ATT error ${shown} (${meaning.name}); ${meaning.next}`,
    { context: { attError: code } },
  );
};

/** HCI error codes with which links end (Core Vol 1 Part F 1.3). */
const ENDS: ReadonlyMap<number, string> = new Map([
  [0x03, "the adapter went away"],
  [0x08, "it went out of range or switched off"],
  [0x13, "the sensor hung up"],
  [0x14, "the sensor is low on resources"],
  [0x15, "the sensor is switching off"],
  [0x16, "the hub hung up"],
  [0x22, "the sensor stopped answering"],
  [0x3b, "the sensor refuses the connection parameters"],
  [0x3d, "encryption failed"],
  [0x3e, "the sensor did not answer"],
]);

export const endOf = (reason: number): string =>
  ENDS.get(reason) ?? `the link ended with HCI reason 0x${reason.toString(16).padStart(2, "0")}`;
