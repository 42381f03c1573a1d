import type { SerialPortRef } from "../../drivers/serial/serial-port-ref.ts";
import type { HawkbitConfig } from "../../ota/hawkbit/hawkbit.ts";
import type { DayWindow } from "../../ota/update/update-state.ts";
import type { AssignmentId, CatalogueId, HubId, SensorId } from "../../protocol/ids.ts";
import type { SourceMap } from "./source-map.ts";

/** Configuration of one hub, checked, with defaults filled in and every path absolute. */
export interface HubConfig {
  /** The file it came from; sentences about the configuration name it. */
  readonly file: string;
  readonly hub: {
    readonly id: HubId;
    readonly assignment: AssignmentId;
    readonly dataDir: string;
    /** IANA name of the home's zone, in which sensors keep local time. */
    readonly timeZone: string;
  };
  readonly region: RegionConfig;
  readonly ble: { readonly adapter: BleAdapterConfig } | null;
  readonly sensors: readonly SensorConfig[];
  readonly catalogue: CatalogueConfig;
  /** Limits other than the defaults of gateway/plausibility/limits.ts. */
  readonly plausibility: readonly LimitConfig[];
  /** Folder of the region's questionnaires; null: the example of this version. */
  readonly questionnaires: string | null;
  /** Null: this hub takes no updates. */
  readonly updates: UpdatesConfig | null;
  readonly diagnostics: {
    readonly socket: string;
    readonly serial: { readonly path: string; readonly baudRate: number } | null;
  };
  readonly log: { readonly level: LogLevel };
}

export interface RegionConfig {
  /** `mqtts://host[:port]`. */
  readonly url: string;
  readonly ca: readonly string[];
  readonly certificate: string;
  readonly key: string;
  /** Name to check in the broker's certificate; null: the host of `url`. */
  readonly serverName: string | null;
  /** False: a PUBACK settles a reading, and `status` says so. */
  readonly receipts: boolean;
  /** Public keys that the region's commands are signed with, PEM or JWK; any one of them counts. */
  readonly commandKeys: readonly string[];
  /** Where the hub's certificate is renewed (EST, RFC 7030); null: by hand. `ca` null: the broker's authorities. */
  readonly enrolment: { readonly url: string; readonly ca: readonly string[] | null } | null;
  /** Where the region signs the time for a hub whose clock is wrong, and its public keys; null: nowhere. */
  readonly time: { readonly url: string; readonly keys: readonly string[] } | null;
  /** True: readings go at once while the hub's clock is not set, without a time; else they wait for it, an hour at most. */
  readonly publishWithoutTime: boolean;
}

export type BleAdapterConfig =
  | { readonly type: "uart"; readonly path: string; readonly baudRate: number }
  | { readonly type: "hci"; readonly device: number }
  | { readonly type: "bluez"; readonly name: string };

export interface CatalogueConfig {
  /** The region's catalogue; null: the one of this version. */
  readonly folder: string | null;
  /** True: a model that is not certified is not read. */
  readonly certifiedOnly: boolean;
}

/** How releases come to this hub (docs/updates.md). */
export interface UpdatesConfig {
  /** The region's root.json: what every signature is traced to at first. */
  readonly root: string;
  /** Model of the hub, as releases are signed for it. */
  readonly hardware: string;
  /** Where the region publishes, with a `/` at its end; null: releases come by hand only. */
  readonly url: string | null;
  readonly backend: "release-images" | "rauc";
  /** `unpacked`: for machines on which nothing can be mounted. */
  readonly images: "mounted" | "unpacked";
  /** When nothing is restarted in this home, in its own time; null: there are no such hours. */
  readonly quietHours: DayWindow | null;
  /** Bytes that releases may take of the line in 30 days; null: as many as they have. */
  readonly monthlyBytes: number | null;
  /** A hawkBit that drives campaigns instead of `desired.release`; null: none. */
  readonly hawkbit: HawkbitConfig | null;
}

/** What is implausible of one quantity; what is not said stays as it is by default. */
export interface LimitConfig {
  readonly quantity: string;
  /** Null: of everybody in this home. */
  readonly assignment: AssignmentId | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly jumps: readonly { readonly by: number; readonly hours: number }[] | null;
}

interface CommonSensorConfig {
  readonly id: SensorId;
  readonly model: CatalogueId;
  /** Whom its readings belong to; null: whom the hub's belong to. */
  readonly assignment: AssignmentId | null;
  /** What the sensor tells of itself; null: what it tells at its first session counts from then on. */
  readonly serialNumber: string | null;
  /** The patient's memory on a sensor that several people use; null: nobody else uses it. */
  readonly userSlot: number | null;
}

export type SensorConfig = CommonSensorConfig &
  (
    | { readonly transport: "ble"; readonly address: string }
    | { readonly transport: "serial"; readonly port: SerialPortRef }
  );

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Something in the file that does not fit. `line` and `column` count from 1; both 0: the file as a whole. */
export interface ConfigProblem {
  readonly line: number;
  readonly column: number;
  /** `sensors[1].ble.address`; empty for the file as a whole. */
  readonly path: string;
  /** What was expected and what was found. */
  readonly message: string;
}

export type ConfigResult =
  | { readonly tag: "ok"; readonly config: HubConfig; readonly source: SourceMap }
  | { readonly tag: "invalid"; readonly file: string; readonly problems: readonly ConfigProblem[] };

/** `hub.yaml:12:5 sensors[1].ble.address: expected six hex pairs ..., found "xyz"`. */
export const problemLine = (file: string, problem: ConfigProblem): string => {
  const place = problem.line === 0 ? file : `${file}:${problem.line}:${problem.column}`;
  return problem.path === "" ? `${place}: ${problem.message}` : `${place} ${problem.path}: ${problem.message}`;
};
