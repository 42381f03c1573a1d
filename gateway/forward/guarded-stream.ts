import { Duplex } from "node:stream";
import type { GuardFinding, InboundGuard } from "./inbound-guard.ts";

export interface GuardedStreamOptions {
  readonly guard: InboundGuard;
  /** Called for every chunk that arrives. */
  readonly onReceived: () => void;
  /** What was found; the chunk it was in is not passed on. */
  readonly onFinding: (finding: GuardFinding) => void;
}

/** `socket` with a guard in front of its reader: the MQTT client sees only bytes that the guard has let through. */
export const guardedStream = (socket: Duplex, { guard, onReceived, onFinding }: GuardedStreamOptions): Duplex => {
  const stream = new Duplex({
    read: () => {
      socket.resume();
    },
    write: (chunk: Buffer, _encoding, done) => {
      socket.write(chunk, done);
    },
    // A packet is several small writes: together they are one TLS record.
    writev: (chunks, done) => {
      socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)), done);
    },
    final: (done) => {
      socket.end(done);
    },
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on("data", (chunk: Buffer) => {
    onReceived();
    const finding = guard.inspect(chunk);
    if (finding !== null) onFinding(finding);
    else if (!stream.push(chunk)) socket.pause();
  });
  socket.once("end", () => stream.push(null));
  socket.once("close", () => stream.destroy());
  return stream;
};
