import { EventEmitter } from "node:events";
import { Socket } from "node:net";
import {
  DBusError,
  Message,
  type MessageBus,
  MessageFlag,
  MessageType,
  sessionBus,
  systemBus,
  Variant,
} from "dbus-next";

/**
 * The one file that imports dbus-next. Messages only: no proxy objects, which introspect every object, put a match rule
 * on the bus for each listener, and do not tell whether a signal was meant for another object.
 */
export interface DbusCall {
  readonly destination: string;
  readonly path: string;
  readonly iface: string;
  readonly member: string;
  /** Types of the body as D-Bus writes them; none where nothing is passed. */
  readonly signature?: string;
  /** Values of type `v` are made with `variant`. */
  readonly body?: readonly unknown[];
}

/** A signal, or another program's call. Variants are unwrapped and byte arrays copied. */
export interface DbusMessage {
  /** Unique name of who sent it, as the bus gives it; nobody can forge it. */
  readonly sender: string;
  readonly path: string;
  readonly iface: string;
  readonly member: string;
  readonly body: readonly unknown[];
}

export interface DbusAnswer {
  readonly signature: string;
  readonly body: readonly unknown[];
}

export interface DbusListener {
  /** Called in the order of the bus, also between the answer to a call and what waits for that answer. */
  signal(signal: DbusMessage): void;
  /** Another program calls: the answer, or a rejection (of `refusal`), or null for what is not served here. */
  asked(call: DbusMessage): Promise<DbusAnswer> | null;
  /** The bus is gone; nothing follows. Not called after `close`. */
  lost(cause: Error): void;
}

export interface Dbus {
  /** Resolves when the bus has given this connection its name. Rejects with what the operating system or the bus says. */
  readonly ready: Promise<void>;
  /** The answer; rejects with the bus's or the callee's error, see `failureOf`. Never settles where nobody answers. */
  call(call: DbusCall): Promise<DbusMessage>;
  close(): void;
}

export const variant = (signature: string, value: unknown): unknown => new Variant(signature, value);

/** The error with which a call of another program is refused. */
export const refusal = (name: string, text: string): Error => new DBusError(name, text);

/** Name and text of an error that came over the bus; null for anything else. */
export const failureOf = (thrown: unknown): { readonly name: string; readonly text: string } | null =>
  thrown instanceof DBusError ? { name: thrown.type, text: thrown.text } : null;

const plain = (value: unknown): unknown => {
  if (value instanceof Variant) return plain(value.value);
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
};

const read = ({ sender, path, interface: iface, member, body }: Message): DbusMessage => ({
  sender,
  path,
  iface,
  member,
  body: body.map(plain),
});

/** The socket below, which dbus-next keeps to itself: it tells nobody when the bus hangs up. */
const socketOf = (bus: MessageBus): Socket | null => {
  const connection: unknown = Reflect.get(bus, "_connection");
  const stream: unknown = connection instanceof EventEmitter ? Reflect.get(connection, "stream") : null;
  return stream instanceof Socket ? stream : null;
};

/** Connect to the bus at `address` (`unix:path=...`); null is the system bus. */
export const openDbus = (address: string | null, listener: DbusListener): Dbus => {
  const bus = address === null ? systemBus() : sessionBus({ busAddress: address });
  const waiting = new Set<(cause: Error) => void>();
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => undefined);
  let named = false;
  let over: Error | null = null;

  const end = (cause: Error): void => {
    if (over !== null) return;
    over = cause;
    ready.reject(cause);
    for (const reject of waiting) reject(cause);
    waiting.clear();
  };

  const fail = (cause: Error): void => {
    const isNews = over === null && named;
    end(cause);
    if (isNews) listener.lost(cause);
  };

  // Stays for ever: an error without a listener ends the process. After the beginning it may also be a message that
  // dbus-next cannot read; that the bus is gone, the socket tells.
  (bus as EventEmitter).on("error", (cause: unknown) => {
    if (!named) fail(cause instanceof Error ? cause : new Error(String(cause)));
  });
  bus.once("connect", () => {
    if (over !== null) return;
    named = true;
    socketOf(bus)?.once("close", () => fail(new Error("the bus hung up")));
    ready.resolve();
  });
  bus.on("message", (message) => {
    if (over === null && message.type === MessageType.SIGNAL) listener.signal(read(message));
  });

  const send = (message: Message): void => {
    if (over === null) bus.send(message);
  };
  bus.addMethodHandler((message: Message) => {
    if (over !== null) return true;
    const answer = listener.asked(read(message));
    if (answer === null) return false;
    const isAwaited = (message.flags & MessageFlag.NO_REPLY_EXPECTED) === 0;
    answer.then(
      ({ signature, body }) => isAwaited && send(Message.newMethodReturn(message, signature, [...body])),
      (thrown) => {
        const { name, text } = failureOf(thrown) ?? { name: "org.freedesktop.DBus.Error.Failed", text: String(thrown) };
        if (isAwaited) send(Message.newError(message, name, text));
      },
    );
    return true;
  });

  return {
    ready: ready.promise,
    call: ({ destination, path, iface, member, signature = "", body = [] }) =>
      new Promise((resolve, reject) => {
        if (over !== null) return reject(over);
        waiting.add(reject);
        const answered = bus.call(
          new Message({ destination, path, interface: iface, member, signature, body: [...body] }),
        );
        answered
          .then((answer) => {
            if (answer === null) throw new Error(`${member}: no answer`);
            resolve(read(answer));
          })
          .catch(reject)
          .finally(() => waiting.delete(reject));
      }),
    close: () => {
      end(new Error("closed by the hub"));
      const socket = socketOf(bus);
      bus.disconnect();
      socket?.destroySoon();
    },
  };
};
