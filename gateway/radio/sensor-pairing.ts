import { isResolvable } from "../../drivers/ble/security/bond.ts";
import type { BondingOptions } from "../../drivers/ble/security/bonding.ts";
import type { SensorAccess } from "../../drivers/ble/sensor-access.ts";
import type { SensorId } from "../../protocol/ids.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import type { Advertisement } from "../../protocol/ports/radio.ts";
import { type Millis, seconds } from "../../protocol/time.ts";
import type { SensorView } from "../diagnostics/hub-view.ts";
import type { PairingMethod } from "../diagnostics/pairing-desk.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import type { BondKeeper } from "./bond-keeper.ts";
import { openPairingWindow, type PairingWindow } from "./pairing-window.ts";

/** An enrolled Bluetooth sensor, and what its catalogue entry demands of the link. */
export interface PairedSensor {
  readonly id: SensorId;
  /** Identity address, lower-case with colons. */
  readonly address: string;
  readonly pairing: PairingMethod | "none";
  /** Services that the model advertises. */
  readonly services: readonly string[];
}

export interface SensorPairingOptions {
  readonly sensors: readonly PairedSensor[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly report: ReportEvent;
}

/**
 * A sensor that lost its bond is tried again this often: its key may be right and somebody else may have answered for
 * it, but each attempt takes the radio from the others for a second.
 */
const TRY_LOST_EVERY: Millis = seconds(30);

/** The security side of the enrolled sensors: who needs a bond, who has one, who lost it, and who is being paired. */
export interface SensorPairing extends Pick<SensorAccess, "admits" | "candidate"> {
  readonly security: Pick<BondingOptions, "securityOf" | "windowFor" | "onBonded" | "onBondLost">;
  /** The keeper exists only when the radio does; before, nobody is admitted. */
  keepBondsIn(keeper: BondKeeper): void;
  readonly keeper: BondKeeper | null;
  window(sensor: SensorId): PairingWindow | null;
  openWindow(sensor: SensorId): PairingWindow;
  forget(sensor: SensorId): Promise<void>;
  /** What stands in the way of reading it, or null. */
  view(sensor: SensorId): Pick<SensorView, "state" | "trouble"> | null;
  /** Call `listener` at every change of a window, until the signal aborts. */
  onChange(listener: () => void, signal: AbortSignal): void;
}

export const createSensorPairing = ({ sensors, clock, logger, report }: SensorPairingOptions): SensorPairing => {
  const byAddress = new Map(sensors.map((one) => [one.address, one]));
  const byId = new Map(sensors.map((one) => [one.id, one]));
  const windows = new Map<SensorId, PairingWindow>();
  /** Those that have lost their bond, with the sentence that says so. */
  const lost = new Map<SensorId, string>();
  /** Addresses on the air that stand for a sensor in its window: at most one a sensor. */
  const standIns = new Map<string, SensorId>();
  const triedAt = new Map<SensorId, number>();
  const listeners = new Set<() => void>();
  let keeper: BondKeeper | null = null;

  const tellAll = (): void => {
    for (const listener of listeners) listener();
  };
  const isWaiting = (id: SensorId): boolean => windows.get(id)?.stage.tag === "waiting";

  const recovered = (one: PairedSensor): void => {
    if (!lost.delete(one.id)) return;
    logger.info("bond works again", { sensor: one.id });
    const message = `sensor ${one.id}: the encrypted link works again`;
    report("bond-lost", message, { sensor: one.id, state: "recovered" });
  };

  /** Once in a while for a sensor of which only a connection can tell how things are. */
  const isDue = (id: SensorId): boolean => {
    const now = clock.elapsed();
    const last = triedAt.get(id);
    if (last !== undefined && now - last < TRY_LOST_EVERY) return false;
    triedAt.set(id, now);
    return true;
  };

  return {
    security: {
      securityOf: (address) => {
        const one = byAddress.get(address);
        if (one === undefined) return null;
        const authenticated = one.pairing === "passkey" || one.pairing === "numeric-comparison";
        return { bonded: one.pairing !== "none", authenticated, name: `sensor ${one.id}` };
      },
      windowFor: (address) => {
        const id = byAddress.get(address)?.id ?? standIns.get(address);
        return id === undefined ? null : (windows.get(id)?.person() ?? null);
      },
      onBonded: (address) => {
        const one = byAddress.get(address);
        if (one !== undefined) recovered(one);
      },
      onBondLost: (address, sentence) => {
        const one = byAddress.get(address);
        if (one === undefined || lost.has(one.id)) return;
        lost.set(one.id, sentence);
        triedAt.set(one.id, clock.elapsed());
        report("bond-lost", sentence, { sensor: one.id });
      },
    },
    admits: (id) => {
      const one = byId.get(id);
      if (one === undefined || one.pairing === "none") return one !== undefined;
      if (keeper === null) return false;
      if (isWaiting(id)) return true;
      if (lost.has(id)) return isDue(id);
      if (keeper.bond(one.address) !== null) return true;
      return !keeper.certain && isDue(id);
    },
    candidate: ({ address, addressType, services }: Advertisement) => {
      // Only an address that hides who it is can be that of a sensor which is known by another one.
      if (windows.size === 0 || addressType !== "random" || !isResolvable(address)) return null;
      const one = sensors.find(
        (sensor) =>
          windows.get(sensor.id)?.mayBe(address) === true && sensor.services.some((uuid) => services.includes(uuid)),
      );
      if (one === undefined) return null;
      for (const [standIn, id] of standIns) if (id === one.id) standIns.delete(standIn);
      standIns.set(address, one.id);
      return one.id;
    },
    keepBondsIn: (given) => {
      keeper = given;
    },
    get keeper() {
      return keeper;
    },
    window: (id) => windows.get(id) ?? null,
    openWindow: (id) => {
      const one = byId.get(id);
      if (one === undefined || one.pairing === "none") throw new Error(`sensor ${id} is not paired`);
      const open = openPairingWindow({ clock, method: one.pairing, address: one.address, changed: tellAll });
      windows.set(id, open);
      logger.info("pairing window opened", { sensor: id });
      tellAll();
      return open;
    },
    forget: async (id) => {
      const one = byId.get(id);
      if (one === undefined || keeper === null) return;
      await keeper.forget(one.address);
      lost.delete(id);
      logger.info("bond removed", { sensor: id });
    },
    view: (id) => {
      const one = byId.get(id);
      if (one === undefined || one.pairing === "none") return null;
      const stage = windows.get(id)?.stage.tag ?? "closed";
      if (stage !== "closed" && stage !== "paired") return { state: "pairing", trouble: null };
      const loss = lost.get(id);
      if (loss !== undefined) return { state: "bond-lost", trouble: loss };
      if (keeper?.bond(one.address) != null) return null;
      return { state: "not-paired", trouble: `not paired with this hub; sensor pair ${id} begins it` };
    },
    onChange: (listener, signal) => {
      listeners.add(listener);
      signal.addEventListener("abort", () => listeners.delete(listener), { once: true });
    },
  };
};
