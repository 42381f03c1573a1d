import { type EnableWhen, type Item, type Option, textIn } from "./definition.ts";
import { numberText, type TypedNumber, typedNumber } from "./typed-number.ts";
import { quoted, wrongEntry } from "./wrong-entry.ts";

/** An answer to one question, understood. `declined`: put, and left open. */
export type Answer =
  | { readonly tag: "code"; readonly code: string }
  | { readonly tag: "integer"; readonly value: number }
  | { readonly tag: "boolean"; readonly value: boolean }
  | { readonly tag: "decimal"; readonly number: TypedNumber }
  | { readonly tag: "declined" };

export const SKIP = "skip";

const YES: ReadonlySet<string> = new Set(["yes", "y", "ja", "j", "true"]);
const NO: ReadonlySet<string> = new Set(["no", "n", "nej", "false"]);
const SKIPS: ReadonlySet<string> = new Set([SKIP, "-", "hoppa"]);

const WHOLE = /^-?\d{1,6}$/;

/** An option by its code, or by its number in the list. */
const optionOf = (options: readonly Option[], text: string): Option | undefined =>
  options.find(({ code }) => code.toLowerCase() === text.toLowerCase()) ??
  (/^\d{1,2}$/.test(text) ? options[Number(text) - 1] : undefined);

/** Understand what was typed for `item`. Throws HubError `invalid-argument` that says what it takes. */
export const readAnswer = (item: Item, text: string): Answer => {
  const wrong = (next: string): Error => wrongEntry(`${item.linkId}: ${quoted(text)} is no answer of it`, next);
  const lower = text.trim().toLowerCase();
  if (SKIPS.has(lower)) {
    if (item.required) throw wrongEntry(`${item.linkId}: needs an answer`, "it cannot be skipped");
    return { tag: "declined" };
  }
  switch (item.type) {
    case "choice": {
      const option = optionOf(item.options, lower);
      if (option !== undefined) return { tag: "code", code: option.code };
      throw wrong(`answer ${item.options.map(({ code }, i) => `${i + 1} (${code})`).join(", ")}`);
    }
    case "boolean":
      if (YES.has(lower)) return { tag: "boolean", value: true };
      if (NO.has(lower)) return { tag: "boolean", value: false };
      throw wrong("answer yes or no");
    case "integer": {
      const value = WHOLE.test(lower) ? Number(lower) : Number.NaN;
      if (value >= item.min && value <= item.max) return { tag: "integer", value };
      throw wrong(`answer a whole number from ${item.min} to ${item.max}`);
    }
    case "decimal": {
      const number = typedNumber(lower);
      if (number !== null && number.value >= item.min && number.value <= item.max) return { tag: "decimal", number };
      throw wrong(`answer a number from ${item.min} to ${item.max}, in ${item.unit}`);
    }
  }
};

/** Whether the condition holds under the answers given. */
export const holds = (when: EnableWhen, answers: ReadonlyMap<string, Answer>): boolean => {
  const answer = answers.get(when.linkId);
  if (answer === undefined || answer.tag === "declined") return false;
  const value = answer.tag === "code" ? answer.code : answer.tag === "decimal" ? answer.number.value : answer.value;
  if ("equals" in when) return value === when.equals;
  if ("oneOf" in when) return typeof value === "string" && when.oneOf.includes(value);
  return typeof value === "number" && value >= when.atLeast;
};

/** As it stands in provenance: the code, or the number as it was typed. */
export const answerWord = (answer: Answer): string => {
  switch (answer.tag) {
    case "code":
      return answer.code;
    case "decimal":
      return numberText(answer.number);
    case "declined":
      return SKIP;
    default:
      return String(answer.value);
  }
};

const WORDS: Readonly<Record<string, readonly [yes: string, no: string, open: string]>> = {
  sv: ["ja", "nej", "(överhoppad)"],
};

/** As it is shown back, in the words of the form. */
export const answerText = (item: Item, answer: Answer, language: string): string => {
  const [yes, no, open] = WORDS[language] ?? ["yes", "no", "(skipped)"];
  switch (answer.tag) {
    case "code": {
      const option = item.type === "choice" ? item.options.find(({ code }) => code === answer.code) : undefined;
      return option === undefined ? answer.code : textIn(option.text, language);
    }
    case "boolean":
      return answer.value ? yes : no;
    case "integer":
      return String(answer.value);
    case "decimal":
      return `${numberText(answer.number)}${item.type === "decimal" && item.unit !== "1" ? ` ${item.unit}` : ""}`;
    case "declined":
      return open;
  }
};
