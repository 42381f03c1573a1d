import { type EpochMs, isoUtc } from "../../protocol/time.ts";
import type { CertificateView } from "../credentials/credential-source.ts";
import { type DiagnosticCommand, data, type Line, text } from "./command.ts";
import type { ConsoleView, HubView, LinkView, OutboxView, RadioView, SensorView } from "./hub-view.ts";
import { labelled, spanText } from "./layout.ts";
import { linkText, outboxText } from "./status-command.ts";

/** Free space under which readings are at risk: 30 days at one a minute take 20 MB (design delivery.md), with room. */
const LOW_DISK_MB = 100;

/** A certificate that ends within two weeks: its renewal at a third of life left must have failed. */
const CERTIFICATE_SOON_S = 14 * 86_400;

/** `unknown`: neither well nor broken, for example a sensor that nobody used since the hub started. */
export interface Finding {
  readonly name: string;
  readonly result: "pass" | "fail" | "unknown";
  readonly found: string;
  /** What to do; null for a pass. */
  readonly next: string | null;
}

const pass = (name: string, found: string): Finding => ({ name, result: "pass", found, next: null });
const fail = (name: string, found: string, next: string): Finding => ({ name, result: "fail", found, next });

export const checkStorage = (outbox: OutboxView): Finding => {
  const free = outbox.freeMb === null ? "" : `, ${outbox.freeMb} MB free`;
  if (outbox.trouble !== null) {
    return fail("storage", outbox.trouble, "free space on the disk or replace the card; readings wait in memory");
  }
  if (outbox.freeMb !== null && outbox.freeMb < LOW_DISK_MB) {
    return fail("storage", `only ${outbox.freeMb} MB free`, "free space on the disk that holds the data folder");
  }
  if (outbox.depth.refused > 0) {
    return fail(
      "storage",
      outboxText(outbox),
      "the region refused readings; ask the region's operator about the numbers",
    );
  }
  return pass("storage", `${outboxText(outbox)}${free}`);
};

export const checkClock = (utc: EpochMs | null, state: string, errorMs: number | null): Finding => {
  if (utc === null) {
    return fail("clock", "not set", "connect the hub to the network, so that it gets the time by NTP");
  }
  const found = `${isoUtc(utc).slice(0, 19)}Z, ${state}${errorMs === null ? "" : `, within ${errorMs} ms`}`;
  if (state === "holdover" && errorMs === null) {
    const next = "compare with a watch; neither chrony nor systemd-timesyncd keeps it: see time";
    return { name: "clock", result: "unknown", found, next };
  }
  return pass("clock", found);
};

export const checkLink = (link: LinkView): Finding =>
  link.state === "up" && link.trouble === null
    ? pass("link", linkText(link))
    : fail("link", linkText(link), "check the network cable or Wi-Fi, then region.url; nothing is lost meanwhile");

export const checkCertificate = (certificate: CertificateView, utc: EpochMs | null): Finding => {
  const { notAfter, trouble, renewal } = certificate;
  const more = renewal === undefined ? "" : `; ${renewal}`;
  if (trouble !== null) return fail("certificate", `${trouble}${more}`, "put a valid certificate and its key in place");
  if (notAfter === null) return fail("certificate", "not known", "put the hub's certificate in place");
  const leftS = utc === null ? null : (notAfter - utc) / 1000;
  const found = `ends ${isoUtc(notAfter).slice(0, 10)}${leftS === null ? "" : `, in ${spanText(leftS)}`}${more}`;
  return leftS !== null && leftS < CERTIFICATE_SOON_S
    ? fail("certificate", found, "have it renewed by the region's operator before it ends")
    : pass("certificate", found);
};

export const checkRadio = (radio: RadioView): Finding =>
  radio.state === "ready"
    ? pass("radio", `${radio.adapter} ready`)
    : fail("radio", radio.trouble ?? `${radio.adapter} ${radio.state}`, "check that the adapter is plugged in");

