import type { ValidateFunction } from "ajv";
import { LineCounter, parseDocument } from "yaml";
import { codeOf, unitCodeOf } from "../../protocol/codes.ts";
import { isHubError, messageOf } from "../../protocol/errors.ts";
import type { ConfigProblem } from "../config/hub-config.ts";
import { schemaProblems } from "../config/schema-problems.ts";
import { type ConfigPath, createSourceMap, pathText } from "../config/source-map.ts";
import { digestOf, type Item, type Option, type Questionnaire, type Schedule, type Texts } from "./definition.ts";

export type ParsedDefinition =
  | { readonly tag: "ok"; readonly questionnaire: Questionnaire }
  | { readonly tag: "invalid"; readonly problems: readonly ConfigProblem[] };

/** The file as the schema guarantees it. */
interface Written {
  readonly id: string;
  readonly version: string;
  readonly title: Texts;
  readonly languages: readonly string[];
  readonly schedule?: Schedule;
  readonly items: readonly WrittenItem[];
}

interface WrittenItem {
  readonly linkId: string;
  readonly type: Item["type"];
  readonly text: Texts;
  readonly required?: boolean;
  readonly enableWhen?: { linkId: string; equals?: unknown; oneOf?: readonly string[]; atLeast?: number };
  readonly options?: readonly Option[];
  readonly min?: number;
  readonly max?: number;
  readonly unit?: string;
  readonly quantity?: string;
}

type Report = (path: ConfigPath, message: string) => void;

/** Options are also answered by their number, so a code must not look like one. */
const LIKE_A_NUMBER = /^\d{1,2}$/;

const checkTexts = (texts: Texts, languages: readonly string[], path: ConfigPath, report: Report): void => {
  const missing = languages.filter((language) => texts[language] === undefined);
  if (missing.length > 0) report(path, `expected a text in ${missing.join(" and ")} too, as languages says`);
  const foreign = Object.keys(texts).filter((language) => !languages.includes(language));
  if (foreign.length > 0)
    report(path, `${foreign.join(" and ")} is not among the languages; add it there or remove it`);
};

const checkOptions = (item: WrittenItem, languages: readonly string[], path: ConfigPath, report: Report): void => {
  const codes = new Set<string>();
  for (const [i, { code, text }] of (item.options ?? []).entries()) {
    const place = [...path, "options", i, "code"];
    if (codes.has(code)) report(place, `${code} is an option already; each code may stand once`);
    if (LIKE_A_NUMBER.test(code))
      report(place, "a code of one or two digits looks like the option's number; use a word");
    codes.add(code);
    checkTexts(text, languages, [...path, "options", i, "text"], report);
  }
};

const checkQuantity = (item: WrittenItem, taken: Set<string>, path: ConfigPath, report: Report): void => {
  const { quantity, unit = "" } = item;
  if (quantity === undefined) return;
  const place = [...path, "quantity"];
  try {
    const { ucum } = codeOf(quantity);
    const units = ucum?.split(" | ") ?? [];
    // The table names one unit of each quantity; the same quantity is measured in others, too (pounds, Fahrenheit).
    if (!units.includes(unit)) report([...path, "unit"], `expected ${units.join(" or ") || "a quantity with a unit"}`);
    else if (unitCodeOf(unit) === null) report([...path, "unit"], "has no checked unit code; it cannot be published");
  } catch (thrown) {
    if (!isHubError(thrown, "unknown-code")) throw thrown;
    report(place, "not in the checked code table; expected one such as body-weight");
  }
  if (taken.has(quantity)) report(place, "asked for already; each measurement may be asked for once");
  taken.add(quantity);
};

const checkCondition = (item: WrittenItem, before: readonly WrittenItem[], path: ConfigPath, report: Report): void => {
  const when = item.enableWhen;
  if (when === undefined) return;
  const place = [...path, "enableWhen"];
  const asked = before.find(({ linkId }) => linkId === when.linkId);
  if (asked === undefined) {
    report([...place, "linkId"], "expected the linkId of a question that stands before this one");
    return;
  }
  const codes = asked.options?.map(({ code }) => code) ?? [];
  const isCode = (one: unknown): boolean => typeof one === "string" && codes.includes(one);
  if (when.oneOf !== undefined && !when.oneOf.every(isCode)) {
    report([...place, "oneOf"], `expected codes of ${asked.linkId}: ${codes.join(", ") || "it is no choice"}`);
  }
  const isNumeric = asked.type === "integer" || asked.type === "decimal";
  if (when.atLeast !== undefined && !isNumeric) report([...place, "atLeast"], `${asked.linkId} is no number`);
  if (when.equals === undefined) return;
  const fits =
    asked.type === "choice"
      ? isCode(when.equals)
      : typeof when.equals === (asked.type === "boolean" ? "boolean" : "number");
  if (!fits) report([...place, "equals"], `is no answer of ${asked.linkId}`);
};

/** What the schema cannot say. The shape is right when this is called. */
const crossCheck = ({ title, languages, items }: Written, report: Report): void => {
  checkTexts(title, languages, ["title"], report);
  const quantities = new Set<string>();
  for (const [i, item] of items.entries()) {
    const path = ["items", i];
    const before = items.slice(0, i);
    if (before.some(({ linkId }) => linkId === item.linkId)) {
      report([...path, "linkId"], `${item.linkId} is the linkId of a question already; each may stand once`);
    }
    if (item.min !== undefined && item.max !== undefined && item.min >= item.max) {
      report([...path, "max"], "expected more than min");
    }
    checkTexts(item.text, languages, [...path, "text"], report);
    checkOptions(item, languages, path, report);
    checkQuantity(item, quantities, path, report);
    checkCondition(item, before, path, report);
  }
};

const itemOf = ({ required, enableWhen, quantity, ...item }: WrittenItem): Item => {
  const whole = { ...item, required: required ?? true, enableWhen: enableWhen ?? null };
  return (item.type === "decimal" ? { ...whole, quantity: quantity ?? null } : whole) as Item;
};

/** Check the text of a questionnaire's file, which must be named `<id>.yaml`. All problems at once. Pure. */
export const parseDefinition = (text: string, file: string, check: ValidateFunction): ParsedDefinition => {
  const invalid = (problems: readonly ConfigProblem[]): ParsedDefinition => ({ tag: "invalid", problems });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    return invalid(
      document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return { line, column: col, path: "", message: `not valid YAML: ${messageOf(error)}` };
      }),
    );
  }
  let value: unknown;
  try {
    value = document.toJS();
  } catch (thrown) {
    return invalid([{ line: 0, column: 0, path: "", message: `not valid YAML: ${messageOf(thrown)}` }]);
  }
  const source = createSourceMap(document, lines);
  const problems: ConfigProblem[] = [];
  const report: Report = (path, message) => {
    problems.push({ ...source.valueAt(path), path: pathText(path), message });
  };
  if (!check(value)) problems.push(...schemaProblems(check.errors ?? [], source));
  else crossCheck(value as Written, report);
  const written = value as Written;
  if (problems.length === 0 && `${written.id}.yaml` !== file) {
    report(["id"], `expected ${file.replace(/\.yaml$/, "")}, as the file is named`);
  }
  if (problems.length > 0) return invalid(problems.sort((a, b) => a.line - b.line || a.column - b.column));
  const { id, version, title, languages, schedule = null, items } = written;
  const content = { id, version, title, languages, schedule, items: items.map(itemOf) };
  return { tag: "ok", questionnaire: { ...content, digest: digestOf(content) } };
};
