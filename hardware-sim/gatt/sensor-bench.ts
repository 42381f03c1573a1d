import { fromHex, toHex } from "../../protocol/bytes.ts";
import { type Millis, millis } from "../../protocol/time.ts";
import { createSimulatedClock, type SimulatedClock } from "../clock/simulated-clock.ts";
import { radioAddress } from "../radio/address.ts";
import { type Air, createAir, type Tuner } from "../radio/air.ts";
import type { CentralLink } from "../radio/air-link.ts";
import { le16, octets } from "../radio/little-endian.ts";
import { createBloodPressureCuff } from "./blood-pressure-cuff.ts";
import type { SensorOptions } from "./sensor-options.ts";

export const CUFF = radioAddress("00:00:5e:00:53:10");
export const READING = { systolic: 124, diastolic: 86, meanArterial: 97, pulse: 51 };

/** A central that speaks ATT directly, and confirms indications unless it is told not to. */
export interface Central {
  readonly tuner: Tuner;
  readonly indications: string[];
  readonly pdus: string[];
  readonly ends: number[];
  confirms: boolean;
  link: CentralLink | null;
  connect(): Promise<void>;
  ask(pdu: string): void;
}

const centralOn = (air: Air, clock: SimulatedClock): Central => {
  const tuner = air.tune({ address: radioAddress("00:00:5e:00:53:01"), heard: () => undefined });
  const central: Central = {
    tuner,
    indications: [],
    pdus: [],
    ends: [],
    confirms: true,
    link: null,
    connect: async () => {
      tuner.initiate(CUFF, { interval: 24, latency: 0, timeout: 500 }, (link) => {
        central.link = link;
        return {
          receive: (_channel, payload) => {
            const pdu = toHex(payload);
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

/** A handle as hex in the octet order of the air. */
export const handle = (value: number): string => toHex(octets(le16(value)));

/** A cuff and a central on one air, under a simulated clock. For tests. */
export const sensorBench = (options: Partial<SensorOptions> = {}) => {
  const clock = createSimulatedClock();
  const air = createAir({ clock, seed: 5 });
  const identity = { manufacturer: "A&D", model: "UA-651BLE", serial: "1", firmware: "1.0" };
  const events: string[] = [];
  const all: SensorOptions = {
    air,
    address: CUFF,
    identity,
    observe: (event) => events.push("id" in event ? `${event.tag} ${event.id}` : event.tag),
    ...options,
  };
  const cuff = createBloodPressureCuff(all);
  const central = centralOn(air, clock);
  const subscribe = async (): Promise<void> => {
    const { configuration } = cuff.gatt.handlesOf("2a35");
    central.ask(`12${handle(configuration ?? 0)}0200`);
    await clock.advance(millis(0));
  };
  return { clock, air, cuff, central, events, subscribe, options: all, pass: (span: Millis) => clock.advance(span) };
};
