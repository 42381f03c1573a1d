import type { HubConfig } from "../config/hub-config.ts";
import type { Configured, Ledger } from "./ledger.ts";

export const configuredOf = ({ hub, sensors }: Pick<HubConfig, "hub" | "sensors">): Configured => ({
  hub: hub.assignment,
  sensors: sensors.map(({ id, assignment }) => ({ id, assignment })),
});

/** The configuration with the assignments that are in force. */
export const effectiveConfig = (config: HubConfig, ledger: Ledger): HubConfig => ({
  ...config,
  hub: { ...config.hub, assignment: ledger.hub.inForce },
  sensors: config.sensors.map((sensor) => ({
    ...sensor,
    assignment: ledger.sensors[sensor.id]?.inForce ?? ledger.hub.inForce,
  })),
});
