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
}

const BYTES_PER_MEGABYTE = 1_000_000;

const withSlash = (url: string): string => (url.endsWith("/") ? url : `${url}/`);

export const updatesOf = (written: WrittenUpdates, from: (path: string) => string): UpdatesConfig => ({
  root: from(written.root),
  hardware: written.hardware,
  url: written.url === undefined ? null : withSlash(written.url),
  backend: written.backend ?? "release-images",
  images: written.images ?? "mounted",
  quietHours: written.quietHours === undefined ? null : dayWindow(written.quietHours),
  monthlyBytes: written.monthlyMegabytes === undefined ? null : written.monthlyMegabytes * BYTES_PER_MEGABYTE,
});
