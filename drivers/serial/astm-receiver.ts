import { type Millis, millis, seconds } from "../../protocol/time.ts";
import { ASTM, type AstmFrame, decodeAstmFrame } from "../decode/astm.ts";
import { decoded } from "../driver.ts";
import { HELLO, type MeterLine } from "./meter-line.ts";

/** E1381 section 6.5 gives a sender 15 s to answer and a receiver 30; meters send the next frame at once. */
const FRAME_WITHIN: Millis = seconds(3);
/** Attempts at one frame before the message is given up (E1381 section 6.5). */
const MOST_ATTEMPTS = 6;
const FRAME_NUMBERS = 8;

/** One frame of a message, whole and in its order; or why there is none. */
export type AstmReceived =
  | { readonly tag: "frame"; readonly frame: AstmFrame; readonly raw: Uint8Array }
  /** The sender ended the message. */
  | { readonly tag: "end" }
  /** It could not be had. */
  | { readonly tag: "lost" };

/**
 * The receiving side of ASTM E1381 within one message. Each call of `next` acknowledges what came before, so a frame is
 * confirmed only when its taker comes for the next one.
 */
export interface AstmReceiver {
  next(): Promise<AstmReceived>;
}

const isControl = (bytes: Uint8Array, octet: number): boolean => bytes.length === 1 && bytes[0] === octet;

export const createAstmReceiver = (line: MeterLine): AstmReceiver => {
  /** Number of the last good frame; the first of a message is 1 (E1381 section 6.3). */
  let last = 0;

  /** What comes after the answer that was just given; null: nothing that could be used. */
  const listen = async (): Promise<AstmReceived | "again" | null> => {
    const heard = await line.hear(FRAME_WITHIN);
    if (heard.tag === "silence" || (heard.tag === "damaged" && heard.reason !== "noise")) return null;
    // What stood before noise may still be on its way.
    if (heard.tag === "damaged") return "again";
    if (isControl(heard.bytes, ASTM.eot)) return { tag: "end" };
    if (isControl(heard.bytes, ASTM.enq)) return { tag: "lost" };
    const decodedFrame = decodeAstmFrame(heard.bytes);
    if (decodedFrame.tag === "malformed") return null;
    const frame = decodedFrame.record;
    line.understood();
    if (frame.frameNo === last) return { tag: "frame", frame, raw: heard.bytes };
    return frame.frameNo === (last + 1) % FRAME_NUMBERS ? { tag: "frame", frame, raw: heard.bytes } : null;
  };

  const isLast = (received: AstmReceived | null): boolean =>
    received?.tag === "frame" && received.frame.frameNo === last;

  return {
    next: async () => {
      let answer: number = ASTM.ack;
      for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
        await line.say(Uint8Array.of(answer));
        let received = await listen();
        // A frame that comes again unasked came twice over the line; to acknowledge it twice would be for the next one.
        while (received === "again" || (answer === ASTM.ack && isLast(received))) received = await listen();
        if (received !== null && !isLast(received)) {
          if (received.tag === "frame") last = received.frame.frameNo;
          return received;
        }
        // NAK is safe whatever was lost: a frame is sent again, and where that one was had already, it is known by its
        // number, and its acknowledgement was what was lost.
        answer = received === null ? ASTM.nak : ASTM.ack;
      }
      await line.say(Uint8Array.of(ASTM.eot));
      return { tag: "lost" };
    },
  };
};

const control = (octet: number, patience: Millis) => ({
  patience,
  understand: (bytes: Uint8Array) => (isControl(bytes, octet) ? decoded(true) : null),
});

/** End whatever is going on and have the meter bid for the line (it answers EOT with ENQ). False: nobody is there. */
export const pokeAstm = async (line: MeterLine): Promise<boolean> =>
  (await line.ask({
    ...control(ASTM.enq, HELLO.patience ?? millis(700)),
    bytes: Uint8Array.of(ASTM.eot),
    attempts: HELLO.attempts ?? 2,
  })) !== null;

/** Say something that is answered with ACK. False for NAK, and for no answer. */
export const tellAstm = async (line: MeterLine, bytes: Uint8Array): Promise<boolean> => {
  const answer = await line.ask({
    bytes,
    attempts: 1,
    understand: (frame) => {
      if (isControl(frame, ASTM.ack)) return decoded(true);
      return isControl(frame, ASTM.nak) ? decoded(false) : null;
    },
  });
  return answer?.record === true;
};
