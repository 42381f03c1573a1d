import { realpath } from "node:fs/promises";
import type { CatalogueEntry } from "../../drivers/catalogue/entry.ts";
import type { PortListing } from "../../drivers/serial/serial-port-ref.ts";
import { messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { minutes } from "../../protocol/time.ts";
import type { HubConfig } from "../config/hub-config.ts";
import type { ReportEvent } from "../ingest/event-reporter.ts";
import type { Strangers } from "./strangers.ts";

/** Listing ports starts a process of udev: seldom, and still before somebody has driven home. */
const LOOK_EVERY = minutes(10);

export interface PortWatchOptions {
  readonly config: Pick<HubConfig, "sensors" | "ble" | "diagnostics">;
  readonly entries: readonly CatalogueEntry[];
  readonly strangers: Strangers;
  readonly list: () => Promise<readonly PortListing[]>;
  readonly report: ReportEvent;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Looks for adapters of sensors that are plugged in and not enrolled. It opens none of them. */
export interface PortWatch {
  look(): Promise<void>;
  /** Look now and every ten minutes, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

const realPathOf = (path: string): Promise<string> => realpath(path).catch(() => path);

const NEXT = "enrol it with the serial number of its adapter, or unplug it";

export const createPortWatch = (options: PortWatchOptions): PortWatch => {
  const { config, entries, strangers, list, report, clock, logger } = options;
  let isTroubleTold = false;

  /** Paths that the configuration names: whatever is there, it is meant to be. */
  const pathsInUse = async (): Promise<ReadonlySet<string>> => {
    const { ble, sensors, diagnostics } = config;
    const paths = [
      ...(ble?.adapter.type === "uart" ? [ble.adapter.path] : []),
      ...(diagnostics.serial === null ? [] : [diagnostics.serial.path]),
      ...sensors.flatMap((one) => (one.transport === "serial" && one.port.tag === "path" ? [one.port.path] : [])),
    ];
    return new Set(await Promise.all(paths.map(realPathOf)));
  };

  /** Why an adapter would be a sensor's, and is not read; null where it is enrolled, or nothing of ours. */
  const reasonOf = (vendor: string, product: string, number: string | null): string | null => {
    const alike = config.sensors.flatMap((one) =>
      one.transport === "serial" && one.port.tag === "usb" && one.port.vendor === vendor && one.port.product === product
        ? [{ id: one.id, number: one.port.serialNumber }]
        : [],
    );
    if (alike.some((one) => one.number === null || one.number === number)) return null;
    const [first] = alike;
    if (first !== undefined) return `an adapter like that of ${first.id}, with another serial number`;
    const model = entries.find(
      ({ recognise }) => "usb" in recognise && recognise.usb?.vendor === vendor && recognise.usb.product === product,
    );
    return model === undefined ? null : `an adapter as of model ${model.id}, not enrolled`;
  };

  const look = async (): Promise<void> => {
    let ports: readonly PortListing[];
    try {
      ports = await list();
    } catch (thrown) {
      if (!isTroubleTold) logger.warn("serial ports cannot be listed", { reason: messageOf(thrown) });
      isTroubleTold = true;
      return;
    }
    const inUse = await pathsInUse();
    for (const { path, vendorId, productId, serialNumber } of ports) {
      if (vendorId === undefined || productId === undefined || inUse.has(await realPathOf(path))) continue;
      const [vendor, product] = [vendorId.toLowerCase(), productId.toLowerCase()];
      const reason = reasonOf(vendor, product, serialNumber ?? null);
      if (reason === null) continue;
      const what = `USB ${vendor}:${product}${serialNumber === undefined ? "" : ` number ${serialNumber}`}`;
      if (!strangers.note(what, reason, NEXT)) continue;
      logger.info("unknown sensor", { path });
      report("unknown-sensor", `USB ${vendor}:${product} at ${path}: ${reason}; ${NEXT}`, { path });
    }
  };

  return {
    look,
    run: async (signal) => {
      while (!signal.aborted) {
        await look();
        await clock.sleep(LOOK_EVERY, signal).catch(() => undefined);
      }
    },
  };
};
