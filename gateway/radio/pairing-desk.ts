import { HubError } from "../../protocol/errors.ts";
import type { SensorId } from "../../protocol/ids.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { didYouMean } from "../config/nearest.ts";
import type { PairingDesk, PairingView } from "../diagnostics/pairing-desk.ts";
import type { PairedSensor, SensorPairing } from "./sensor-pairing.ts";

export interface PairingDeskOptions {
  /** Ids of every sensor that is configured, whatever it speaks. */
  readonly configured: readonly string[];
  readonly sensors: readonly PairedSensor[];
  /** Null where no radio is configured. */
  readonly pairing: SensorPairing | null;
  /** Why the radio hears nobody now; null when it does. */
  readonly radioTrouble: () => string | null;
  readonly clock: Clock;
}

const sameView = (a: PairingView, b: PairingView): boolean =>
  JSON.stringify([a.stage, a.failed]) === JSON.stringify([b.stage, b.failed]);

/** The pairing desk over the enrolled sensors and their windows. */
export const createPairingDesk = ({
  configured,
  sensors,
  pairing,
  radioTrouble,
  clock,
}: PairingDeskOptions): PairingDesk => {
  const refuse = (id: string, found: string): HubError => new HubError("invalid-argument", `sensor ${id}: ${found}`);

  const paired = (id: string): { readonly sensor: PairedSensor; readonly on: SensorPairing } => {
    const sensor = sensors.find((one) => one.id === id);
    if (sensor !== undefined && pairing !== null) return { sensor, on: pairing };
    if (configured.includes(id))
      throw refuse(id, "not read over Bluetooth now, so there is nothing to pair; see check");
    const next = configured.length === 0 ? "none is configured" : "sensor list names those that are";
    throw new HubError("sensor-unknown", `sensor ${id}: not configured${didYouMean(id, configured)}; ${next}`);
  };

  const viewOf = (id: SensorId, on: SensorPairing): PairingView => {
    const window = on.window(id);
    if (window === null) return { sensor: id, stage: { tag: "closed", sentence: null }, leftS: null, failed: null };
    const { stage, failed } = window;
    const isOpen = stage.tag !== "closed" && stage.tag !== "paired";
    return { sensor: id, stage, failed, leftS: isOpen ? Math.round(window.left / 1000) : null };
  };

  const openWindowOf = (id: string) => {
    const { sensor, on } = paired(id);
    const window = on.window(sensor.id);
    const tag = window?.stage.tag ?? "closed";
    if (window === null || tag === "closed" || tag === "paired") {
      throw refuse(id, `no pairing window is open; sensor pair ${id} opens one`);
    }
    return { sensor, on, window };
  };

  const methodOf: PairingDesk["methodOf"] = (id) => {
    const { sensor } = paired(id);
    if (sensor.pairing !== "none") return sensor.pairing;
    throw refuse(id, "its model is read without pairing; measure with it");
  };

  const view: PairingDesk["view"] = (id) => {
    const { sensor, on } = paired(id);
    return viewOf(sensor.id, on);
  };

  return {
    methodOf,
    view,
    open: (id) => {
      const { sensor, on } = paired(id);
      methodOf(id);
      const trouble = radioTrouble();
      if (trouble !== null) throw new HubError("adapter-absent", trouble);
      const tag = on.window(sensor.id)?.stage.tag ?? "closed";
      // An attempt under way goes on with the person that it has.
      if (tag === "closed" || tag === "paired" || tag === "waiting") on.openWindow(sensor.id);
      return viewOf(sensor.id, on);
    },
    cancel: (id) => {
      const { sensor, on, window } = openWindowOf(id);
      window.cancel();
      return viewOf(sensor.id, on);
    },
    passkey: (id, passkey) => {
      const { sensor, on, window } = openWindowOf(id);
      window.passkey(passkey);
      return viewOf(sensor.id, on);
    },
    confirm: (id, same) => {
      const { sensor, on, window } = openWindowOf(id);
      if (!window.confirm(same)) throw refuse(id, "no number is to be compared now; sensor bond shows how far it is");
      return viewOf(sensor.id, on);
    },
    next: async (before, atMost, signal) => {
      const { on } = paired(before.sensor);
      const over = new AbortController();
      const either = AbortSignal.any([signal, over.signal]);
      const differs = (): boolean => !sameView(viewOf(before.sensor, on), before);
      on.onChange(() => differs() && over.abort(), either);
      if (differs()) over.abort();
      await clock.sleep(atMost, either).catch(() => undefined);
      over.abort();
      signal.throwIfAborted();
      return viewOf(before.sensor, on);
    },
    bond: (id) => {
      const { sensor, on } = paired(id);
      return on.keeper?.bond(sensor.address) ?? null;
    },
    forget: async (id) => {
      const { sensor, on } = paired(id);
      await on.forget(sensor.id);
    },
  };
};
