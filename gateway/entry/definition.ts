import { hash } from "node:crypto";

/** A text in each language of its definition, by language (BCP 47): `sv`, `en`. */
export type Texts = Readonly<Record<string, string>>;

/**
 * Put the question only where an earlier one has this answer (FHIR Questionnaire.item.enableWhen, `=` and `>=`). An
 * earlier question that was not put or not answered fulfils nothing.
 */
export type EnableWhen = { readonly linkId: string } & (
  | { readonly equals: string | number | boolean }
  | { readonly oneOf: readonly string[] }
  | { readonly atLeast: number }
);

export interface Option {
  readonly code: string;
  readonly text: Texts;
}

interface CommonItem {
  readonly linkId: string;
  readonly text: Texts;
  readonly required: boolean;
  readonly enableWhen: EnableWhen | null;
}

/** One question. A `decimal` with a `quantity` of the code table is a measurement, and goes into the values. */
export type Item = CommonItem &
  (
    | { readonly type: "choice"; readonly options: readonly Option[] }
    | { readonly type: "integer"; readonly min: number; readonly max: number }
    | { readonly type: "boolean" }
    | {
        readonly type: "decimal";
        readonly min: number;
        readonly max: number;
        readonly unit: string;
        readonly quantity: string | null;
      }
  );

/** How often it is to be filled in, as data: nothing here reminds anybody. */
export type Schedule = { readonly timesPerWeek: number } | { readonly days: readonly Weekday[] };

export type Weekday = "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";

/** A questionnaire as its file has it, checked. */
export interface Questionnaire {
  readonly id: string;
  readonly version: string;
  readonly title: Texts;
  readonly languages: readonly string[];
  readonly schedule: Schedule | null;
  readonly items: readonly Item[];
  /** `sha256:` over the content: whatever changes a question, a word or an option changes it; a comment does not. */
  readonly digest: string;
}

/** `heart-failure-short@1`. */
export const nameOf = ({ id, version }: Pick<Questionnaire, "id" | "version">): string => `${id}@${version}`;

/** Mappings by key, lists in order: two files of the same content have the same text. */
const canonical = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const pairs = Object.entries(value).map(([key, one]): [string, unknown] => [key, canonical(one)]);
  return Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
};

export const digestOf = (content: unknown): string =>
  `sha256:${hash("sha256", JSON.stringify(canonical(content)), "hex")}`;

/** The text in `language`; a definition has every text in all its languages. */
export const textIn = (texts: Texts, language: string): string => texts[language] ?? Object.values(texts)[0] ?? "";
