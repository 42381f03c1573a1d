import { HubError } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, seconds } from "../../protocol/time.ts";
import { attError } from "./att-error.ts";
import { ATT, ATT_ERROR, DEFAULT_MTU, type IncomingPdu, pdu, readPdu, u16 } from "./att-pdu.ts";

/** Design drivers.md radio policy 6; the specification gives a server 30 s (Core Vol 3 Part F 3.3.3). */
export const GATT_DEADLINE: Millis = seconds(10);
/** A session asks one thing after another; more than this waiting is a fault of the caller. */
const QUEUE_LIMIT = 32;

export type AttValue = Extract<IncomingPdu, { tag: "value" }>;

export interface AttBearerOptions {
  /** Names the sensor in errors. */
  readonly peer: string;
  readonly clock: Clock;
  /** The MTU in the exchange request that the stack has sent already when the bearer is made. */
  readonly offeredMtu: number;
  send(bytes: Uint8Array): void;
  value(value: AttValue): void;
  /** A request was not answered in time: the bearer may not be used any more, and the link has to go. */
  stuck(error: HubError): void;
}

/**
 * The client side of the attribute protocol on one connection: one request at a time, each with its answer or its
 * error. noble's gatt.js does not tell of errors, and confirms indications as they come.
 */
export interface AttBearer {
  /** Smaller of what both sides offered; 23 until they did. */
  readonly mtu: number;
  /** The response PDU, opcode first. Rejects with `ble-att-error`, `ble-timeout`, `ble-disconnected` or the signal's reason. */
  request(attempted: string, bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /** Commands and confirmations: handed over and never answered. */
  send(bytes: Uint8Array): void;
  receive(bytes: Uint8Array): void;
  /** Settles everything that waits with `reason`. */
  close(reason: HubError): void;
}

interface Request {
  readonly attempted: string;
  readonly bytes: Uint8Array;
  answer(bytes: Uint8Array): void;
  fail(reason: unknown): void;
  /** The caller does not wait any more. */
  abandoned: boolean;
}

export const createAttBearer = (options: AttBearerOptions): AttBearer => {
  const { clock, peer } = options;
  const waiting: Request[] = [];
  let current: Request | null = null;
  let timer: AbortController | null = null;
  let closed: HubError | null = null;
  let mtu = DEFAULT_MTU;

  const agree = (theirs: number): void => {
    mtu = Math.max(DEFAULT_MTU, Math.min(options.offeredMtu, theirs));
  };

  const close = (reason: HubError): void => {
    if (closed !== null) return;
    closed = reason;
    timer?.abort();
    current?.fail(reason);
    for (const request of waiting.splice(0)) request.fail(reason);
    current = null;
  };

  /** The next deadline starts when the request is sent, not when it was asked for. */
  const watch = (request: Request): void => {
    timer = new AbortController();
    clock.sleep(GATT_DEADLINE, timer.signal).then(
      () => {
        const error = new HubError(
          "ble-timeout",
          `${request.attempted} of ${peer}: no answer in ${GATT_DEADLINE / 1000} s; keep the sensor near the hub and measure again`,
        );
        close(error);
        options.stuck(error);
      },
      () => undefined,
    );
  };

  const next = (): void => {
    timer?.abort();
    current = null;
    for (let request = waiting.shift(); request !== undefined; request = waiting.shift()) {
      if (request.abandoned) continue;
      current = request;
      watch(request);
      options.send(request.bytes);
      return;
    }
  };

  const answered = (to: number): Request | null => (current?.bytes[0] === to ? current : null);

  const answerServer = (opcode: number, bytes: Uint8Array): void => {
    if (opcode === ATT.exchangeMtuRequest && bytes.length === 3) {
      agree(u16(bytes, 1));
      options.send(pdu(ATT.exchangeMtuResponse, options.offeredMtu));
    } else {
      options.send(Uint8Array.of(ATT.errorResponse, opcode, 0, 0, ATT_ERROR.requestNotSupported));
    }
  };

  const receive = (bytes: Uint8Array): void => {
    if (closed !== null) return;
    const incoming = readPdu(bytes);
    switch (incoming.tag) {
      case "value":
        options.value(incoming);
        return;
      case "request":
        answerServer(incoming.opcode, incoming.bytes);
        return;
      case "response":
      case "error": {
        const request = answered(incoming.to);
        if (request === null) return;
        if (incoming.tag === "response") request.answer(incoming.bytes);
        else request.fail(attError(`${request.attempted} of ${peer}`, incoming.code));
        next();
        return;
      }
      case "ignored":
        return;
    }
  };

  current = {
    attempted: "exchange of packet sizes",
    bytes: pdu(ATT.exchangeMtuRequest, options.offeredMtu),
    answer: (bytes) => bytes.length >= 3 && agree(u16(bytes, 1)),
    // A sensor without the exchange answers with an error, and the default holds.
    fail: () => undefined,
    abandoned: false,
  };
  watch(current);

  return {
    get mtu() {
      return mtu;
    },
    request: (attempted, bytes, signal) =>
      new Promise((resolve, reject) => {
        if (closed !== null) return reject(closed);
        if (signal.aborted) return reject(signal.reason);
        if (waiting.length >= QUEUE_LIMIT) {
          const found = `${waiting.length} requests wait already; ask one thing after another`;
          return reject(new HubError("invalid-argument", `${attempted} of ${peer}: ${found}`));
        }
        const settled = <T>(settle: (value: T) => void): ((value: T) => void) => {
          return (value) => {
            signal.removeEventListener("abort", onAbort);
            settle(value);
          };
        };
        const request: Request = {
          attempted,
          bytes,
          answer: settled(resolve),
          fail: settled(reject),
          abandoned: false,
        };
        const onAbort = (): void => {
          request.abandoned = true;
          reject(signal.reason);
        };
        signal.addEventListener("abort", onAbort, { once: true });
        waiting.push(request);
        if (current === null) next();
      }),
    send: (bytes) => {
      if (closed === null) options.send(bytes);
    },
    receive,
    close,
  };
};