const SENSOR_NEXT: Readonly<Record<SensorView["state"], string>> = {
  "set-aside": "correct the sensor in the configuration and restart the hub",
  absent: "plug the sensor in, or check the cable and the port in the configuration",
  waiting: "take a measurement with it, then run check again",
  connected: "take a measurement with it, then run check again",
  "not-paired": "pair it: sensor pair and its id",
  "bond-lost": "pair it anew: sensor pair and its id",
  quarantined: "exchange the sensor for the enrolled one, or accept it: sensor accept and its id",
  pairing: "finish the pairing: sensor bond and its id shows how far it is",
};

export const checkSensor = (sensor: SensorView): Finding => {
  const name = `sensor ${sensor.id}`;
  if (sensor.trouble !== null) return fail(name, sensor.trouble, SENSOR_NEXT[sensor.state]);
  if (sensor.seenS === null) {
    return { name, result: "unknown", found: "not heard since the hub started", next: SENSOR_NEXT.waiting };
  }
  const stored = sensor.storedS === null ? "no reading yet" : `last reading ${spanText(sensor.storedS)} ago`;
  return pass(name, `${sensor.state}, heard ${spanText(sensor.seenS)} ago, ${stored}`);
};

export const checkConsole = (console: ConsoleView): Finding =>
  console.trouble === null
    ? pass("console", `${console.path} open`)
    : fail("console", console.trouble, "check diagnostics.serial.path in the configuration");

/** Every named test, in the order in which a technician would follow the reading. */
export const findingsOf = async (hub: HubView): Promise<readonly Finding[]> => {
  const stamp = hub.stamp();
  const [radio, console] = [hub.radio(), hub.console()];
  return [
    checkStorage(await hub.outbox()),
    checkClock(stamp.utc, stamp.hubClock.state, stamp.hubClock.errorMs),
    checkLink(hub.link()),
    checkCertificate(await hub.certificate(), stamp.utc),
    ...(radio === null ? [] : [checkRadio(radio)]),
    ...hub.sensors().map(checkSensor),
    ...(console === null ? [] : [checkConsole(console)]),
  ];
};

const MARK: Readonly<Record<Finding["result"], string>> = { pass: "ok", fail: "FAIL", unknown: "?" };
const MARK_WIDTH = 6;
const FOUND_COLUMN = 26;

const count = (findings: readonly Finding[], result: Finding["result"]): number =>
  findings.filter((one) => one.result === result).length;

export const summaryOf = (findings: readonly Finding[]): string => {
  const [failed, unknown] = [count(findings, "fail"), count(findings, "unknown")];
  const open = unknown === 0 ? "" : `, ${unknown} not known`;
  return failed === 0
    ? `PASS: ${count(findings, "pass")} of ${findings.length} tests passed${open}`
    : `FAIL: ${failed} of ${findings.length} tests failed${open}`;
};

/** `check`: named tests, a next step for each that did not pass, one summary; exit 1 when one failed. */
export const checkCommand = (hub: HubView): DiagnosticCommand => ({
  name: "check",
  summary: "test every part; each failure says the next step",
  role: "view",
  async *run(): AsyncIterable<Line> {
    const findings = await findingsOf(hub);
    for (const { name, result, found, next } of findings) {
      for (const line of labelled(MARK[result].padEnd(MARK_WIDTH) + name, found, FOUND_COLUMN)) yield text(line);
      if (next !== null) for (const line of labelled("", `Next: ${next}.`, FOUND_COLUMN)) yield text(line);
    }
    yield text(summaryOf(findings));
    const failed = count(findings, "fail");
    yield data({
      result: failed === 0 ? "pass" : "fail",
      passed: count(findings, "pass"),
      failed,
      unknown: count(findings, "unknown"),
      tests: findings.map((one) => ({ ...one })),
    });
    yield { tag: "exit", code: failed === 0 ? 0 : 1 };
  },
});
