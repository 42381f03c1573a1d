import type { EpochMs, Millis } from "../../protocol/time.ts";
import { millis, seconds } from "../../protocol/time.ts";
import type { RadioAddress } from "../radio/address.ts";
import type { Air } from "../radio/air.ts";
import type { SmpResponder } from "../radio/smp/smp-port.ts";
import type { Security } from "./attribute-table.ts";
import type { ClockState } from "./device-clock.ts";
import type { DeviceIdentity } from "./device-services.ts";

/** Misbehaviour of a sensor. Probabilities are drawn from the air's seed, per occasion. */
export interface SensorFaults {
  /** Probability that the link ends right after an indication left, before its confirmation counts. */
  readonly dropMidIndication: number;
  /** Links that end do so without a word: the central notices after its supervision timeout. */
  readonly dropsSilently: boolean;
  /** Probability that a confirmed indication is sent a second time. */
  readonly duplicateIndication: number;
  /** Indicates right after the connection, before anybody can have discovered or subscribed. */
  readonly earlyIndication: boolean;
  /** Forgets a measurement as soon as its indication has left, confirmed or not. */
  readonly forgetsUnconfirmed: boolean;
  /** Refuses this many subscriptions with the ATT error 0x80. */
  readonly refuseSubscriptions: number;
  /** Time before each ATT answer. */
  readonly answerDelay: Millis;
  /** Accepts connections and answers nothing. */
  readonly mute: boolean;
  /** Out of range: is not heard, and falls silent where it was connected. */
  readonly absent: boolean;
}

export const NO_SENSOR_FAULTS: SensorFaults = {
  dropMidIndication: 0,
  dropsSilently: false,
  duplicateIndication: 0,
  earlyIndication: false,
  forgetsUnconfirmed: false,
  refuseSubscriptions: 0,
  answerDelay: millis(0),
  mute: false,
  absent: false,
};

/** Something that happened to a sensor. */
export type SensorHappening =
  | { readonly tag: "measured" | "sent" | "confirmed"; readonly id: number }
  | { readonly tag: "advertising" | "connected" | "disconnected" | "asleep" | "clock-set" };

/** What a watching scenario is told, in order, with the true time. */
export type SensorEvent = SensorHappening & { readonly at: EpochMs };

export interface SensorOptions {
  readonly air: Air;
  /** Its identity address. */
  readonly address: RadioAddress;
  /** With an identity resolving key it shows a new resolvable private address each time it advertises. */
  readonly irk?: Uint8Array;
  readonly identity: DeviceIdentity;
  /** Advertised name. Default: the model. */
  readonly name?: string;
  /** IANA zone of the home. Default Europe/Stockholm. */
  readonly zone?: string;
  /** How its clock stands at the start. Default right. */
  readonly clock?: ClockState;
  /** How the hub may set its clock: 1805/2A2B, 2A08 in the measurement service, or not. Default current-time. */
  readonly clockSetting?: "current-time" | "date-time" | "none";
  readonly batteryPercent?: number;
  /** How long it advertises after a measurement or a press of its button. Default 30 s. */
  readonly advertiseFor?: Millis;
  /** Between two advertisements. Default 30 ms, the fast interval of GAP (Core Vol 3 Part C Appendix A). */
  readonly interval?: Millis;
  /** When all is delivered: disconnect after this time, or `stay` until the central does. Default 2 s. */
  readonly afterwards?: Millis | "stay";
  /** How many measurements its memory holds. Default 100. */
  readonly memory?: number;
  readonly mtu?: number;
  readonly faults?: Partial<SensorFaults>;
  /** What its values and subscriptions demand of the link. Default open. */
  readonly security?: Security;
  readonly smp?: SmpResponder;
  observe?(event: SensorEvent): void;
}

export const SENSOR_DEFAULTS = {
  zone: "Europe/Stockholm",
  advertiseFor: seconds(30),
  interval: millis(30),
  afterwards: seconds(2),
  memory: 100,
  batteryPercent: 90,
} as const;
