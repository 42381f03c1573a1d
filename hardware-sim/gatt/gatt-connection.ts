import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, seconds } from "../../protocol/time.ts";
import { le16, octets } from "../radio/little-endian.ts";
import { ATT, ATT_ERROR, MIN_MTU } from "./att-codes.ts";
import { createAttRequests } from "./att-requests.ts";
import type { Attribute, CharacteristicDefinition } from "./attribute-table.ts";
import { uuidOf } from "./uuid.ts";

/** Transaction timeout: after it a bearer may not be used any more (Core Vol 3 Part F 3.3.3). */
const TRANSACTION_TIMEOUT: Millis = seconds(30);
/** Requests that wait while answers are slow. A client may have one outstanding, and commands besides. */
const MAX_QUEUED_PDUS = 64;
const DEFAULT_MTU = 185;

/** Client configuration bits (Core Vol 3 Part G 3.3.3.3). */
const NOTIFY = 0x0001;
const INDICATE = 0x0002;

export type Subscription = "off" | "notify" | "indicate";

/** unsubscribed: nothing was sent. timeout: no confirmation within 30 s; the link must be given up. */
export type IndicationOutcome = "confirmed" | "unsubscribed" | "timeout" | "closed";

/** What the link is worth at this moment. */
export interface LinkSecurity {
  readonly encrypted: boolean;
  readonly authenticated: boolean;
  /** Identity of the bonded peer, null where it is not bonded. */
  readonly bond: string | null;
}

/** Misbehaviour, asked at each request. */
export interface GattFaults {
  /** An ATT error in place of the answer, or null. */
  errorFor(operation: "read" | "write" | "subscribe", uuid: string): number | null;
  /** How long an answer takes; `never` answers nothing and confirms nothing. */
  answerAfter(): Millis | "never";
}

export const NO_FAULTS: GattFaults = { errorFor: () => null, answerAfter: () => 0 as Millis };

export interface GattConnectionOptions {
  readonly attributes: readonly Attribute[];
  readonly clock: Clock;
  /** ATT_MTU that this server offers, 23 to 517. Default 185. */
  readonly mtu?: number;
  readonly faults?: GattFaults;
  send(pdu: Uint8Array): void;
  security(): LinkSecurity;
  /** A client wrote a configuration, after the write response has left. */
  subscribed?(uuid: string, subscription: Subscription): void;
  remembered(peer: string): ReadonlyMap<number, number>;
  remember(peer: string, subscriptions: ReadonlyMap<number, number>): void;
}

export interface IndicationOptions {
  /** Send it whether the client subscribed or not. */
  readonly uninvited?: boolean;
  /** Runs when the indication has left. */
  sent?(): void;
}

export interface GattConnection {
  readonly mtu: number;
  /** A PDU from the client. */
  receive(pdu: Uint8Array): void;
  /** What the client may be sent now: `off` also while the link is worth less than the value demands. */
  subscription(uuid: string): Subscription;
  /** False where the client has not asked for it. */
  notify(uuid: string, value: Uint8Array): boolean;
  /** Send an indication once all earlier ones are confirmed, and wait for its own confirmation. */
  indicate(uuid: string, value: Uint8Array, options?: IndicationOptions): Promise<IndicationOutcome>;
  /** The bond exists now: subscriptions of this peer from earlier connections count again. */
  restore(): void;
  /** The link is gone: waiting indications end with `closed`. */
  close(): void;
}

