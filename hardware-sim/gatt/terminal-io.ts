import type { LineOutcome } from "../serial/serial-line.ts";
import { ATT_ERROR } from "./att-codes.ts";
import type { ServiceDefinition } from "./attribute-table.ts";
import { aborted, type Bell } from "./bell.ts";
import type { PeripheralConnection } from "./peripheral.ts";

/**
 * The far end of Telit's Terminal I/O: a serial line over GATT with credits both ways (TIOConnectionImpl of Telit's
 * Android library, 2016, seen from the other side). It is open when the central has subscribed to credits and data and
 * has granted credits; then the peripheral grants its own.
 */
export interface SimulatedTerminal {
  readonly service: ServiceDefinition;
  /** Packets that came without a credit for them, and credits beyond 64. */
  readonly violations: readonly string[];
  /** For the shell: a central has connected. */
  connected(connection: PeripheralConnection): void;
  /** Send as many packets as it takes; `heard` when all of them went out on one connection. */
  send(bytes: Uint8Array): Promise<LineOutcome>;
  /** What was said to the central is confirmed, or its link over. */
  settled(): Promise<unknown>;
}

export interface SimulatedTerminalOptions {
  /** Bytes from the central. */
  receive(bytes: Uint8Array): void;
  /** Credits that it grants at first, and again when few are left. Default 8. */
  readonly grants?: number;
  /** Rings at every subscription. */
  readonly bell: Bell;
  /** Aborts when the device is closed. */
  readonly closed: AbortSignal;
}

const named = (first: string): string => `${first}-0000-1000-8000-008025000000`;
const DATA_IN = named("00000001");
const DATA_OUT = named("00000002");
const CREDITS_IN = named("00000003");
const CREDITS_OUT = named("00000004");

const PACKET = 20;
const MOST_CREDITS = 64;
const DEFAULT_GRANTS = 8;
const MAX_VIOLATIONS = 100;

const UNHEARD: LineOutcome = { heard: false, disturbed: false, early: false };
const HEARD: LineOutcome = { heard: true, disturbed: false, early: false };

export const createSimulatedTerminal = (options: SimulatedTerminalOptions): SimulatedTerminal => {
  const { grants = DEFAULT_GRANTS, bell, closed } = options;
  const violations: string[] = [];
  let connection: PeripheralConnection | null = null;
  /** What this side may send, and what it has let the central send. */
  let ours = 0;
  let theirs = 0;
  let sending: Promise<unknown> = Promise.resolve();
  let granting: Promise<unknown> = Promise.resolve();

  const violate = (what: string): void => {
    if (violations.length < MAX_VIOLATIONS) violations.push(what);
  };

  const grant = (): void => {
    theirs += grants;
    granting = Promise.all([granting, connection?.gatt.indicate(CREDITS_OUT, Uint8Array.of(grants))]);
  };

  const takeCredits = (value: Uint8Array): number | null => {
    const [count] = value;
    if (value.length !== 1 || count === undefined) return ATT_ERROR.INVALID_LENGTH;
    if (ours + count > MOST_CREDITS) violate("credits");
    ours = Math.min(MOST_CREDITS, ours + count);
    if (theirs === 0) grant();
    bell.ring();
    return null;
  };

  const takeData = (value: Uint8Array): number | null => {
    if (theirs === 0) violate("data");
    theirs = Math.max(0, theirs - 1);
    options.receive(value);
    if (theirs <= 1) grant();
    return null;
  };

  /** Waits until a packet may go; null when the device is closed first. */
  const clearToSend = async (): Promise<PeripheralConnection | null> => {
    while (!closed.aborted) {
      const change = AbortSignal.any([bell.next(), closed]);
      if (connection !== null && ours > 0 && connection.gatt.subscription(DATA_OUT) === "notify") return connection;
      await aborted(change);
    }
    return null;
  };

  const sendAll = async (bytes: Uint8Array): Promise<LineOutcome> => {
    let first: PeripheralConnection | null = null;
    for (let at = 0; at < bytes.length; at += PACKET) {
      const on = await clearToSend();
      first ??= on;
      if (on === null || on !== first) return UNHEARD;
      ours -= 1;
      if (!on.gatt.notify(DATA_OUT, bytes.subarray(at, at + PACKET))) return UNHEARD;
    }
    return HEARD;
  };

  return {
    service: {
      uuid: "fefb",
      characteristics: [
        { uuid: DATA_IN, properties: ["write-without-response"], write: takeData },
        { uuid: DATA_OUT, properties: ["notify"] },
        { uuid: CREDITS_IN, properties: ["write"], write: takeCredits },
        { uuid: CREDITS_OUT, properties: ["indicate"] },
      ],
    },
    violations,
    connected: (next) => {
      connection = next;
      ours = 0;
      theirs = 0;
      next.over.addEventListener(
        "abort",
        () => {
          if (connection === next) connection = null;
          bell.ring();
        },
        { once: true },
      );
    },
    settled: () => granting,
    send: (bytes) => {
      const mine = sending.then(() => sendAll(bytes));
      sending = mine;
      return mine;
    },
  };
};
