import { HubError } from "../../protocol/errors.ts";
import { type ChannelId, channelId } from "../../protocol/ids.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { BleLink } from "../../protocol/ports/transport.ts";
import { seconds } from "../../protocol/time.ts";
import { createAttBearer } from "./att-bearer.ts";
import { endOf } from "./att-error.ts";
import { ATT } from "./att-pdu.ts";
import { type Characteristic, characteristicOf, discover, enableValues, readValue, writeValue } from "./gatt-client.ts";
import type { HciConnection } from "./hci-adapter.ts";
import { createIndications } from "./indications.ts";
import { ATT_CHANNEL, SMP_CHANNEL } from "./l2cap-signal.ts";
import type { LinkSecurity, UnsecuredLink } from "./link-security.ts";
import { createValueInbox } from "./value-inbox.ts";
import { within } from "./within.ts";

/** A controller reports the end after at most the supervision time-out of 5 s; 2 s more for a busy one. */
const DISCONNECT_DEADLINE = seconds(7);
/** Service Changed: handles are discovered anew on each connection, so it is confirmed and of no other use. */
const SERVICE_CHANGED = channelId("2a05");

export interface LinkOptions {
  readonly clock: Clock;
  readonly time: HubTime;
  readonly offeredMtu: number;
  readonly security: LinkSecurity | null;
  /** The controller did not report the end of a connection that it was told to end. */
  unended(waitedMs: number): void;
}

type Encryption = (status: number) => void;

/**
 * Make a connection of the controller usable: secure it, discover it, and hand out what it sends. Values are kept from
 * the first moment on. Rejects with the HubError of what failed; the connection is then gone.
 */
export const openBleLink = async (
  connection: HciConnection,
  { clock, time, offeredMtu, security, unended }: LinkOptions,
  signal: AbortSignal,
): Promise<BleLink> => {
  const peer = connection.peer.address;
  const lost = new AbortController();
  const gone = Promise.withResolvers<void>();
  const inbox = createValueInbox();
  let hearSmp: ((bytes: Uint8Array) => void) | null = null;
  let encrypted: Encryption | null = null;

  /** Nothing goes in or out from now on; the controller may still have to be told. */
  const drop = (reason: HubError): void => {
    if (lost.signal.aborted) return;
    lost.abort(reason);
    bearer.close(reason);
    indications.close();
    inbox.end();
  };

  const hangUp = async (reason: HubError): Promise<void> => {
    drop(reason);
    connection.disconnect();
    const late = (): HubError =>
      new HubError("ble-timeout", `disconnection of ${peer}: not reported; replug the adapter`);
    try {
      await within(gone.promise, DISCONNECT_DEADLINE, late, clock, new AbortController().signal);
    } catch {
      unended(DISCONNECT_DEADLINE);
      connection.forget();
    }
  };

  let hangingUp: Promise<void> | null = null;
  const close = (reason: HubError): Promise<void> => {
    hangingUp ??= hangUp(reason);
    return hangingUp;
  };
  const fail = (reason: HubError): void => {
    void close(reason);
  };

  const indications = createIndications(peer, clock, () => bearer.send(Uint8Array.of(ATT.confirmation)), fail);
  const bearer = createAttBearer({
    peer,
    clock,
    offeredMtu,
    send: (bytes) => connection.send(ATT_CHANNEL, bytes),
    value: ({ handle, bytes, indication }) => {
      const confirm = indication ? indications.arrived() : (): void => undefined;
      if (inbox.put({ handle, bytes, at: time.stamp(), confirm })) return;
      fail(
        new HubError(
          "ble-disconnected",
          `values of ${peer}: more than the hub can hold; the hub hangs up, check the disk`,
        ),
      );
    },
    stuck: fail,
  });

  connection.listen({
    pdu: (channel, bytes) => {
      if (channel === ATT_CHANNEL) bearer.receive(bytes);
      else if (channel === SMP_CHANNEL) hearSmp?.(bytes);
    },
    encryption: (status) => encrypted?.(status),
    ended: (reason) => {
      drop(new HubError("ble-disconnected", `connection to ${peer}: ${endOf(reason)}; measure again near the hub`));
      gone.resolve();
    },
  });

  const unsecured: UnsecuredLink = {
    peer: connection.peer,
    local: connection.local,
    lost: lost.signal,
    smp: {
      send: (bytes) => connection.send(SMP_CHANNEL, bytes),
      receive: (listener) => {
        hearSmp = listener;
      },
    },
    encrypt: (random, diversifier, key, until) =>
      new Promise((resolve, reject) => {
        const either = AbortSignal.any([until, lost.signal]);
        if (either.aborted) return reject(either.reason);
        const onAbort = (): void => reject(either.reason);
        either.addEventListener("abort", onAbort, { once: true });
        encrypted = (status) => {
          either.removeEventListener("abort", onAbort);
          encrypted = null;
          resolve(status);
        };
        connection.encrypt(random, diversifier, key);
      }),
  };

  const table = new Map<ChannelId, Characteristic>();
  const channels = new Map<number, ChannelId>();
  try {
    await security?.secure(unsecured, signal);
    for (const one of await discover(bearer, signal)) {
      if (!table.has(one.channel)) table.set(one.channel, one);
      if (one.channel !== SERVICE_CHANGED) channels.set(one.value, one.channel);
    }
  } catch (thrown) {
    await close(new HubError("ble-disconnected", `connection to ${peer}: closed by the hub`, { cause: thrown }));
    throw thrown;
  }
  inbox.open((handle) => channels.get(handle) ?? null);

  return {
    kind: "ble",
    address: security?.identityOf(peer) ?? peer,
    characteristics: [...table.values()].map(({ service, channel, properties }) => ({ service, channel, properties })),
    incoming: inbox.incoming,
    lost: lost.signal,
    has: (channel) => table.has(channel),
    read: async (channel, until) => readValue(bearer, characteristicOf(table, channel, "read of"), until),
    write: async (channel, bytes, until) =>
      writeValue(bearer, characteristicOf(table, channel, "write to"), bytes, until),
    subscribe: async (channel, until) =>
      enableValues(bearer, characteristicOf(table, channel, "subscription to"), until),
    [Symbol.asyncDispose]: () =>
      close(new HubError("ble-disconnected", `connection to ${peer}: closed by the hub; connect again`)),
  };
};
