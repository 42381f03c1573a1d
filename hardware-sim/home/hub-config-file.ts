import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { CredentialFiles } from "../region/credential-files.ts";
import type { HomeSensor } from "./home-sensor.ts";

export interface HubConfigParts {
  readonly folder: string;
  readonly hub: string;
  readonly assignment: string;
  readonly zone: string;
  readonly url: string;
  readonly files: CredentialFiles;
  /** Serial device of the Bluetooth adapter. */
  readonly adapter: string;
  readonly sensors: readonly HomeSensor[];
  /** Section `updates`; null: the hub takes none. */
  readonly updates: Readonly<Record<string, string>> | null;
}

/** The hub's local socket, in the home's folder. */
export const HUB_SOCKET = "hemhub.sock";
/** Speed of a module on a UART; on a pseudo terminal it is only a number. */
const ADAPTER_BAUD = 1_000_000;

/** Write the ordinary configuration file of the home's hub. Returns its path. */
export const writeHubConfig = async (parts: HubConfigParts): Promise<string> => {
  const { folder, files } = parts;
  const path = join(folder, "hub.yaml");
  const config = {
    hub: { id: parts.hub, assignment: parts.assignment, dataDir: join(folder, "data"), timeZone: parts.zone },
    region: { url: parts.url, ca: [files.ca], certificate: files.hub.certificate, key: files.hub.key, receipts: true },
    ble: { adapter: { type: "uart", path: parts.adapter, baudRate: ADAPTER_BAUD } },
    sensors: parts.sensors.map((sensor) => ({ id: sensor.name, model: sensor.model, ...sensor.place })),
    diagnostics: { socket: join(folder, HUB_SOCKET) },
    ...(parts.updates === null ? {} : { updates: parts.updates }),
    log: { level: "info" },
  };
  await writeFile(path, stringify(config));
  return path;
};
