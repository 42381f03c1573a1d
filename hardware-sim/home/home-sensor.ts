import type { Clock } from "../../protocol/ports/clock.ts";
import type { Chance } from "../radio/seeded.ts";
import type { LineFaults } from "../serial/disturb.ts";
import type { SerialLine } from "../serial/serial-line.ts";
import type { Patient } from "./patient.ts";
import type { SensorName, StreamTruth, Truth } from "./truth.ts";

/** Where the hub finds it, as its configuration says. */
export type SensorPlace =
  | { readonly ble: { readonly address: string } }
  | { readonly serial: { readonly path: string } };

/** One sensor of the home, whatever it speaks. */
export interface HomeSensor extends AsyncDisposable {
  readonly name: SensorName;
  /** For people: "weighing scale". */
  readonly title: string;
  /** Entry of the hub's certified catalogue. */
  readonly model: string;
  readonly place: SensorPlace;
  /** The patient uses it once. For a sensor that is worn: puts it on, or takes it off. */
  use(patient: Patient): void;
  readonly worn: boolean;
  /** Ends what lasts: a worn sensor is taken off. */
  leave(): void;
  /** Nothing more will come from it by itself, and it holds nothing for the hub. */
  readonly idle: boolean;
  truths(): readonly Truth[];
  stream(): StreamTruth | null;
  /** The last measurement, for people. */
  readonly shown: string;
  /** Its cable; null for Bluetooth. */
  readonly line: SerialLine | null;
  /** How it gets its bond with a hub; null for one that needs none. */
  readonly pairing: { holdButton(): void } | null;
}

/** What a sensor of the home does wrong, each as a chance per occasion. */
export interface SensorTrouble {
  readonly line?: LineFaults;
  /** Milliseconds that its clock is ahead (negative: behind). */
  readonly clockErrorMs?: number;
  /** Bluetooth: the link is lost after an indication left, before it is confirmed. */
  readonly dropMidIndication?: number;
  /** Bluetooth: a confirmed indication comes a second time. */
  readonly duplicateIndication?: number;
}

export interface SensorSurroundings {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly zone: string;
  /** Folder for the links to serial devices. */
  readonly folder: string;
  readonly trouble: (sensor: SensorName) => SensorTrouble;
  /** Called when a sensor has measured something: its number, and what it shows. */
  readonly taken: (sensor: SensorName, number: number, shown: string) => void;
}
