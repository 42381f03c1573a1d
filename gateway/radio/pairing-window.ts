import type { PairingPerson } from "../../drivers/ble/security/pairing-person.ts";
import { type HubError, messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, minutes } from "../../protocol/time.ts";
import type { PairingMethod, PairingStage } from "../diagnostics/pairing-desk.ts";

/** Long enough to fetch the sensor and find its button, short enough that nobody comes by meanwhile. */
export const WINDOW: Millis = minutes(2);
/** Failed attempts with one advertiser: each wrong passkey tells a listener one bit more of it. */
const MOST_ATTEMPTS = 3;
/** Private addresses that are tried in one window; with three attempts each that is all that 120 s hold. */
const MOST_STRANGERS = 16;

export interface PairingWindow {
  readonly stage: PairingStage;
  readonly failed: string | null;
  readonly left: Millis;
  /** Whoever pairs now; null when no attempt may begin. */
  person(): PairingPerson | null;
  /** False for an advertiser that was tried often enough in this window. */
  mayBe(address: string): boolean;
  cancel(): void;
  passkey(passkey: number): void;
  /** False where nobody asks. */
  confirm(same: boolean): boolean;
}

export interface PairingWindowOptions {
  readonly clock: Clock;
  readonly method: PairingMethod;
  /** Identity address. */
  readonly address: string;
  /** Called whenever stage or failure have changed. */
  changed(): void;
}

const digits = (number: number): string => String(number).padStart(6, "0");

const isOver = ({ tag }: PairingStage): boolean => tag === "closed" || tag === "paired";

/** Something that the Security Manager asks and the technician answers, in another command. */
const createQuestion = <T>(otherwise: T) => {
  let pending: ((value: T) => void) | null = null;
  return {
    /** Resolves with `otherwise` when the attempt is over before anybody has answered. */
    ask: (signal: AbortSignal): Promise<T> =>
      new Promise((resolve) => {
        const stop = (): void => {
          pending = null;
          resolve(otherwise);
        };
        pending = (value) => {
          signal.removeEventListener("abort", stop);
          pending = null;
          resolve(value);
        };
        signal.addEventListener("abort", stop, { once: true });
      }),
    /** False where nobody asks. */
    answer: (value: T): boolean => {
      if (pending === null) return false;
      pending(value);
      return true;
    },
  };
};

/** One pairing window of one sensor: a technician at one side, the Security Manager at the other. */
export const openPairingWindow = (options: PairingWindowOptions): PairingWindow => {
  const { clock, method, address } = options;
  const until = clock.elapsed() + WINDOW;
  const failures = new Map<string, number>();
  let stage: PairingStage = { tag: "waiting" };
  let failed: string | null = null;
  let typed: number | null = null;
  const passkeyQuestion = createQuestion<number | null>(null);
  const sameQuestion = createQuestion(false);

  const become = (next: PairingStage): void => {
    stage = next;
    options.changed();
  };
  const close = (sentence: string): void => become({ tag: "closed", sentence });

  /** An attempt that has begun may outlast the window: it has its own deadline of 30 s without progress. */
  const now = (): PairingStage => {
    if (stage.tag === "waiting" && clock.elapsed() >= until) {
      const reason = failed === null ? "the sensor was not heard in its pairing mode" : failed;
      stage = { tag: "closed", sentence: `the window of ${WINDOW / 1000} s is over: ${reason}` };
    }
    return stage;
  };

  const ended = (at: string, error: HubError | null): void => {
    if (isOver(stage)) return;
    if (error === null) {
      become({ tag: "paired" });
      return;
    }
    failed = messageOf(error);
    failures.set(at, (failures.get(at) ?? 0) + 1);
    // A private address may be that of somebody else's sensor: then the window goes on without it.
    if (failures.get(address) === MOST_ATTEMPTS) close(`${MOST_ATTEMPTS} attempts failed: ${failed}`);
    else become({ tag: "waiting" });
  };

  const person: PairingPerson = {
    // The technician's console can show and take digits.
    io: "keyboard-display",
    mitm: method !== "just-works",
    identity: address,
    began: () => become({ tag: "pairing" }),
    showPasskey: (passkey) => become({ tag: "passkey-shown", passkey: digits(passkey) }),
    askPasskey: (signal) => {
      const ready = typed;
      typed = null;
      if (ready !== null) return Promise.resolve(ready);
      const answer = passkeyQuestion.ask(signal);
      become({ tag: "passkey-asked" });
      return answer;
    },
    compare: (number, signal) => {
      const answer = sameQuestion.ask(signal);
      become({ tag: "comparing", number: digits(number) });
      return answer;
    },
    ended,
  };

  return {
    get stage() {
      return now();
    },
    get failed() {
      return failed;
    },
    get left() {
      return Math.max(0, until - clock.elapsed()) as Millis;
    },
    person: () => (now().tag === "waiting" ? person : null),
    mayBe: (other) =>
      now().tag === "waiting" && (failures.get(other) ?? 0) < MOST_ATTEMPTS && failures.size < MOST_STRANGERS,
    cancel: () => {
      if (isOver(now())) return;
      close("cancelled by the technician");
      passkeyQuestion.answer(null);
      sameQuestion.answer(false);
    },
    passkey: (passkey) => {
      if (passkeyQuestion.answer(passkey)) become({ tag: "pairing" });
      else typed = passkey;
    },
    confirm: (same) => {
      if (!sameQuestion.answer(same)) return false;
      // Different numbers mean that somebody sits between hub and sensor: not again without a new look.
      if (same) become({ tag: "pairing" });
      else close("the numbers were different: somebody may be in between; try again somewhere else");
      return true;
    },
  };
};
