import type { HawkbitConfig } from "../../ota/hawkbit/hawkbit.ts";
import { dayWindow } from "../updates/wanted-release.ts";
import type { UpdatesConfig } from "./hub-config.ts";

/** The section `updates` as the schema guarantees it. */
export interface WrittenUpdates {
  readonly root: string;
  readonly hardware: string;
  readonly url?: string;
  readonly backend?: UpdatesConfig["backend"];
  readonly images?: UpdatesConfig["images"];
  readonly quietHours?: string;
  readonly monthlyMegabytes?: number;
  readonly hawkbit?: { url: string; tenant?: string; controllerId?: string; tokenFile?: string };
}

const BYTES_PER_MEGABYTE = 1_000_000;

const withSlash = (url: string): string => (url.endsWith("/") ? url : `${url}/`);

/** Of a hawkBit that serves one organisation only. */
const DEFAULT_TENANT = "DEFAULT";

const hawkbitOf = (
  written: NonNullable<WrittenUpdates["hawkbit"]>,
  hub: string,
  from: (path: string) => string,
): HawkbitConfig => ({
  url: written.url,
  tenant: written.tenant ?? DEFAULT_TENANT,
  controllerId: written.controllerId ?? hub,
  tokenFile: written.tokenFile === undefined ? null : from(written.tokenFile),
});

/** `hub`: its id, by which hawkBit knows it where nothing else is said. */
export const updatesOf = (written: WrittenUpdates, hub: string, from: (path: string) => string): UpdatesConfig => ({
  root: from(written.root),
  hardware: written.hardware,
  url: written.url === undefined ? null : withSlash(written.url),
  backend: written.backend ?? "release-images",
  images: written.images ?? "mounted",
  quietHours: written.quietHours === undefined ? null : dayWindow(written.quietHours),
  monthlyBytes: written.monthlyMegabytes === undefined ? null : written.monthlyMegabytes * BYTES_PER_MEGABYTE,
  hawkbit: written.hawkbit === undefined ? null : hawkbitOf(written.hawkbit, hub, from),
});
