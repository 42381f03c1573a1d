import { HubError, messageOf } from "../../protocol/errors.ts";
import { channelId, SERIAL_CHANNEL } from "../../protocol/ids.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { BleLink, Received, Transport } from "../../protocol/ports/transport.ts";
import { millis, seconds } from "../../protocol/time.ts";
import { createReceiver } from "../receiver.ts";
import { createIncoming } from "../serial/incoming.ts";

/*
 * Terminal I/O of Telit (formerly Stollmann): a serial line over GATT, service FEFB, as its client TIOConnectionImpl
 * (2016) speaks it. Each side grants the other credits; a packet of data costs one.
 */
const uuid = (first: string) => channelId(`${first}000010008000008025000000`);

export const TERMINAL_IO = {
  /** Written by the hub: data, and credits for the sensor in one octet. */
  dataIn: uuid("00000001"),
  creditsIn: uuid("00000003"),
  /** Notified data, and indicated credits for the hub in one octet. */
  dataOut: uuid("00000002"),
  creditsOut: uuid("00000004"),
} as const;

/** Credits that the sensor has at most, and what it has left when they are filled up (figures of the client). */
const MOST_CREDITS = 64;
const FEW_CREDITS = 16;
/** A packet of a link whose MTU was not negotiated: 23 - 3. */
const PACKET = 20;
/** A sensor that grants nothing for this long (the deadline of an operation, drivers.md) will not any more. */
const CREDIT_PATIENCE = seconds(10);

const noCredit = (address: string): HubError =>
  new HubError("ble-timeout", `sensor ${address}: did not let the hub send within 10 s; switch it off and on again`);

/** The hub's right to send: as many packets as the sensor granted. */
const createCredits = (address: string, lost: AbortSignal, clock: Clock) => {
  let left = 0;
  let wake: () => void = () => undefined;
  return {
    grant: (count: number): void => {
      left = Math.min(MOST_CREDITS, left + count);
      wake();
    },
    take: async (signal: AbortSignal): Promise<void> => {
      const either = AbortSignal.any([signal, lost]);
      either.throwIfAborted();
      const endsAt = clock.elapsed() + CREDIT_PATIENCE;
      while (left === 0) {
        const granted = new AbortController();
        wake = () => granted.abort();
        const patience = millis(Math.max(0, endsAt - clock.elapsed()));
        const isGranted = await clock
          .sleep(patience, AbortSignal.any([granted.signal, either]))
          .then(() => false)
          .catch(() => true);
        either.throwIfAborted();
        if (!isGranted) throw noCredit(address);
      }
      left -= 1;
    },
  };
};

/**
 * The serial line of a sensor with Terminal I/O. Credits are granted and used behind it; what else the link brings is
 * confirmed and not looked at. It ends with the link, which stays the caller's to close. Rejects with HubError
 * `sensor-unknown` for a sensor without the service, or with what subscribing failed with.
 */
export const openTerminal = async (link: BleLink, clock: Clock, signal: AbortSignal): Promise<Transport> => {
  if (Object.values(TERMINAL_IO).some((channel) => !link.has(channel))) {
    const message = `sensor ${link.address}: has no serial line (service FEFB); check that it is the model it is enrolled as`;
    throw new HubError("sensor-unknown", message);
  }
  const incoming = createIncoming(
    () => new HubError("invalid-argument", `sensor ${link.address}: its line already has a reader`),
  );
  const receiver = createReceiver(link.incoming, clock);
  const closing = new AbortController();
  const lost = AbortSignal.any([link.lost, closing.signal]);
  const credits = createCredits(link.address, lost, clock);
  let granted = 0;

  const end = (found: string): void =>
    closing.abort(new HubError("ble-disconnected", `sensor ${link.address}: ${found}`));

  const grant = async (): Promise<void> => {
    const count = MOST_CREDITS - granted;
    granted = MOST_CREDITS;
    await link.write(TERMINAL_IO.creditsIn, Uint8Array.of(count), AbortSignal.any([signal, closing.signal]));
  };

  const onData = async (received: Received): Promise<void> => {
    granted -= 1;
    if (!incoming.push({ ...received, channel: SERIAL_CHANNEL })) {
      return end("sends more than the hub can hold; the hub hangs up, check the disk");
    }
    if (granted <= FEW_CREDITS) await grant();
  };

  const onReceived = async (received: Received): Promise<void> => {
    if (received.channel === TERMINAL_IO.dataOut) return await onData(received);
    if (received.channel === TERMINAL_IO.creditsOut) credits.grant(received.bytes[0] ?? 0);
    received.confirm();
  };

  const pump = async (): Promise<void> => {
    try {
      for (;;) {
        const reception = await receiver.next(null, closing.signal);
        if (reception.tag !== "received") break;
        await onReceived(reception.received);
      }
    } catch (thrown) {
      end(`its line stopped (${messageOf(thrown)}); measure again`);
    } finally {
      incoming.end();
    }
  };

  const pumping = pump();
  const close = async (): Promise<void> => {
    end("its line was closed by the hub");
    await pumping;
  };
  try {
    await link.subscribe(TERMINAL_IO.creditsOut, signal);
    await link.subscribe(TERMINAL_IO.dataOut, signal);
    await grant();
  } catch (thrown) {
    await close();
    throw thrown;
  }

  return {
    kind: "serial",
    incoming,
    lost,
    write: async (_channel, bytes, until) => {
      for (let at = 0; at < bytes.length; at += PACKET) {
        await credits.take(until);
        await link.write(TERMINAL_IO.dataIn, bytes.subarray(at, at + PACKET), until);
      }
    },
    [Symbol.asyncDispose]: close,
  };
};
