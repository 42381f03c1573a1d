import { loadCatalogue } from "../../../drivers/catalogue/catalogue.ts";
import type { SensorDriver } from "../../../drivers/driver.ts";
import type { Capture } from "../../../gateway/driver-kit/capture.ts";
import { createCaptureChecker } from "../../../gateway/driver-kit/capture-schema-check.ts";
import { type CaptureOutcome, tryCapture } from "../../../gateway/driver-kit/conformance.ts";
import { parseCapture } from "../../../gateway/driver-kit/parse-capture.ts";
import { createReadingValidator } from "../../../protocol/validate.ts";

const check = createCaptureChecker();
const validate = createReadingValidator();

/** A capture that has to be one. */
export const captureOf = (text: string, file = "toy.yaml"): Capture => {
  const result = parseCapture(text, file, check);
  if (result.tag === "ok") return result.capture;
  throw new Error(result.problems.map(({ line, message }) => `${line}: ${message}`).join("; "));
};

/** What is wrong with a text that is no capture: `line path: message`. */
export const problemsOf = (text: string): readonly string[] => {
  const result = parseCapture(text, "toy.yaml", check);
  return result.tag === "ok" ? [] : result.problems.map((one) => `${one.line} ${one.path}: ${one.message}`);
};

/** Try a capture with one driver, whatever it names. */
export const tryWith = async (driver: SensorDriver<unknown>, text: string, most = 0): Promise<CaptureOutcome> =>
  tryCapture(captureOf(text), { catalogue: await loadCatalogue(), driverOf: () => driver, validate }, most);
