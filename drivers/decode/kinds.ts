import { bodyViews } from "./view/body.ts";
import { deviceViews } from "./view/device.ts";
import { glucoseViews } from "./view/glucose.ts";
import { meterViews } from "./view/meter.ts";
import { oximeterViews } from "./view/oximeter.ts";
import { scaleAndCuffViews } from "./view/scale-and-cuff.ts";
import { spirometerViews } from "./view/spirometer.ts";
import type { DecodedView } from "./view/view.ts";
import { vitalSignViews } from "./view/vital-signs.ts";

export type { DecodedView, JsonValue } from "./view/view.ts";

const views: ReadonlyMap<string, (bytes: Uint8Array) => DecodedView> = new Map(
  Object.entries({
    ...deviceViews,
    ...vitalSignViews,
    ...bodyViews,
    ...glucoseViews,
    ...oximeterViews,
    ...meterViews,
    ...scaleAndCuffViews,
    ...spirometerViews,
  }),
);

/** Every kind of bytes that the drivers understand: `ble.` and the characteristic, `serial.` and the format. */
export const decodeKinds: readonly string[] = [...views.keys()].sort();

/**
 * What the drivers make of bytes of one kind, as plain JSON; null for a kind that is not in `decodeKinds`. Never throws.
 * `{outcome: "error", reason, detail}` for bytes that are no record; `{outcome: "quirk", strict, quirk}` for a payload
 * that the specification misreads and a known deviation explains; `{outcome: "trap", mustNotPublish, why}` for numbers
 * that decode and must not be believed.
 */
export const decodeView = (kind: string, bytes: Uint8Array): DecodedView | null => views.get(kind)?.(bytes) ?? null;
