import { fromHex, toHex } from "../../protocol/bytes.ts";
import { millis } from "../../protocol/time.ts";
import type { SimulatedClock } from "../clock/simulated-clock.ts";
import { type RadioAddress, radioAddress } from "../radio/address.ts";
import type { Air, Tuner } from "../radio/air.ts";
import type { CentralLink } from "../radio/air-link.ts";
import { le16, octets } from "../radio/little-endian.ts";

/** A handle as hex in the octet order of the air. */
export const handle = (value: number): string => toHex(octets(le16(value)));

/** A central that speaks ATT directly, and confirms indications unless it is told not to. */
export interface Central {
  readonly tuner: Tuner;
  /** Values of indications. */
  readonly indications: string[];
  /** Handle and value, as on the air, of everything that came unasked, in order. */
  readonly pushes: string[];
  readonly pdus: string[];
  readonly ends: number[];
  confirms: boolean;
  link: CentralLink | null;
  connect(): Promise<void>;
  ask(pdu: string): void;
}

export const centralOn = (air: Air, clock: SimulatedClock, target: RadioAddress): Central => {
  const tuner = air.tune({ address: radioAddress("00:00:5e:00:53:01"), heard: () => undefined });
  const central: Central = {
    tuner,
    indications: [],
    pushes: [],
    pdus: [],
    ends: [],
    confirms: true,
    link: null,
    connect: async () => {
      tuner.initiate(target, { interval: 24, latency: 0, timeout: 500 }, (link) => {
        central.link = link;
        return {
          receive: (_channel, payload) => {
            const pdu = toHex(payload);
            if (/^1[bd]/.test(pdu)) central.pushes.push(pdu.slice(2));
            if (pdu.startsWith("1b")) return;
            if (!pdu.startsWith("1d")) return void central.pdus.push(pdu);
            central.indications.push(pdu.slice(6));
            if (central.confirms) link.send(4, fromHex("1e"));
          },
          closed: (reason) => {
            central.link = null;
            central.ends.push(reason);
          },
        };
      });
      await clock.advance(millis(100));
    },
    ask: (pdu) => central.link?.send(4, fromHex(pdu)),
  };
  return central;
};
