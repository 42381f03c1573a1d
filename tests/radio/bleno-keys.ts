import { createRequire } from "node:module";

/*
 * Two things that @stoprocent/bleno 0.12 needs to keep a bond; the protocol and its arithmetic stay bleno's.
 *
 * Its Security Manager never hears a message: since its streams tell the connection first, it takes that for the
 * channel (lib/hci-socket/acl-stream.js `push`, smp.js `onAclStreamData`).
 *
 * bleno leaves the keys that its pairing makes to the kernel's Bluetooth, over the management channel, and the kernel
 * answers the controller when it asks for one. On a UART there is no kernel behind it: this takes its place.
 */

interface Mgmt {
  addLongTermKey(
    address: Buffer,
    addressType: Buffer,
    authenticated: number,
    master: number,
    ediv: Buffer,
    rand: Buffer,
    key: Buffer,
  ): void;
}
interface Smp {
  onAclStreamData(channel: number, data: Buffer): void;
}
interface HciSocket {
  on(event: "data", listener: (packet: Buffer) => void): void;
  write(packet: Buffer): void;
}

const LE_META = 0x3e;
const LONG_TERM_KEY_REQUEST = 0x05;
/** LE Long Term Key Request Reply and Negative Reply (Core Vol 4 Part E 7.8.25, 7.8.26). */
const REPLY = 0x201a;
const NEGATIVE_REPLY = 0x201b;

export interface BlenoKeys {
  /** Answer the controller on this socket from now on. */
  answerOn(socket: HciSocket): void;
  forget(): void;
}

const command = (opcode: number, ...fields: readonly Uint8Array[]): Buffer => {
  const parameters = Buffer.concat(fields);
  const packet = Buffer.alloc(4 + parameters.length);
  packet.writeUInt8(0x01, 0);
  packet.writeUInt16LE(opcode, 1);
  packet.writeUInt8(parameters.length, 3);
  parameters.copy(packet, 4);
  return packet;
};

/** `told` is called with "paired" for each key that a pairing makes, and "encrypting" for each that is asked for and known. */
export const keepBlenoKeys = (told: (event: string) => void): BlenoKeys => {
  const require = createRequire(import.meta.url);
  const mgmt = require("@stoprocent/bleno/lib/hci-socket/mgmt.js") as { prototype: Mgmt };
  const smp = require("@stoprocent/bleno/lib/hci-socket/smp.js") as { prototype: Smp };
  const { onAclStreamData } = smp.prototype;
  Object.assign(smp.prototype, {
    onAclStreamData(this: Smp, _connection: number, channel: number, data: Buffer): void {
      onAclStreamData.call(this, channel, data);
    },
  });
  const keys = new Map<string, Buffer>();
  mgmt.prototype.addLongTermKey = (_address, _type, _authenticated, _master, ediv, rand, key) => {
    keys.set(`${rand.toString("hex")}${ediv.toString("hex")}`, key);
    told("paired");
  };
  return {
    forget: () => keys.clear(),
    answerOn: (socket) =>
      socket.on("data", (packet) => {
        if (packet[0] !== 0x04 || packet[1] !== LE_META || packet[3] !== LONG_TERM_KEY_REQUEST) return;
        const handle = packet.subarray(4, 6);
        const key = keys.get(packet.subarray(6, 16).toString("hex"));
        if (key !== undefined) told("encrypting");
        socket.write(key === undefined ? command(NEGATIVE_REPLY, handle) : command(REPLY, handle, key));
      }),
  };
};