export const createGattConnection = (options: GattConnectionOptions): GattConnection => {
  const { attributes, clock, faults = NO_FAULTS } = options;
  const configuration = new Map<number, number>();
  const closed = new AbortController();
  const afterwards: (() => void)[] = [];
  let queue: Uint8Array[] = [];
  let answering = false;
  let confirmed: (() => void) | null = null;
  let indicating: Promise<unknown> = Promise.resolve();

  const restore = (): void => {
    const { bond } = options.security();
    if (bond === null) return;
    for (const [handle, bits] of options.remembered(bond)) configuration.set(handle, bits);
  };

  const insufficient = (characteristic: CharacteristicDefinition): number | null => {
    const demanded = characteristic.security ?? "open";
    const { encrypted, authenticated, bond } = options.security();
    if (demanded === "open") return null;
    // With a key but no encryption the client shall encrypt, without a key it shall pair (Core Vol 3 Part C 10.3.1).
    if (!encrypted) return bond === null ? ATT_ERROR.INSUFFICIENT_AUTHENTICATION : ATT_ERROR.INSUFFICIENT_ENCRYPTION;
    return demanded === "authenticated" && !authenticated ? ATT_ERROR.INSUFFICIENT_AUTHENTICATION : null;
  };

  const configure = (
    attribute: Attribute,
    characteristic: CharacteristicDefinition,
    value: Uint8Array,
  ): number | null => {
    if (value.length !== 2) return ATT_ERROR.INVALID_LENGTH;
    const bits = (value[0] ?? 0) | ((value[1] ?? 0) << 8);
    const able =
      (characteristic.properties.includes("notify") ? NOTIFY : 0) |
      (characteristic.properties.includes("indicate") ? INDICATE : 0);
    if ((bits & ~able) !== 0) return ATT_ERROR.VALUE_NOT_ALLOWED;
    configuration.set(attribute.handle, bits);
    const { bond } = options.security();
    if (bond !== null) options.remember(bond, new Map(configuration));
    const uuid = uuidOf(characteristic.uuid);
    afterwards.push(() => options.subscribed?.(uuid, subscription(uuid)));
    return null;
  };

  const mayWrite = ({ role, characteristic }: Attribute): number | null => {
    if (characteristic === null || role === "declaration") return ATT_ERROR.WRITE_NOT_PERMITTED;
    if (role === "value" && characteristic.write === undefined) return ATT_ERROR.WRITE_NOT_PERMITTED;
    return insufficient(characteristic);
  };

  const requests = createAttRequests(
    attributes,
    {
      read: ({ role, fixed, characteristic, handle }) => {
        if (characteristic === null || role === "declaration") return { tag: "value", value: fixed };
        const bits = configuration.get(handle) ?? 0;
        if (role === "configuration") return { tag: "value", value: octets(le16(bits)) };
        if (characteristic.read === undefined) return { tag: "error", code: ATT_ERROR.READ_NOT_PERMITTED };
        const code = insufficient(characteristic) ?? faults.errorFor("read", uuidOf(characteristic.uuid));
        return code === null ? { tag: "value", value: characteristic.read() } : { tag: "error", code };
      },
      mayWrite,
      write: (attribute, value) => {
        const refused = mayWrite(attribute);
        const { characteristic, role } = attribute;
        if (refused !== null || characteristic === null) return refused ?? ATT_ERROR.WRITE_NOT_PERMITTED;
        const operation = role === "configuration" ? "subscribe" : "write";
        const fault = faults.errorFor(operation, uuidOf(characteristic.uuid));
        if (fault !== null) return fault;
        if (role === "configuration") return configure(attribute, characteristic, value);
        return characteristic.write?.(value) ?? null;
      },
    },
    { own: options.mtu ?? DEFAULT_MTU, initial: MIN_MTU },
  );

  const answer = (pdu: Uint8Array): void => {
    const response = requests.answer(pdu);
    if (response !== null) options.send(response);
    for (const step of afterwards.splice(0)) step();
  };

  const answerInTurn = async (): Promise<void> => {
    if (answering) return;
    answering = true;
    try {
      for (let pdu = queue.shift(); pdu !== undefined; pdu = queue.shift()) {
        const delay = faults.answerAfter();
        if (delay === "never") continue;
        if (delay > 0) await clock.sleep(delay, closed.signal);
        answer(pdu);
      }
    } finally {
      answering = false;
    }
  };

  const valueAttribute = (uuid: string): Attribute => {
    const wanted = uuidOf(uuid);
    const value = attributes.find(({ role, type }) => role === "value" && type === wanted);
    if (value === undefined) throw new RangeError(`characteristic ${uuid}: not in this database`);
    return value;
  };

  /** What a link may not read it is not told either. */
  const mayPush = (uuid: string): boolean => {
    const { characteristic } = valueAttribute(uuid);
    return !closed.signal.aborted && (characteristic === null || insufficient(characteristic) === null);
  };

  /** The client configuration directly follows the value in our tables. */
  const bitsOf = (uuid: string): number => configuration.get(valueAttribute(uuid).handle + 1) ?? 0;

  const subscription = (uuid: string): Subscription => {
    const bits = mayPush(uuid) ? bitsOf(uuid) : 0;
    if ((bits & INDICATE) !== 0) return "indicate";
    return (bits & NOTIFY) !== 0 ? "notify" : "off";
  };

  const push = (opcode: number, uuid: string, value: Uint8Array): void =>
    options.send(octets(opcode, le16(valueAttribute(uuid).handle), value.subarray(0, requests.mtu - 3)));

  const indicateNow = async (uuid: string, value: Uint8Array, how: IndicationOptions): Promise<IndicationOutcome> => {
    if (closed.signal.aborted) return "closed";
    if (!mayPush(uuid) || (how.uninvited !== true && (bitsOf(uuid) & INDICATE) === 0)) return "unsubscribed";
    const answered = new AbortController();
    confirmed = () => answered.abort();
    push(ATT.INDICATION, uuid, value);
    how.sent?.();
    return clock.sleep(TRANSACTION_TIMEOUT, AbortSignal.any([answered.signal, closed.signal])).then(
      () => "timeout",
      () => (answered.signal.aborted ? "confirmed" : "closed"),
    );
  };

  restore();
  return {
    get mtu() {
      return requests.mtu;
    },
    receive: (pdu) => {
      if (closed.signal.aborted || queue.length >= MAX_QUEUED_PDUS) return;
      if (pdu[0] === ATT.CONFIRMATION) {
        const settle = confirmed;
        confirmed = null;
        if (faults.answerAfter() !== "never") settle?.();
        return;
      }
      queue.push(pdu);
      answerInTurn().catch((thrown: unknown) => {
        // Only the closed link ends a slow answer; what it left unanswered has no reader.
        if (!closed.signal.aborted) throw thrown;
        queue = [];
      });
    },
    subscription,
    notify: (uuid, value) => {
      if (!mayPush(uuid) || (bitsOf(uuid) & NOTIFY) === 0) return false;
      push(ATT.NOTIFICATION, uuid, value);
      return true;
    },
    indicate: (uuid, value, how = {}) => {
      const turn = indicating.then(() => indicateNow(uuid, value, how));
      indicating = turn;
      return turn;
    },
    restore,
    close: () => {
      const { bond } = options.security();
      if (bond !== null) options.remember(bond, new Map(configuration));
      closed.abort();
    },
  };
};
