import type { ConnectionListener, HciConnection, Peer } from "./hci-adapter.ts";
import { isWellFormedSignal, SIGNALLING_CHANNEL } from "./l2cap-signal.ts";
import type { OpenBinding } from "./noble-binding.ts";

/** HCI error 0x16, connection terminated by local host: what is told when the controller never tells. */
const TERMINATED_HERE = 0x16;

export interface NobleConnection extends HciConnection {
  readonly handle: number;
  /** What noble and the tap on its packets report. */
  readonly told: ConnectionListener;
}

/**
 * Take a connection over from noble. Its ATT client, its pairing and its signalling are taken off: the first swallows
 * errors and confirms indications before anybody holds them, the second pairs without being asked, and all three throw
 * on malformed packets. Null where noble does not have the connection that it announced.
 */
export const adoptConnection = ({ bindings, hci }: OpenBinding, id: string): NobleConnection | null => {
  const handle = Number(bindings._handles[id]);
  const gatt = bindings._gatts[handle];
  const stream = bindings._aclStreams[handle];
  const signalling = bindings._signalings[handle];
  if (gatt === undefined || stream === undefined || signalling === undefined) return null;

  gatt.onAclStreamEnd();
  stream._smp.onAclStreamEnd();
  signalling.onAclStreamEnd();
  // Outside the user channel noble leaves connection parameter requests to the kernel; a UART has none behind it, and
  // a sensor that gets no answer may hang up.
  signalling._userChannel = true;

  let listener: ConnectionListener | null = null;
  let ended = false;
  const peer: Peer = {
    address: bindings._addresses[id] ?? "",
    type: bindings._addresseTypes[id] === "public" ? "public" : "random",
  };

  stream.on("data", (channel: number, pdu: Buffer) => {
    // A copy: the packet is a view of noble's buffers.
    if (channel !== SIGNALLING_CHANNEL) listener?.pdu(channel, Uint8Array.from(pdu));
    else if (isWellFormedSignal(pdu)) signalling.onAclStreamData(channel, pdu);
  });

  return {
    handle,
    peer,
    local: { address: hci.address ?? "", type: "public" },
    listen: (given) => {
      listener = given;
    },
    send: (channel, bytes) => {
      if (!ended) stream.write(channel, Buffer.from(bytes));
    },
    encrypt: (random, diversifier, key) => {
      if (!ended) hci.startLeEncryption(handle, Buffer.from(random), Buffer.from(diversifier), Buffer.from(key));
    },
    disconnect: () => {
      if (!ended) hci.disconnect(handle);
    },
    forget: () => {
      if (!ended) bindings.onDisconnComplete(handle, TERMINATED_HERE);
    },
    told: {
      pdu: (channel, bytes) => listener?.pdu(channel, bytes),
      encryption: (status, enabled) => listener?.encryption(status, enabled),
      ended: (reason) => {
        if (ended) return;
        ended = true;
        stream.removeAllListeners();
        listener?.ended(reason);
      },
    },
  };
};
