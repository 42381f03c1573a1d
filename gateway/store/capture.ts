import type { UnreadableCapture } from "../../protocol/ports/outbox.ts";
import type { Seal } from "./seal.ts";
import type { SqlStatement } from "./transaction.ts";

/** Captures kept (contract of keepUnreadable). */
export const MAX_CAPTURES = 1000;

/** A capture has no number that is known before it is written: which of them it is, is not sealed. */
const BOUND = Buffer.from("capture 1");

/** The oldest beyond the bound goes. */
export const captureStatements = (capture: UnreadableCapture, seal: Seal): readonly SqlStatement[] => [
  {
    sql: "INSERT INTO unreadable (sensor, channel, reason, raw_hex, sealed) VALUES ('', '', '', '', ?)",
    parameters: [seal.seal(Buffer.from(JSON.stringify(capture), "utf8"), BOUND)],
  },
  { sql: "DELETE FROM unreadable WHERE id <= (SELECT max(id) FROM unreadable) - ?", parameters: [MAX_CAPTURES] },
];

const DAMAGED: UnreadableCapture = {
  sensor: "",
  channel: "",
  reason: "damaged on the disk",
  rawHex: "",
  receivedUtc: null,
};

export const openCapture = (sealed: Uint8Array, seal: Seal): UnreadableCapture => {
  const plain = seal.open(sealed, BOUND);
  return plain === null ? DAMAGED : (JSON.parse(Buffer.from(plain).toString("utf8")) as UnreadableCapture);
};
