import type { ConfigProblem } from "./hub-config.ts";
import { limitProblems } from "./limit-checks.ts";
import { at, textAt } from "./parsed.ts";
import { type ConfigPath, pathText, type SourceMap } from "./source-map.ts";

/** sockaddr_un.sun_path holds 108 bytes with the closing zero (Linux unix(7)). */
const LONGEST_SOCKET_PATH = 107;

/** A part of the file that must be the only one of its kind. */
interface Claim {
  readonly path: ConfigPath;
  readonly what: string;
  readonly key: string;
}

const sensorCount = (data: unknown): number => {
  const sensors = at(data, ["sensors"]);
  return Array.isArray(sensors) ? sensors.length : 0;
};

const claimsOf = (data: unknown, resolvePath: (path: string) => string): readonly Claim[] => {
  const claim = (path: ConfigPath, what: string, normal: (text: string) => string): readonly Claim[] => {
    const text = textAt(data, path);
    return text === null ? [] : [{ path, what, key: `${what} ${normal(text)}` }];
  };
  const usb = (path: ConfigPath): readonly Claim[] => {
    const [vendor, product] = [textAt(data, [...path, "vendor"]), textAt(data, [...path, "product"])];
    if (vendor === null || product === null) return [];
    const key = `usb ${vendor}:${product}:${textAt(data, [...path, "serialNumber"]) ?? "any"}`.toLowerCase();
    return [{ path, what: "USB identity", key }];
  };
  const sensors = Array.from({ length: sensorCount(data) }, (_, i): readonly Claim[] => [
    ...claim(["sensors", i, "id"], "sensor id", (text) => text),
    ...claim(["sensors", i, "ble", "address"], "address", (text) => text.toLowerCase()),
    ...claim(["sensors", i, "serial", "path"], "serial port", resolvePath),
    ...usb(["sensors", i, "serial", "usb"]),
  ]);
  return [
    ...claim(["ble", "adapter", "path"], "serial port", resolvePath),
    ...sensors.flat(),
    ...claim(["diagnostics", "serial", "path"], "serial port", resolvePath),
  ];
};

/**
 * Adapters of one kind, one of them enrolled without its serial number: it would answer for the others as well, and
 * nobody could tell whose sensor it is.
 */
const sharedAdapters = (data: unknown): readonly { readonly path: ConfigPath; readonly message: string }[] => {
  const adapters = Array.from({ length: sensorCount(data) }, (_, i) => {
    const path = ["sensors", i, "serial", "usb"];
    const kind = `${textAt(data, [...path, "vendor"])}:${textAt(data, [...path, "product"])}`.toLowerCase();
    return { path, kind, number: textAt(data, [...path, "serialNumber"]) };
  }).filter(({ kind }) => kind !== "null:null");
  return adapters
    .filter((one) => one.number === null)
    .filter((one) => adapters.some((other) => other.kind === one.kind && other.number !== null))
    .map(({ path }) => ({ path, message: "other sensors here have an adapter of this kind; add its serialNumber" }));
};

const knownZone = (zone: string): boolean => {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone !== "";
  } catch (thrown) {
    if (thrown instanceof RangeError) return false;
    throw thrown;
  }
};

/**
 * What the schema cannot say: things named twice, sensors without a radio, zones, ports and sockets that cannot be.
 * Takes the file as parsed, right or wrong, so that a person sees every problem at once; wrong types are the schema's.
 */
export const crossCheck = (
  data: unknown,
  resolvePath: (path: string) => string,
  source: SourceMap,
): readonly ConfigProblem[] => {
  const problems: ConfigProblem[] = [];
  const report = (path: ConfigPath, message: string): void => {
    problems.push({ ...source.valueAt(path), path: pathText(path), message });
  };

  const assignments = [
    textAt(data, ["hub", "assignment"]),
    ...Array.from({ length: sensorCount(data) }, (_, i) => textAt(data, ["sensors", i, "assignment"])),
  ];
  for (const { path, message } of limitProblems(at(data, ["plausibility"]), new Set(assignments)))
    report(path, message);
  for (const { path, message } of sharedAdapters(data)) report(path, message);

  const first = new Map<string, Claim>();
  for (const claim of claimsOf(data, resolvePath)) {
    const before = first.get(claim.key);
    if (before === undefined) first.set(claim.key, claim);
    else {
      const { line } = source.valueAt(before.path);
      report(claim.path, `same ${claim.what} as ${pathText(before.path)} on line ${line}; each may stand once`);
    }
  }

  for (let i = 0; at(data, ["ble"]) === undefined && i < sensorCount(data); i++) {
    if (at(data, ["sensors", i, "ble"]) === undefined) continue;
    report(["sensors", i, "ble"], "needs a radio; add ble: {adapter: {type: hci, device: 0}}");
    break;
  }

  const zone = textAt(data, ["hub", "timeZone"]);
  if (zone !== null && !knownZone(zone)) {
    report(
      ["hub", "timeZone"],
      `expected a time zone name such as Europe/Stockholm, found ${JSON.stringify(zone.slice(0, 64))}`,
    );
  }

  const url = textAt(data, ["region", "url"]);
  if (url?.startsWith("mqtts://") && (!URL.canParse(url) || new URL(url).port === "0")) {
    report(["region", "url"], "expected a port from 1 to 65535 after the host; MQTT over TLS uses 8883");
  }

  const [quietFrom, quietTo] = textAt(data, ["updates", "quietHours"])?.split("-") ?? [];
  if (quietFrom !== undefined && quietFrom === quietTo) {
    report(["updates", "quietHours"], "they begin and end at the same time; leave them out, or give another end");
  }

  const dataDir = textAt(data, ["hub", "dataDir"]) ?? "";
  const socketBytes = Buffer.byteLength(
    resolvePath(textAt(data, ["diagnostics", "socket"]) ?? `${dataDir}/hemhub.sock`),
  );
  if (socketBytes > LONGEST_SOCKET_PATH) {
    const message = `the socket's full path has ${socketBytes} bytes and Linux takes ${LONGEST_SOCKET_PATH}; choose a shorter one`;
    report(["diagnostics", "socket"], message);
  }
  return problems;
};
