import type { ConnectionListener, HciConnection } from "../../drivers/ble/hci-adapter.ts";
import type { SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import type { ServiceDefinition } from "../../hardware-sim/gatt/attribute-table.ts";
import type { GattConnection } from "../../hardware-sim/gatt/gatt-connection.ts";
import { createGattServer } from "../../hardware-sim/gatt/gatt-server.ts";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { millis } from "../../protocol/time.ts";

/** What the sensor's manufacturer name reads: longer than any packet. */
export const LONG_VALUE = Uint8Array.from({ length: 300 }, (_, i) => i & 0xff);

/** A sensor at the other end of a connection without a radio, with the GATT server of the simulator. */
export const createFarEnd = (clock: SimulatedClock) => {
  const written: string[] = [];
  const errors = new Map<string, number>();
  const services: readonly ServiceDefinition[] = [
    { uuid: "1800", characteristics: [{ uuid: "2a00", properties: ["read"], read: () => fromHex("43756666") }] },
    {
      uuid: "1810",
      characteristics: [
        { uuid: "2a35", properties: ["notify", "indicate"] },
        { uuid: "2a49", properties: ["read"], read: () => fromHex("2000") },
        {
          uuid: "2a08",
          properties: ["read", "write"],
          read: () => fromHex("ea07060f0c0000"),
          write: (value) => {
            written.push(toHex(value));
            return null;
          },
        },
      ],
    },
    { uuid: "180f", characteristics: [{ uuid: "2a19", properties: ["read", "notify"], read: () => fromHex("57") }] },
    { uuid: "180a", characteristics: [{ uuid: "2a29", properties: ["read"], read: () => LONG_VALUE }] },
    {
      uuid: "6e400001b5a3f393e0a9e50e24dcca9e",
      characteristics: [
        { uuid: "6e400002b5a3f393e0a9e50e24dcca9e", properties: ["write-without-response"], write: () => null },
      ],
    },
  ];
  const server = createGattServer(services);
  const toSensor: string[] = [];
  let listener: ConnectionListener | null = null;
  let answers = true;
  let endsWhenTold = true;
  let ended = false;
  const toHub = (channel: number, bytes: Uint8Array): void => {
    queueMicrotask(() => listener?.pdu(channel, bytes));
  };
  const gatt: GattConnection = server.connect({
    clock,
    faults: {
      errorFor: (operation, uuid) =>
        errors.get(`${operation} ${uuid.slice(4, 8)}`) ?? errors.get(`${operation} ${uuid}`) ?? null,
      answerAfter: () => (answers ? millis(0) : "never"),
    },
    send: (pdu) => toHub(4, pdu),
    security: () => ({ encrypted: false, authenticated: false, bond: null }),
  });
  const end = (reason: number): void => {
    if (ended) return;
    ended = true;
    gatt.close();
    listener?.ended(reason);
  };
  const connection: HciConnection = {
    peer: { address: "c4:f3:12:53:f2:c9", type: "public" },
    local: { address: "00:11:22:33:44:55", type: "public" },
    listen: (given) => {
      listener = given;
      // noble sends this as soon as a connection is made.
      gatt.receive(fromHex("02f700"));
    },
    send: (channel, bytes) => {
      toSensor.push(`${channel} ${toHex(bytes)}`);
      if (channel === 4) gatt.receive(bytes);
    },
    encrypt: (_random, _diversifier, key) => {
      toSensor.push(`encrypt ${toHex(key)}`);
      queueMicrotask(() => listener?.encryption(0, true));
    },
    disconnect: () => {
      if (endsWhenTold) queueMicrotask(() => end(0x16));
    },
    forget: () => end(0x16),
  };
  return {
    connection,
    gatt,
    server,
    written,
    errors,
    toSensor,
    end,
    raw: (channel: number, hex: string) => listener?.pdu(channel, fromHex(hex)),
    get isEnded() {
      return ended;
    },
    hang: () => {
      answers = false;
    },
    refuseToEnd: () => {
      endsWhenTold = false;
    },
    confirmations: () => toSensor.filter((one) => one === "4 1e").length,
  };
};
