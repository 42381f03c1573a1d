import { createSocket } from "node:dgram";
import { once } from "node:events";

/** An NTP server on loopback whose clock is off. */
export interface NtpServer extends AsyncDisposable {
  readonly port: number;
}

export interface NtpServerOptions {
  /** How far its clock is ahead of this machine's, milliseconds. */
  readonly aheadMs: number;
}

/** Seconds from 1900 (the NTP era) to 1970. */
const ERA = 2_208_988_800;
const LENGTH = 48;

const putTime = (packet: Buffer, at: number, ms: number): void => {
  const seconds = Math.floor(ms / 1000);
  packet.writeUInt32BE((seconds + ERA) % 2 ** 32, at);
  packet.writeUInt32BE(Math.floor((ms / 1000 - seconds) * 2 ** 32), at + 4);
};

/** The answer to a client's packet (RFC 5905, 7.3): version as asked, mode 4, stratum 1, reference `GPS`. */
const answerTo = (request: Buffer, now: number): Buffer => {
  const answer = Buffer.alloc(LENGTH);
  const version = ((request[0] ?? 0) >> 3) & 7;
  answer.writeUInt8((version << 3) | 4, 0);
  answer.writeUInt8(1, 1);
  answer.writeUInt8(request[2] ?? 6, 2);
  // Precision: 2^-20 s.
  answer.writeInt8(-20, 3);
  answer.write("GPS", 12, "latin1");
  putTime(answer, 16, now);
  // The client's transmit time comes back as the origin.
  request.copy(answer, 24, 40, LENGTH);
  putTime(answer, 32, now);
  putTime(answer, 40, now);
  return answer;
};

export const startNtpServer = async ({ aheadMs }: NtpServerOptions): Promise<NtpServer> => {
  const socket = createSocket("udp4");
  socket.on("message", (request, from) => {
    if (request.length < LENGTH) return;
    const now = performance.timeOrigin + performance.now() + aheadMs;
    socket.send(answerTo(request, now), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    port: socket.address().port,
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, "close");
    },
  };
};
