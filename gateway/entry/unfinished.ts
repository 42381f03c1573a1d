import type { Clock } from "../../protocol/ports/clock.ts";
import type { Logger } from "../../protocol/ports/logger.ts";
import { type Millis, minutes, seconds } from "../../protocol/time.ts";
import { nameOf } from "./definition.ts";
import type { Prepared } from "./entry-desk.ts";
import type { EnteredBy, Replaced } from "./entry-reading.ts";
import type { Form } from "./form.ts";
import { wrongEntry } from "./wrong-entry.ts";

/** Since the last word about it. What lies open longer belongs to somebody who has gone: the next one must not send it. */
export const UNFINISHED_FOR: Millis = minutes(15);

/** Entries shown back and not yet confirmed. */
export const MOST_WAITING = 8;

const LOOK_EVERY = seconds(30);

/** An entry that was shown back and waits for its confirmation. */
export interface WaitingEntry {
  readonly number: number;
  readonly prepared: Prepared;
  readonly shown: readonly string[];
  readonly doubts: readonly string[];
}

/** A questionnaire that is being answered. */
export interface OpenForm {
  readonly form: Form;
  readonly entryId: string;
  readonly by: EnteredBy;
  readonly replaces: Replaced | null;
}

/**
 * What one channel has begun and not finished. In memory only: nothing is stored before it is confirmed or submitted, and
 * a restart forgets it.
 */
export interface Unfinished {
  readonly waiting: readonly WaitingEntry[];
  readonly form: OpenForm | null;
  /** Take a place. Throws HubError `invalid-argument` where all are taken. */
  wait(entry: Omit<WaitingEntry, "number">): WaitingEntry;
  /**
   * Take out the entry of that number; null: the only one. Throws HubError `invalid-argument`; where it was discarded
   * meanwhile, with that notice.
   */
  remove(number: number | null): WaitingEntry;
  /** Put back what could not be stored. */
  putBack(entry: WaitingEntry): void;
  setForm(form: OpenForm | null): void;
  /** Sentences about what was discarded since the last call. */
  notices(): readonly string[];
  /** Discard what is too old, also when nobody asks, until `signal` aborts; what is open then is discarded, too. */
  run(signal: AbortSignal): Promise<void>;
}

export const createUnfinished = (clock: Clock, logger: Logger): Unfinished => {
  let waiting: readonly (WaitingEntry & { readonly since: Millis })[] = [];
  let form: OpenForm | null = null;
  let formTouched: Millis = clock.elapsed();
  let said: readonly string[] = [];
  let lastNumber = 0;

  const discarded = (title: string, next: string): void => {
    const sentence = `the unfinished ${title} was discarded after ${UNFINISHED_FOR / 60_000} min, nothing of it was stored; ${next}`;
    said = [...said, sentence].slice(-MOST_WAITING);
    logger.info("unfinished manual entry discarded");
  };

  const sweep = (): void => {
    const now = clock.elapsed();
    for (const { prepared } of waiting.filter(({ since }) => now - since >= UNFINISHED_FOR)) {
      discarded(`entry (${prepared.title})`, "enter it again");
    }
    waiting = waiting.filter(({ since }) => now - since < UNFINISHED_FOR);
    if (form !== null && now - formTouched >= UNFINISHED_FOR) {
      discarded(`form ${nameOf(form.form.questionnaire)}`, "start it again");
      form = null;
    }
  };

  const takeNotices = (): readonly string[] => {
    sweep();
    const sentences = said;
    said = [];
    return sentences;
  };

  return {
    get waiting() {
      sweep();
      return waiting;
    },
    get form() {
      sweep();
      return form;
    },
    wait: (entry) => {
      sweep();
      if (waiting.length >= MOST_WAITING) {
        throw wrongEntry(`${waiting.length} entries wait already`, "entry confirm or entry drop them first");
      }
      lastNumber += 1;
      const placed = { ...entry, number: lastNumber, since: clock.elapsed() };
      waiting = [...waiting, placed];
      return placed;
    },
    remove: (number) => {
      sweep();
      const found = number === null ? waiting : waiting.filter((one) => one.number === number);
      const [entry] = found;
      if (entry === undefined) {
        const what = takeNotices().at(-1) ?? (number === null ? "no entry waits" : `no entry ${number} waits`);
        throw wrongEntry(what, "entry show has what waits; entry add begins one");
      }
      if (found.length > 1) {
        throw wrongEntry(`${found.length} entries wait`, `say which: ${found.map((one) => one.number).join(", ")}`);
      }
      waiting = waiting.filter((one) => one !== entry);
      return entry;
    },
    putBack: (entry) => {
      waiting = [...waiting, { ...entry, since: clock.elapsed() }];
    },
    setForm: (next) => {
      form = next;
      formTouched = clock.elapsed();
    },
    notices: takeNotices,
    run: async (signal) => {
      while (!signal.aborted) {
        sweep();
        await clock.sleep(LOOK_EVERY, signal).catch(() => undefined);
      }
      waiting = [];
      form = null;
    },
  };
};
