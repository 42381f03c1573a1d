// A blood pressure cuff on the peripheral stack of others (@stoprocent/bleno), run as a process of its own:
// `node bleno-cuff.ts SERIAL_PORT [bonded]`. Tells what happens as one JSON line each on standard output. `bonded`: the
// battery can be read over an encrypted link only, and lines on standard input are done to it: "forget" loses the keys,
// "button" makes it advertise anew (btvirt reports an advertiser once each time that one of the two begins).
import { createInterface } from "node:readline";
import bleno, { withBindings } from "@stoprocent/bleno";
import { keepBlenoKeys } from "./bleno-keys.ts";

/** 124/86 (97) mm[Hg], pulse 51: the sample of the published vectors. */
const MEASUREMENTS = ["167c0056006100e807060f11111b33000000", "16780050006200e807060f12111b33000000"];
const BATTERY_PERCENT = 87;

const tell = (event: string, hex = ""): void => {
  process.stdout.write(`${JSON.stringify({ event, hex })}\n`);
};

const port = process.argv[2] ?? "";
const cuff = withBindings("hci", { hciDriver: "uart", bindParams: { uart: { port, baudRate: 115_200 } } });
const { Characteristic, PrimaryService } = bleno;
const isBonded = process.argv[3] === "bonded";
if (isBonded) {
  const keys = keepBlenoKeys(tell);
  const { _bindings } = cuff as unknown as {
    _bindings: { _hci: { _socket: Parameters<typeof keys.answerOn>[0] } };
  };
  keys.answerOn(_bindings._hci._socket);
  createInterface({ input: process.stdin }).on("line", (line) => {
    if (line === "button") cuff.stopAdvertising(() => cuff.startAdvertising("Cuff", ["1810"]));
    else {
      keys.forget();
      tell("forgotten");
    }
  });
}

/** An indication waits until the one before it is confirmed (Core Vol 3 Part F 3.3.2), which bleno leaves to its user. */
let sendNext: () => void = () => undefined;

const measurement = new Characteristic({
  uuid: "2a35",
  properties: ["indicate"],
  onSubscribe: (_handle, _size, update) => {
    tell("subscribed");
    const waiting = [...MEASUREMENTS];
    sendNext = () => {
      const hex = waiting.shift();
      if (hex !== undefined) update(Buffer.from(hex, "hex"));
    };
    sendNext();
  },
  onUnsubscribe: () => tell("unsubscribed"),
  onIndicate: () => {
    tell("confirmed");
    // bleno forgets an indication that is sent before this returns.
    setImmediate(() => sendNext());
  },
});
const dateTime = new Characteristic({
  uuid: "2a08",
  properties: ["write"],
  onWriteRequest: (_handle, data, _offset, _withoutResponse, answer) => {
    tell("written", data.toString("hex"));
    answer(data.length === 7 ? Characteristic.RESULT_SUCCESS : Characteristic.RESULT_INVALID_ATTRIBUTE_LENGTH);
  },
});
const battery = new Characteristic({
  uuid: "2a19",
  properties: ["read"],
  secure: isBonded ? ["read"] : [],
  onReadRequest: (_handle, _offset, answer) => {
    tell("read");
    answer(Characteristic.RESULT_SUCCESS, Buffer.of(BATTERY_PERCENT));
  },
});

cuff.on("stateChange", (state) => {
  if (state === "poweredOn") cuff.startAdvertising("Cuff", ["1810"]);
});
cuff.on("advertisingStart", () => {
  cuff.setServices([
    new PrimaryService({ uuid: "1810", characteristics: [measurement, dateTime] }),
    new PrimaryService({ uuid: "180f", characteristics: [battery] }),
  ]);
  tell("advertising");
});
cuff.on("accept", () => tell("accepted"));
cuff.on("disconnect", () => {
  tell("disconnected");
  cuff.startAdvertising("Cuff", ["1810"]);
});
