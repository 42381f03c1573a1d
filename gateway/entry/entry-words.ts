import type { EntryKind } from "./entry-kind.ts";
import { fieldNamed, type GivenEntry, requireKind } from "./measured-entry.ts";
import { quoted, wrongEntry } from "./wrong-entry.ts";

/** Words that one entry may have: every field with name, value and unit, and the options. */
const MOST_WORDS = 24;

/** Names that stand before a value with `=` and are no values of the measurement. */
const OPTIONS = ["at", "by", "id", "lang"] as const;

export type OptionName = (typeof OPTIONS)[number];

/** A command line after its command, taken apart. */
export interface EntryWords {
  readonly rest: readonly string[];
  readonly options: ReadonlyMap<OptionName, string>;
  /** The word `confirm` was among them. */
  readonly confirm: boolean;
}

const isOption = (name: string): name is OptionName => (OPTIONS as readonly string[]).includes(name);

/** `=` in `name=value`; the names are small letters. */
const ASSIGNED = /^([a-z][a-z0-9]*)=(.+)$/i;

/** Take out `at=`, `by=`, `id=`, `lang=` and `confirm`. Throws HubError `invalid-argument`. */
export const splitOptions = (words: readonly string[]): EntryWords => {
  if (words.length > MOST_WORDS) throw wrongEntry(`${words.length} words`, `an entry has at most ${MOST_WORDS}`);
  const options = new Map<OptionName, string>();
  const rest: string[] = [];
  let confirm = false;
  for (const word of words) {
    const [, name = "", value = ""] = ASSIGNED.exec(word) ?? [];
    const option = name.toLowerCase();
    if (word.toLowerCase() === "confirm") confirm = true;
    else if (!isOption(option)) rest.push(word);
    else if (options.has(option)) throw wrongEntry(`${option} is given twice`, "give it once");
    else options.set(option, value);
  }
  return { rest, options, confirm };
};

/** A number with what is attached to it: `142`, `81,4kg`, `142mmHg`. */
const NUMBER = /^(\d[\d.,]*)(.*)$/;
const PRESSURES = /^(\d+(?:[.,]\d+)?)\/(\d+(?:[.,]\d+)?)$/;

/**
 * The values of an entry: `sys=142`, `pulse 80`, `81,4`, `142/88`, each with its unit attached or as the next word. A
 * value without a name is the next one of the kind. Throws HubError `invalid-argument` for a word that fits nowhere.
 */
export const givenEntry = ([word, ...words]: readonly string[]): GivenEntry => {
  if (word === undefined) throw wrongEntry("nothing to enter", "for example: entry add weight 81,4");
  const kind: EntryKind = requireKind(word);
  const values = new Map<string, { text: string; unit: string | null }>();
  const choices = new Map<string, string>();
  let pending: string | null = null;
  let last: string | null = null;

  const set = (name: string, text: string, unit: string | null): void => {
    if (values.has(name)) throw wrongEntry(`${name} is given twice`, "give it once");
    values.set(name, { text, unit });
    last = name;
    pending = null;
  };

  const setNext = (text: string, unit: string | null): void => {
    const free = kind.fields.map(({ names }) => names[0] ?? "").find((name) => !values.has(name));
    const name = pending ?? free;
    if (name === undefined) throw wrongEntry(`${quoted(text)} is one value too many`, `for example: ${kind.example}`);
    set(name, text, unit);
  };

  const setNumber = (name: string | null, text: string): boolean => {
    const [, number, attached = ""] = NUMBER.exec(text) ?? [];
    if (number === undefined) return false;
    const unit = attached === "" ? null : attached;
    if (name === null) setNext(number, unit);
    else set(name, number, unit);
    return true;
  };

  const take = (text: string): void => {
    const [, assigned, value = ""] = ASSIGNED.exec(text) ?? [];
    if (assigned !== undefined) {
      const field = fieldNamed(kind, assigned);
      if (field === null) {
        const choice = assigned.toLowerCase();
        if (choices.has(choice)) throw wrongEntry(`${quoted(choice)} is given twice`, "give it once");
        choices.set(choice, value);
        return;
      }
      if (setNumber(field.names[0] ?? "", value)) return;
      throw wrongEntry(`${assigned}: ${quoted(value)} is no number`, `for example: ${kind.example}`);
    }
    const [, upper, lower] = PRESSURES.exec(text) ?? [];
    if (kind.kind === "blood-pressure" && upper !== undefined && lower !== undefined) {
      set("sys", upper, null);
      set("dia", lower, null);
      return;
    }
    if (setNumber(null, text)) return;
    const field = fieldNamed(kind, text);
    if (field !== null && pending === null) {
      pending = field.names[0] ?? "";
      return;
    }
    const before = last === null ? undefined : values.get(last);
    if (last === null || before === undefined || before.unit !== null || pending !== null) {
      throw wrongEntry(`${quoted(text)} is not understood`, `for example: ${kind.example}`);
    }
    values.set(last, { ...before, unit: text });
  };

  for (const text of words) take(text);
  if (pending !== null) throw wrongEntry(`${String(pending)} has no value`, `for example: ${kind.example}`);
  return { kind: kind.word, values, choices };
};
