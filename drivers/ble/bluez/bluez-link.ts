import { HubError, isHubError } from "../../../protocol/errors.ts";
import type { ChannelId } from "../../../protocol/ids.ts";
import type { BleLink } from "../../../protocol/ports/transport.ts";
import { type Millis, millis } from "../../../protocol/time.ts";
import { GATT_DEADLINE } from "../att-bearer.ts";
import { ATT_ERROR } from "../att-pdu.ts";
import { within } from "../within.ts";
import { type ConnectionOptions, connectDevice } from "./bluez-connection.ts";
import { operationError } from "./bluez-error.ts";
import { failureOf, variant } from "./dbus.ts";
import { type BluezCharacteristic, byChannel, characteristicsBelow, tellsValues } from "./gatt-table.ts";
import type { KnownDevice } from "./known-devices.ts";

/** A session asks one thing after another; more than this waiting is a fault of the caller. */
const QUEUE_LIMIT = 32;
/** BlueZ takes up an earlier subscription by itself when a sensor connects, and refuses another one meanwhile. */
const BUSY_PAUSES: readonly Millis[] = [millis(100), millis(250), millis(500), millis(1000)];

/**
 * A device of BlueZ as a link: connected, encrypted where it is paired, discovered. Rejects with the HubError of what
 * failed; the device is then disconnected.
 *
 * BlueZ confirms an indication when it receives it, so `Received.confirm` does nothing: a reading that is not durable
 * when the hub loses power is lost where the sensor keeps it only until it is confirmed
 * (docs/decisions/2026-11-22-bluez.md). Where a characteristic has both, BlueZ enables notifications, not indications.
 */
export const openBluezLink = async (
  device: KnownDevice,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<BleLink> => {
  const { bluez, clock } = options;
  const connection = await connectDevice(device, options, signal);
  const { lost, values, subscribed } = connection;
  let turn: Promise<void> = Promise.resolve();
  let waiting = 0;

  /** One operation at a time: BlueZ refuses a second one on the same characteristic. */
  const operate = async <T>(what: string, until: AbortSignal, work: () => Promise<T>): Promise<T> => {
    const attempted = `${what} of ${connection.address}`;
    if (waiting >= QUEUE_LIMIT) {
      const found = `${waiting} operations wait already; ask one thing after another`;
      throw new HubError("invalid-argument", `${attempted}: ${found}`);
    }
    const late = (): HubError => {
      const found = `no answer in ${GATT_DEADLINE / 1000} s; keep the sensor near the hub and measure again`;
      return new HubError("ble-timeout", `${attempted}: ${found}`);
    };
    const either = AbortSignal.any([until, lost]);
    const before = turn;
    const { promise: free, resolve: release } = Promise.withResolvers<void>();
    let begun: Promise<unknown> = before;
    turn = free;
    waiting += 1;
    try {
      await within(before, GATT_DEADLINE, late, clock, either);
      const answer = work();
      begun = answer;
      return await within(answer, GATT_DEADLINE, late, clock, either);
    } catch (thrown) {
      if (lost.aborted) throw lost.reason;
      if (until.aborted) throw until.reason;
      if (isHubError(thrown, "ble-timeout")) void connection.close(thrown);
      throw operationError(attempted, thrown);
    } finally {
      waiting -= 1;
      const next = (): void => release();
      begun.then(next, next);
    }
  };

  let table: ReadonlyMap<ChannelId, BluezCharacteristic> = new Map();
  try {
    const all = characteristicsBelow(
      connection.path,
      await operate("list of the characteristics", signal, () => bluez.objects()),
    );
    table = byChannel(all);
    values.open(all);
  } catch (thrown) {
    const found = "closed by the hub";
    await connection.close(new HubError("ble-disconnected", `connection to ${connection.address}: ${found}`));
    throw thrown;
  }

  const absent = (what: string, found: string): HubError =>
    new HubError("ble-att-error", `${what} of ${connection.address}: ${found}; check the catalogue entry`, {
      context: { attError: ATT_ERROR.attributeNotFound },
    });

  const at = (what: string, channel: ChannelId): BluezCharacteristic => {
    const found = table.get(channel);
    if (found === undefined) throw absent(what, "the sensor does not have it");
    return found;
  };

  const readAt = async (path: string): Promise<Uint8Array> => {
    const finished = values.reading(path);
    try {
      const [bytes] = await bluez.onCharacteristic(path, "ReadValue", "a{sv}", [{}]);
      if (!(bytes instanceof Uint8Array)) throw new Error("BlueZ answered a read with something else than bytes");
      finished(bytes);
      return bytes;
    } catch (thrown) {
      finished(null);
      throw thrown;
    }
  };

  const startNotify = async (path: string): Promise<void> => {
    for (const pause of BUSY_PAUSES) {
      try {
        await bluez.onCharacteristic(path, "StartNotify");
        return;
      } catch (thrown) {
        if (failureOf(thrown)?.name !== "org.bluez.Error.InProgress") throw thrown;
        await clock.sleep(pause, lost);
      }
    }
    await bluez.onCharacteristic(path, "StartNotify");
  };

  return {
    kind: "ble",
    address: connection.address,
    characteristics: [...table.values()].map(({ service, channel, properties }) => ({ service, channel, properties })),
    incoming: values.incoming,
    lost,
    has: (channel) => table.has(channel),
    read: async (channel, until) => {
      const what = `read of ${channel}`;
      const { path } = at(what, channel);
      return operate(what, until, () => readAt(path));
    },
    write: async (channel, bytes, until) => {
      const what = `write to ${channel}`;
      const { path, properties, mtu } = at(what, channel);
      if (mtu !== null && bytes.length > mtu - 3) {
        const found = `${bytes.length} bytes do not fit a packet of ${mtu}; write less at a time`;
        throw new HubError("invalid-argument", `${what}: ${found}`);
      }
      const isCommand = !properties.has("write") && properties.has("write-without-response");
      const how = { type: variant("s", isCommand ? "command" : "request") };
      await operate(what, until, () =>
        bluez.onCharacteristic(path, "WriteValue", "aya{sv}", [Buffer.from(bytes), how]),
      );
    },
    subscribe: async (channel, until) => {
      const what = `subscription to ${channel}`;
      const characteristic = at(what, channel);
      if (!tellsValues(characteristic)) throw absent(what, "the characteristic cannot be subscribed to");
      // Also where it fails half-way, BlueZ may have written it.
      subscribed.add(characteristic.path);
      await operate(what, until, () => startNotify(characteristic.path));
    },
    [Symbol.asyncDispose]: () =>
      connection.close(
        new HubError("ble-disconnected", `connection to ${connection.address}: closed by the hub; connect again`),
      ),
  };
};
