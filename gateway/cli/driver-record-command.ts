import { access, writeFile } from "node:fs/promises";
import { driverOf } from "../../drivers/registry.ts";
import { HubError, isHubError } from "../../protocol/errors.ts";
import type { Clock, HubTime } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { isoUtc, seconds } from "../../protocol/time.ts";
import { createReadingValidator } from "../../protocol/validate.ts";
import { createHubTime } from "../clock/hub-time.ts";
import { machineBootId, machineSigns, machineZero } from "../clock/machine-signs.ts";
import { createSystemClock } from "../clock/system-clock.ts";
import { loadCertifiedCatalogue } from "../config/certified-catalogue.ts";
import { fileTrouble } from "../config/file-trouble.ts";
import { createCaptureChecker } from "../driver-kit/capture-schema-check.ts";
import { readingText } from "../driver-kit/compare.ts";
import { tryCapture } from "../driver-kit/conformance.ts";
import { differenceLine } from "../driver-kit/difference.ts";
import { parseCapture } from "../driver-kit/parse-capture.ts";
import { createRecordingTime, type SessionRecord } from "../driver-kit/record-session.ts";
import { count } from "../driver-kit/report.ts";
import { captureText, type RecordedSession, redacted } from "../driver-kit/write-capture.ts";
import { HUB_VERSION } from "../version.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { Output } from "./output.ts";
import { recordSession, titleOf } from "./record-run.ts";
import { type RecordTarget, type RecordTargetOptions, targetOf } from "./record-target.ts";

export interface DriverRecordOptions extends RecordTargetOptions {
  readonly out: string;
  readonly seconds?: string;
  readonly redact?: boolean;
}

/** A day; a recording holds 20 000 events whatever its length. */
const MOST_SECONDS = 86_400;

const QUIET: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => QUIET,
};

const hubTime = async (clock: Clock): Promise<HubTime> => {
  const time = createHubTime({
    clock,
    bootId: await machineBootId(),
    zeroAt: machineZero(clock),
    signs: machineSigns(clock),
  });
  await time.look();
  return createRecordingTime(clock, time);
};

const sessionOf = (target: RecordTarget, record: SessionRecord, wall: string): RecordedSession => {
  const { entry, driver, zone } = target;
  const { startedAt, characteristics, events, readings, unreadable } = record;
  return {
    about: `${count(readings.length, "reading")} recorded from ${entry.manufacturer} ${entry.model}`,
    source: `hemhub driver record (Hemhub ${HUB_VERSION}), ${titleOf(entry, driver)}`,
    model: entry.id,
    zone,
    clock: startedAt.utc === null ? wall : isoUtc(startedAt.utc),
    state: startedAt.hubClock.state,
    characteristics,
    events,
    readings,
    unreadable,
  };
};

/** Whether the file gives the same readings when it is replayed. */
const reproduces = async (text: string, target: RecordTarget, file: string, output: Output): Promise<boolean> => {
  const parsed = parseCapture(text, file, createCaptureChecker());
  if (parsed.tag === "invalid") {
    for (const { line, message } of parsed.problems) output.complain(`${file}:${line}: ${message}`);
    return false;
  }
  const { catalogue } = await loadCertifiedCatalogue();
  const own = { ...catalogue, entry: (id: string) => (id === target.entry.id ? target.entry : catalogue.entry(id)) };
  const { differences } = await tryCapture(
    parsed.capture,
    { catalogue: own, driverOf, validate: createReadingValidator() },
    0,
  );
  for (const one of differences) output.complain(differenceLine(parsed.capture, one));
  return differences.length === 0;
};

const SECRET =
  "it holds measurements of whoever was measured; only you can read it (mode 0600), and it is not for a public place";

const identityNote = (target: RecordTarget, redact: boolean): string => {
  if (!redact) return "it holds the sensor's serial number where the sensor told it; --redact blanks that";
  return target.driver.transport === "ble"
    ? "serial number and system id are blanked"
    : "bytes of a serial line are as they came: look for the sensor's serial number in them before you share it";
};

const isAbsent = (file: string): Promise<boolean> =>
  access(file).then(
    () => false,
    () => true,
  );

const write = async (
  target: RecordTarget,
  record: SessionRecord,
  options: DriverRecordOptions,
  wall: string,
  output: Output,
) => {
  const { out, redact = false } = options;
  const session = sessionOf(target, record, wall);
  const text = captureText(redact ? redacted(session) : session);
  try {
    await writeFile(out, text, { mode: 0o600, flag: "wx" });
  } catch (thrown) {
    output.complain(
      `driver record: ${out} cannot be written (${fileTrouble(thrown)}); the recording is lost, record again`,
    );
    return EXIT.checkFailed;
  }
  await output.write(
    `${out}: ${count(record.events.length, "event")}, ${count(record.readings.length, "reading")}\n${SECRET}\n${identityNote(target, redact)}\n`,
  );
  if (record.dropped > 0)
    output.complain(`driver record: ${record.dropped} events found no room; record a shorter session`);
  const isSame = await reproduces(text, target, out, output);
  await output.write(
    isSame
      ? `replayed: the same readings. The expected readings are this hub's own decoding: check them against the display\n`
      : `replayed: other readings than were recorded, see above; correct the driver or the capture\n`,
  );
  return isSame && record.dropped === 0 ? EXIT.ok : EXIT.checkFailed;
};

/**
 * `hemhub driver record`: read one session of a sensor with its real driver, and write what went over the line and what
 * the driver made of it as a capture. `stop` ends the session, and what came until then is written.
 */
export const driverRecordCommand = async (
  options: DriverRecordOptions,
  output: Output,
  stop: AbortSignal,
): Promise<ExitCode> => {
  const { out } = options;
  const length = options.seconds === undefined ? null : Number(options.seconds);
  if (length !== null && !(Number.isFinite(length) && length > 0 && length <= MOST_SECONDS)) {
    output.complain(`driver record: --seconds ${options.seconds} is no number from 1 to ${MOST_SECONDS}`);
    return EXIT.usage;
  }
  if (!(await isAbsent(out))) {
    output.complain(`driver record: ${out} exists already and is kept; name another file`);
    return EXIT.usage;
  }
  const target = await targetOf(options);
  if ("sentences" in target) {
    for (const sentence of target.sentences) output.complain(sentence);
    return target.exit;
  }
  const clock = createSystemClock();
  const time = await hubTime(clock);
  const wall = isoUtc(clock.now());
  const timeUp = new AbortController();
  const done = new AbortController();
  if (length !== null) {
    void clock.sleep(seconds(length), done.signal).then(
      () => timeUp.abort(new HubError("aborted", "driver record: the time is up")),
      () => undefined,
    );
  }
  const around = {
    clock,
    time,
    logger: QUIET,
    tell: (sentence: string) => void output.write(`${sentence}\n`),
    heard: (reading: Parameters<typeof readingText>[0]) => void output.write(`read ${readingText(reading)}\n`),
  };
  try {
    const record = await recordSession(target, around, AbortSignal.any([stop, timeUp.signal]));
    if (record === null) {
      output.complain("driver record: the sensor did not come, nothing is written; measure while the command runs");
      return EXIT.checkFailed;
    }
    if (record.failure !== null) output.complain(`driver record: the session failed: ${String(record.failure)}`);
    return await write(target, record, options, wall, output);
  } catch (thrown) {
    if (!isHubError(thrown)) throw thrown;
    output.complain(thrown.message);
    return EXIT.checkFailed;
  } finally {
    done.abort();
  }
};
