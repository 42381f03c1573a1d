import { open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { LineCounter, parseDocument } from "yaml";
import type { SerialPortRef } from "../../drivers/serial/serial-port-ref.ts";
import { messageOf } from "../../protocol/errors.ts";
import { assignmentId, catalogueId, hubId, sensorId } from "../../protocol/ids.ts";
import { createConfigChecker } from "./config-schema-check.ts";
import { crossCheck } from "./cross-checks.ts";
import { fileTrouble } from "./file-trouble.ts";
import type {
  BleAdapterConfig,
  ConfigProblem,
  ConfigResult,
  HubConfig,
  LimitConfig,
  LogLevel,
  SensorConfig,
} from "./hub-config.ts";
import { schemaProblems } from "./schema-problems.ts";
import { createSourceMap } from "./source-map.ts";
import { updatesOf, type WrittenUpdates } from "./updates-config.ts";

/** 64 sensors of about 200 bytes and the rest of the file fit many times. */
const LARGEST_FILE_BYTES = 1024 * 1024;

/** Default speed of an HCI UART module (H4), and of the technician's console. */
const ADAPTER_BAUD = 1_000_000;
const CONSOLE_BAUD = 115_200;

/** The file as the schema guarantees it. */
interface Written {
  readonly hub: { id: string; assignment: string; dataDir: string; timeZone: string };
  readonly region: {
    url: string;
    ca: string[];
    certificate: string;
    key: string;
    serverName?: string;
    receipts?: boolean;
    publishWithoutTime?: boolean;
    commandKeys?: string[];
    enrolment?: { url: string; ca?: string[] };
    time?: { url: string; keys: string[] };
  };
  readonly ble?: {
    adapter:
      | { type: "uart"; path: string; baudRate?: number }
      | { type: "hci"; device?: number }
      | { type: "bluez"; name?: string };
  };
  readonly sensors?: readonly {
    id: string;
    model: string;
    assignment?: string;
    serialNumber?: string;
    userSlot?: number;
    ble?: { address: string };
    serial?: { path?: string; usb?: { vendor: string; product: string; serialNumber?: string } };
  }[];
  readonly catalogue?: { folder?: string; certifiedOnly?: boolean };
  readonly plausibility?: readonly {
    quantity: string;
    assignment?: string;
    min?: number;
    max?: number;
    jumps?: { by: number; hours: number }[];
  }[];
  readonly questionnaires?: string;
  readonly updates?: WrittenUpdates;
  readonly diagnostics?: { socket?: string; serial?: { path: string; baudRate?: number } };
  readonly log?: { level?: LogLevel };
}

const whole = (message: string): readonly ConfigProblem[] => [{ line: 0, column: 0, path: "", message }];

const complete = (written: Written, file: string, from: (path: string) => string): HubConfig => {
  const dataDir = from(written.hub.dataDir);

  const adapterOf = (adapter: NonNullable<Written["ble"]>["adapter"]): BleAdapterConfig => {
    switch (adapter.type) {
      case "uart":
        return { type: "uart", path: from(adapter.path), baudRate: adapter.baudRate ?? ADAPTER_BAUD };
      case "hci":
        return { type: "hci", device: adapter.device ?? 0 };
      case "bluez":
        return { type: "bluez", name: adapter.name ?? "hci0" };
    }
  };

  const locationOf = (serial: NonNullable<NonNullable<Written["sensors"]>[number]["serial"]>): SerialPortRef =>
    serial.usb === undefined
      ? { tag: "path", path: from(serial.path ?? "") }
      : {
          tag: "usb",
          vendor: serial.usb.vendor.toLowerCase(),
          product: serial.usb.product.toLowerCase(),
          serialNumber: serial.usb.serialNumber ?? null,
        };

  const assignmentOf = (text: string | undefined) => (text === undefined ? null : assignmentId(text));

  const sensors = (written.sensors ?? []).map((sensor): SensorConfig => {
    const named = {
      id: sensorId(sensor.id),
      model: catalogueId(sensor.model),
      assignment: assignmentOf(sensor.assignment),
      serialNumber: sensor.serialNumber ?? null,
      userSlot: sensor.userSlot ?? null,
    };
    return sensor.ble === undefined
      ? { ...named, transport: "serial", port: locationOf(sensor.serial ?? {}) }
      : { ...named, transport: "ble", address: sensor.ble.address.toLowerCase() };
  });

  const serial = written.diagnostics?.serial;
  return {
    file,
    hub: {
      id: hubId(written.hub.id),
      assignment: assignmentId(written.hub.assignment),
      dataDir,
      timeZone: written.hub.timeZone,
    },
    region: {
      url: written.region.url,
      ca: written.region.ca.map(from),
      certificate: from(written.region.certificate),
      key: from(written.region.key),
      serverName: written.region.serverName ?? null,
      receipts: written.region.receipts ?? true,
      publishWithoutTime: written.region.publishWithoutTime ?? false,
      commandKeys: (written.region.commandKeys ?? []).map(from),
      enrolment:
        written.region.enrolment === undefined
          ? null
          : { url: written.region.enrolment.url, ca: written.region.enrolment.ca?.map(from) ?? null },
      time:
        written.region.time === undefined
          ? null
          : { url: written.region.time.url, keys: written.region.time.keys.map(from) },
    },
    ble: written.ble === undefined ? null : { adapter: adapterOf(written.ble.adapter) },
    sensors,
    catalogue: {
      folder: written.catalogue?.folder === undefined ? null : from(written.catalogue.folder),
      certifiedOnly: written.catalogue?.certifiedOnly ?? false,
    },
    plausibility: (written.plausibility ?? []).map(
      ({ quantity, assignment, min = null, max = null, jumps = null }): LimitConfig => ({
        quantity,
        assignment: assignmentOf(assignment),
        min,
        max,
        jumps,
      }),
    ),
    questionnaires: written.questionnaires === undefined ? null : from(written.questionnaires),
    updates: written.updates === undefined ? null : updatesOf(written.updates, written.hub.id, from),
    diagnostics: {
      socket: from(written.diagnostics?.socket ?? resolve(dataDir, "hemhub.sock")),
      serial: serial === undefined ? null : { path: from(serial.path), baudRate: serial.baudRate ?? CONSOLE_BAUD },
    },
    log: { level: written.log?.level ?? "info" },
  };
};

/** Check the text of a configuration file; relative paths count from the folder of `file`. Pure. All problems at once. */
export const parseConfig = (text: string, file: string): ConfigResult => {
  const invalid = (problems: readonly ConfigProblem[]): ConfigResult => ({ tag: "invalid", file, problems });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    return invalid(
      document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        const found = error.code === "MULTIPLE_DOCS" ? "a second document begins; keep one" : messageOf(error);
        return { line, column: col, path: "", message: `not valid YAML: ${found}` };
      }),
    );
  }
  let written: unknown;
  try {
    written = document.toJS();
  } catch (thrown) {
    return invalid(whole(`not valid YAML: ${messageOf(thrown)}`));
  }
  if (written === null || written === undefined) return invalid(whole("the file is empty; it needs hub and region"));

  const source = createSourceMap(document, lines);
  const check = createConfigChecker();
  const from = (path: string): string => resolve(dirname(file), path);
  const problems = [
    ...(check(written) ? [] : schemaProblems(check.errors ?? [], source)),
    ...crossCheck(written, from, source),
  ].sort((a, b) => a.line - b.line || a.column - b.column);
  if (problems.length > 0) return invalid(problems);
  return { tag: "ok", config: complete(written as Written, file, from), source };
};

/** Read and check a configuration file. A file that cannot be read is a problem like any other. */
export const loadConfig = async (path: string): Promise<ConfigResult> => {
  const file = resolve(path);
  const unreadable = (found: string): ConfigResult => ({
    tag: "invalid",
    file: path,
    problems: whole(`cannot be read (${found}); give the hub's configuration file`),
  });
  let text: string;
  try {
    await using handle = await open(file, "r");
    const { size } = await handle.stat();
    if (size > LARGEST_FILE_BYTES) return unreadable(`${size} bytes, at most ${LARGEST_FILE_BYTES}`);
    text = await handle.readFile("utf8");
  } catch (thrown) {
    return unreadable(fileTrouble(thrown));
  }
  const result = parseConfig(text, file);
  return result.tag === "invalid" ? { ...result, file: path } : result;
};
