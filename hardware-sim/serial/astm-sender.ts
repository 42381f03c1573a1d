import { type Millis, seconds } from "../../protocol/time.ts";
import { ASTM } from "./astm-frames.ts";

/** How long a sender waits for an answer before it gives the line up (ASTM E1381 6.5). */
export const ANSWER_TIMEOUT: Millis = seconds(15);
/** A frame that is refused as often ends the message (E1381 6.5). */
export const MAX_ATTEMPTS = 6;

/**
 * The side of ASTM E1381 that has a message to send. `frame`: index of the frame that waits for its answer.
 * `command`: the hub has the line, after it refused a bid and bid itself (how Ascensia meters are set).
 */
export type SenderState =
  | { readonly tag: "neutral" }
  | { readonly tag: "bidding" }
  | { readonly tag: "sending"; readonly frame: number; readonly attempts: number }
  | { readonly tag: "command" };

export type SenderEvent =
  /** The meter has something to say: the cable went in, or the patient pressed a button. */
  { readonly tag: "start" } | { readonly tag: "heard"; readonly octet: number } | { readonly tag: "timeout" };

export type SenderEffect =
  | { readonly tag: "send"; readonly octet: number }
  | { readonly tag: "frame"; readonly index: number };

export interface SenderStep {
  readonly state: SenderState;
  readonly effects: readonly SenderEffect[];
}

export const NEUTRAL: SenderState = { tag: "neutral" };

const stay = (state: SenderState): SenderStep => ({ state, effects: [] });
const end: SenderStep = { state: NEUTRAL, effects: [{ tag: "send", octet: ASTM.EOT }] };
const bid: SenderStep = { state: { tag: "bidding" }, effects: [{ tag: "send", octet: ASTM.ENQ }] };

const sendFrame = (frame: number, attempts: number): SenderStep => ({
  state: { tag: "sending", frame, attempts },
  effects: [{ tag: "frame", index: frame }],
});

/** In neutral, EOT from the hub asks for a bid, and ENQ is the hub's own bid for command mode. */
const inNeutral = (state: SenderState, octet: number): SenderStep => {
  if (octet === ASTM.EOT) return bid;
  if (octet !== ASTM.ENQ) return stay(state);
  return { state: { tag: "command" }, effects: [{ tag: "send", octet: ASTM.ACK }] };
};

const whileBidding = (state: SenderState, octet: number): SenderStep => {
  if (octet === ASTM.ACK) return sendFrame(0, 1);
  return octet === ASTM.NAK || octet === ASTM.EOT ? end : stay(state);
};

const whileSending = (state: Extract<SenderState, { tag: "sending" }>, octet: number, frames: number): SenderStep => {
  const { frame, attempts } = state;
  if (octet === ASTM.ACK) return frame + 1 < frames ? sendFrame(frame + 1, 1) : end;
  if (octet === ASTM.NAK) return attempts < MAX_ATTEMPTS ? sendFrame(frame, attempts + 1) : end;
  // The receiver may ask for the line with EOT in place of ACK.
  return octet === ASTM.EOT ? end : stay(state);
};

/** One step of the sender. Pure. `frames`: how many its message has. In command mode it leaves the octets to others. */
export const nextSender = (state: SenderState, event: SenderEvent, frames: number): SenderStep => {
  if (event.tag === "start") return state.tag === "neutral" ? bid : stay(state);
  if (event.tag === "timeout") return state.tag === "neutral" || state.tag === "command" ? stay(NEUTRAL) : end;
  switch (state.tag) {
    case "neutral":
      return inNeutral(state, event.octet);
    case "bidding":
      return whileBidding(state, event.octet);
    case "sending":
      return whileSending(state, event.octet, frames);
    case "command":
      return event.octet === ASTM.EOT ? stay(NEUTRAL) : stay(state);
  }
};
