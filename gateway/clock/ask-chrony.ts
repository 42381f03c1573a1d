import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { millis } from "../../protocol/time.ts";
import { readTracking, trackingRequest } from "./chrony-tracking.ts";
import type { SourceAnswer } from "./synchronisation.ts";

/** chronyd's command port on loopback: open to every user of the machine for questions, unless `cmdport 0`. */
export const CHRONY_PORT = 323;

/** chronyd answers within a millisecond; one that was stopped or swapped out must not hold up the hub's look. */
const PATIENCE = millis(500);

/**
 * Ask chronyd how it keeps the clock: one datagram each way, an eighth of the processor time that starting chronyc takes
 * (docs/decisions/2026-11-22-time-sources.md). Its unix socket would need root, and is of a kind that Node does not open. A port below 1024 is only ever
 * served by root, and a connected socket takes answers from nowhere else. Never rejects.
 */
export const askChrony = async (clock: Clock, port = CHRONY_PORT): Promise<SourceAnswer> => {
  const socket = createSocket("udp4");
  const done = new AbortController();
  const heard = Promise.withResolvers<SourceAnswer>();
  socket.on("error", (thrown) => {
    // ICMP port unreachable: nobody listens.
    const isAbsent = (thrown as NodeJS.ErrnoException).code === "ECONNREFUSED";
    heard.resolve(isAbsent ? { tag: "absent" } : { tag: "silent", why: messageOf(thrown) });
  });
  try {
    socket.connect(port, "127.0.0.1");
    await once(socket, "connect", { signal: done.signal });
    const sequence = randomBytes(4).readUInt32BE();
    socket.on("message", (bytes) => heard.resolve(readTracking(bytes, sequence, clock.now())));
    socket.send(trackingRequest(sequence), (thrown) => {
      if (thrown !== null) socket.emit("error", thrown);
    });
    const late = clock.sleep(PATIENCE, done.signal).then(
      (): SourceAnswer => ({ tag: "silent", why: `no answer within ${PATIENCE} ms` }),
      (): SourceAnswer => ({ tag: "absent" }),
    );
    return await Promise.race([heard.promise, late]);
  } catch (thrown) {
    return { tag: "silent", why: messageOf(thrown) };
  } finally {
    done.abort();
    socket.close();
  }
};
