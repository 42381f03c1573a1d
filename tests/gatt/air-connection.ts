import type { ConnectionListener, HciConnection } from "../../drivers/ble/hci-adapter.ts";
import { type RadioAddress, radioAddress } from "../../hardware-sim/radio/address.ts";
import type { Air } from "../../hardware-sim/radio/air.ts";

const HUB = radioAddress("00:00:5e:00:53:01");
/** Remote user terminated the connection (Core Vol 1 Part F 1.3). */
const TERMINATED = 0x13;
const ATT_CHANNEL = 4;

/**
 * A connection over the simulated air as the adapter would hand it out, without controller, HCI and serial line between:
 * the hub's own ATT and GATT client against the sensor's server, in simulated time.
 */
export const connectOver = (air: Air, target: RadioAddress, offeredMtu: number): Promise<HciConnection> =>
  new Promise((resolve) => {
    const tuner = air.tune({ address: HUB, heard: () => undefined });
    tuner.initiate(target, { interval: 24, latency: 0, timeout: 500 }, (link) => {
      let listener: ConnectionListener | null = null;
      // What comes before somebody listens waits, as in the adapter.
      const waiting: ((to: ConnectionListener) => void)[] = [];
      const tell = (what: (to: ConnectionListener) => void): void => {
        if (listener === null) waiting.push(what);
        else what(listener);
      };
      resolve({
        peer: { address: target.address, type: "public" },
        local: { address: HUB.address, type: "public" },
        listen: (given) => {
          listener = given;
          for (const what of waiting.splice(0)) what(given);
          // Exchange MTU Request (Core Vol 3 Part F 3.4.2.1), which noble sends by itself.
          link.send(ATT_CHANNEL, Uint8Array.of(0x02, offeredMtu & 0xff, offeredMtu >> 8));
        },
        send: (channel, bytes) => link.send(channel, Uint8Array.from(bytes)),
        encrypt: () => undefined,
        disconnect: () => link.disconnect(TERMINATED),
        forget: () => undefined,
      });
      return {
        receive: (channel, bytes) => tell((to) => to.pdu(channel, Uint8Array.from(bytes))),
        closed: (reason) => {
          tuner.leave();
          tell((to) => to.ended(reason));
        },
      };
    });
  });
