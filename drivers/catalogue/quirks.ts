/** A deviation of a model from its profile, known by name to the drivers that allow for it. */
export interface Quirk {
  readonly name: string;
  /** What the model does otherwise, as one sentence. */
  readonly means: string;
  /** Drivers that know it; for the others the name is a mistake. */
  readonly drivers: readonly string[];
  readonly source: string;
}

/** Every quirk there is. A new one is declared here, named in the entries that need it, and known to a driver. */
export const QUIRKS: readonly Quirk[] = [
  {
    name: "beurer-bm85",
    means: "Pulse and status come big-endian, and the user byte always, flagged or not.",
    drivers: ["gatt-blood-pressure"],
    source:
      "Payloads recorded from a BM85: derdilla/blood-pressure-monitor-fl@17aba3d0, ble_measurement_data_test.dart",
  },
  {
    name: "caresens-ketone",
    means: "Meal 6 of a glucose context, which is reserved, says that the value is ketone and not glucose.",
    drivers: ["gatt-glucose"],
    source: "i-SENS example for Android (package com.isens.standard.ble), flag_ketone",
  },
];

/** Undefined for a name that is none. */
export const quirkOf = (name: string): Quirk | undefined => QUIRKS.find((one) => one.name === name);

/** Quirks that a driver would have to know and does not: it would read the model wrongly. */
export const unknownQuirks = (driver: string, quirks: readonly string[]): readonly string[] =>
  quirks.filter((name) => quirkOf(name)?.drivers.includes(driver) !== true);
