import type { Catalogue } from "../../drivers/catalogue/catalogue.ts";
import type { ReadingValidator } from "../../protocol/validate.ts";
import type { Capture } from "./capture.ts";
import { compareReplay } from "./compare.ts";
import type { Difference } from "./difference.ts";
import { type DriverOf, type KitSensor, kitSensorOf } from "./kit-sensor.ts";
import { type Replay, replay } from "./replay.ts";
import { checkRobustness, type RobustnessCheck } from "./robustness.ts";

/** What the kit found about one capture. */
export interface CaptureOutcome {
  readonly capture: Capture;
  /** Null where the capture names a model or driver that this hub does not have; `differences` says so. */
  readonly tried: { readonly sensor: KitSensor; readonly replayed: Replay } | null;
  readonly differences: readonly Difference[];
  /** Empty where the capture did not pass: its disturbances say nothing then. */
  readonly robustness: readonly RobustnessCheck[];
}

export interface ConformanceParts {
  readonly catalogue: Catalogue;
  readonly driverOf: DriverOf;
  readonly validate: ReadingValidator;
}

/** Replay one capture against what it expects, and disturb it. `most` bounds the disturbances of each kind; 0: none. */
export const tryCapture = async (
  capture: Capture,
  { catalogue, driverOf, validate }: ConformanceParts,
  most: number,
): Promise<CaptureOutcome> => {
  const sensor = kitSensorOf(capture, catalogue, driverOf);
  if (!("driver" in sensor)) return { capture, tried: null, differences: [sensor], robustness: [] };
  const replayed = await replay(capture, sensor, { validate });
  const differences = compareReplay(capture, replayed);
  const isTried = differences.length === 0 && most > 0;
  const robustness = isTried ? await checkRobustness(capture, sensor, replayed, validate, most) : [];
  return { capture, tried: { sensor, replayed }, differences, robustness };
};

export const isRobust = ({ robustness }: CaptureOutcome): boolean => robustness.every(({ failed }) => failed === 0);

export const hasPassed = (outcome: CaptureOutcome): boolean => outcome.differences.length === 0 && isRobust(outcome);

/** Captures of one model (or of one driver without a model), and how much of what it measures they show. */
export interface ModelOutcome {
  /** Catalogue id, or the driver's where captures name no model. */
  readonly name: string;
  /** `driver@version`. */
  readonly driver: string;
  readonly title: string;
  /** As the sensor itself said. */
  readonly firmware: readonly string[];
  readonly captures: readonly CaptureOutcome[];
  /** Each quantity of the catalogue entry, and how many readings of the captures have a number for it. */
  readonly coverage: readonly { readonly quantity: string; readonly readings: number }[];
}
