import { type OpenOptions, SerialPortStream } from "@serialport/stream";
import { SerialPort } from "serialport";
import { HubError, messageOf } from "../../protocol/errors.ts";
import { SERIAL_CHANNEL } from "../../protocol/ids.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { Transport } from "../../protocol/ports/transport.ts";
import { millis } from "../../protocol/time.ts";
import { createIncoming, MAX_BUFFERED_BYTES } from "./incoming.ts";
import { createPresenceCheck, type PresenceCheck } from "./port-presence.ts";
import { resolvePort, type SerialBinding, type SerialPortRef } from "./serial-port-ref.ts";

/** Settings of the line, as the sensor's manual gives them. */
export interface SerialLine {
  readonly baudRate: number;
  readonly dataBits: 7 | 8;
  readonly parity: "none" | "even" | "odd";
  readonly stopBits: 1 | 2;
}

export interface SerialTransportOptions {
  readonly port: SerialPortRef;
  readonly line: SerialLine;
  readonly time: HubTime;
  readonly clock: Clock;
  /** Another source of ports than the machine's own. */
  readonly binding?: SerialBinding;
}

/** A serial port that is open. */
export interface SerialTransport extends Transport {
  readonly kind: "serial";
  /** Where the port was found. */
  readonly path: string;
}

/** Between two looks whether the port is still there: short beside the 2 s that a person takes to plug it in again. */
const PRESENCE_EVERY = millis(500);

/** Beginnings of what the operating system says (serialport hands on its text, not its code), and what it means. */
const openFault = (path: string, cause: unknown): HubError => {
  const found = messageOf(cause);
  const failed = (code: "serial-absent" | "serial-busy", sentence: string): HubError =>
    new HubError(code, `serial port ${path}: ${sentence}`, { cause });
  if (/lock port|busy|temporarily unavailable/i.test(found)) {
    return failed("serial-busy", "another program has it open; stop that program, or correct the port's name");
  }
  if (/no such file|no such device|not a directory/i.test(found)) {
    return failed("serial-absent", "not there; connect the sensor's cable, or correct the port's name");
  }
  if (/permission denied/i.test(found)) {
    return failed("serial-absent", "the hub may not open it; add the hub's user to the group that owns the port");
  }
  return failed("serial-absent", `cannot be opened (${found}); check that it is a serial port`);
};

const closedFault = (path: string, found: string): HubError =>
  new HubError("serial-closed", `serial port ${path}: ${found}`);

const openStream = (path: string, { line, binding }: SerialTransportOptions): Promise<SerialPortStream> =>
  new Promise((resolve, reject) => {
    const settings = { path, ...line, lock: true, autoOpen: false };
    const stream: SerialPortStream =
      binding === undefined
        ? new SerialPort(settings)
        : new SerialPortStream({ ...settings, binding } as unknown as OpenOptions);
    stream.open((fault) => {
      if (fault === null || fault === undefined) resolve(stream);
      else reject(openFault(path, fault));
    });
  });

const closeStream = (stream: SerialPortStream): Promise<void> =>
  new Promise((resolve) => {
    // The callback's error is the disconnection that close reports or "not open": closed is closed.
    if (stream.isOpen) stream.close(() => resolve());
    else resolve();
  });

const WENT_AWAY = "went away; connect the sensor's cable again";

/** Resolves when the port went away, after telling, or when the signal aborts. */
const watchPresence = async (
  clock: Clock,
  isPresent: PresenceCheck,
  signal: AbortSignal,
  onAbsent: () => void,
): Promise<void> => {
  for (;;) {
    const slept = await clock.sleep(PRESENCE_EVERY, signal).then(
      () => true,
      () => false,
    );
    if (!slept) return;
    if (!(await isPresent())) return onAbsent();
  }
};

/**
 * Open a port, exclusively. Rejects with HubError `serial-absent` or `serial-busy`, each with the next step, or with the
 * signal's reason. The transport ends with `serial-closed` when the port goes away (unplugged), and when bytes pile up
 * beyond the bound because nobody takes them. What arrived before is still handed out.
 */
export const openSerialTransport = async (
  options: SerialTransportOptions,
  signal: AbortSignal,
): Promise<SerialTransport> => {
  signal.throwIfAborted();
  const path = await resolvePort(options.port, options.binding ?? SerialPort.binding);
  const stream = await openStream(path, options);
  // Behind an injected binding there is no device file to look at.
  const isPresent = options.binding === undefined ? await createPresenceCheck(path) : async () => true;
  const gone = new AbortController();
  const incoming = createIncoming(() => closedFault(path, "its bytes are being read already; open it again"));
  let closing: Promise<void> | null = null;

  const end = (found: string): void => {
    incoming.end();
    gone.abort(closedFault(path, found));
  };
  const close = (found: string): Promise<void> => {
    closing ??= closeStream(stream);
    end(found);
    return closing;
  };

  stream.on("data", (bytes: Buffer) => {
    // The stream reuses its pool: the bytes are ours only when copied.
    const received = {
      channel: SERIAL_CHANNEL,
      bytes: Uint8Array.from(bytes),
      at: options.time.stamp(),
      confirm: () => {},
    };
    if (!incoming.push(received)) {
      void close(`${MAX_BUFFERED_BYTES} bytes wait and nobody takes them; the port was closed`);
    }
  });
  stream.on("error", (fault) => void close(`failed (${messageOf(fault)}); reconnect the cable`));
  stream.on("end", () => void close("ended; reconnect the cable"));
  stream.on("close", () => void close(WENT_AWAY));
  void watchPresence(options.clock, isPresent, gone.signal, () => void close(WENT_AWAY));

  if (signal.aborted) {
    await close("closed by the hub");
    signal.throwIfAborted();
  }

  return {
    kind: "serial",
    path,
    incoming,
    lost: gone.signal,
    write: (_channel, bytes, writeSignal) =>
      new Promise((resolve, reject) => {
        const stop = AbortSignal.any([writeSignal, gone.signal]);
        if (stop.aborted) return reject(stop.reason);
        // A write on a port that went away never calls back, so its end is whichever comes first.
        const onStop = (): void => reject(stop.reason);
        stop.addEventListener("abort", onStop, { once: true });
        stream.write(Buffer.from(bytes), (fault) => {
          if (fault) return reject(closedFault(path, `write failed (${messageOf(fault)}); reconnect the cable`));
          stream.drain((late) => {
            stop.removeEventListener("abort", onStop);
            if (late) reject(closedFault(path, `write failed (${messageOf(late)}); reconnect the cable`));
            else resolve();
          });
        });
      }),
    [Symbol.asyncDispose]: () => close("closed by the hub"),
  };
};
