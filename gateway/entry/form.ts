import { codeOf } from "../../protocol/codes.ts";
import type { ReadingAnswer, ReadingQuestionnaire, ReadingValue } from "../../protocol/reading.ts";
import { type Answer, answerWord, holds, readAnswer } from "./answer.ts";
import { type Item, nameOf, type Questionnaire } from "./definition.ts";
import { quoted, wrongEntry } from "./wrong-entry.ts";

/** A questionnaire while it is being answered. A value: every step makes another. */
export interface Form {
  readonly questionnaire: Questionnaire;
  readonly language: string;
  /** By linkId, in the order they were given. */
  readonly answers: ReadonlyMap<string, Answer>;
}

/** What a completed form is made into. */
export interface FilledForm {
  readonly questionnaire: ReadingQuestionnaire;
  readonly values: readonly ReadingValue[];
  readonly typed: string;
}

/** Begin a form. Throws HubError `invalid-argument` for a language that it does not have. */
export const beginForm = (questionnaire: Questionnaire, language: string | null): Form => {
  const { languages } = questionnaire;
  const chosen = language ?? languages[0] ?? "";
  if (languages.includes(chosen)) return { questionnaire, language: chosen, answers: new Map() };
  throw wrongEntry(`${nameOf(questionnaire)}: not in language ${quoted(chosen)}`, `it has ${languages.join(", ")}`);
};

/** The questions that are put under the answers so far: those without a condition, and those whose condition holds. */
export const putItems = ({ questionnaire, answers }: Form): readonly Item[] => {
  const put = new Map<string, Answer>();
  return questionnaire.items.filter((item) => {
    if (item.enableWhen !== null && !holds(item.enableWhen, put)) return false;
    const answer = answers.get(item.linkId);
    if (answer !== undefined) put.set(item.linkId, answer);
    return true;
  });
};

/** The first question that is put and open; null: every one has an answer. */
export const nextItem = (form: Form): Item | null =>
  putItems(form).find(({ linkId }) => !form.answers.has(linkId)) ?? null;

/** With the answer to one question that is put, instead of an earlier answer to it. Throws HubError `invalid-argument`. */
export const withAnswer = (form: Form, linkId: string, text: string): Form => {
  const item = putItems(form).find((one) => one.linkId === linkId);
  if (item !== undefined) return { ...form, answers: new Map(form.answers).set(linkId, readAnswer(item, text)) };
  const isKnown = form.questionnaire.items.some((one) => one.linkId === linkId);
  throw isKnown
    ? wrongEntry(`${linkId} is not asked under these answers`, "leave it out, or correct the answer it depends on")
    : wrongEntry(`${quoted(linkId)} is no question of ${nameOf(form.questionnaire)}`, "correct its linkId");
};

/** Without the last answer that was given. */
export const withoutLast = (form: Form): Form => {
  const given = [...form.answers].slice(0, -1);
  return { ...form, answers: new Map(given) };
};

/** All answers at once, in any order. Throws HubError `invalid-argument` for the first that does not fit. */
export const withAnswers = (form: Form, given: ReadonlyMap<string, string>): Form => {
  let filled = form;
  // In the order of the form: a condition needs the answer it depends on.
  for (const { linkId } of form.questionnaire.items) {
    const text = given.get(linkId);
    if (text !== undefined) filled = withAnswer(filled, linkId, text);
  }
  for (const linkId of given.keys()) if (!filled.answers.has(linkId)) withAnswer(filled, linkId, "");
  return filled;
};

const answerOf = (item: Item, answer: Answer): ReadingAnswer => {
  const { linkId } = item;
  switch (answer.tag) {
    case "code":
      return { linkId, code: answer.code };
    case "integer":
      return { linkId, integer: answer.value };
    case "boolean":
      return { linkId, boolean: answer.value };
    case "declined":
      return { linkId, absent: "asked-declined" };
    case "decimal": {
      if (item.type !== "decimal") throw new Error(`${linkId} takes no decimal`);
      if (item.quantity !== null) return { linkId, mdc: codeOf(item.quantity).mdc };
      return { linkId, decimal: answer.number.value, decimals: answer.number.decimals, unit: item.unit };
    }
  }
};

const measuredBy = (item: Item, answer: Answer): readonly ReadingValue[] => {
  if (item.type !== "decimal" || item.quantity === null || answer.tag !== "decimal") return [];
  const { mdc, name } = codeOf(item.quantity);
  return [{ mdc, name, value: answer.number.value, decimals: answer.number.decimals, unit: item.unit }];
};

/**
 * The form as a reading carries it. A question that may be skipped and was not answered is `asked-declined`. Throws
 * HubError `invalid-argument` that names the questions that still need an answer.
 */
export const filledForm = (form: Form): FilledForm => {
  const { questionnaire, language, answers } = form;
  const put = putItems(form);
  const open = put.filter(({ linkId, required }) => required && !answers.has(linkId)).map(({ linkId }) => linkId);
  if (open.length > 0) throw wrongEntry(`not answered: ${open.join(", ")}`, "answer them, then submit again");
  const given = put.map((item) => ({ item, answer: answers.get(item.linkId) ?? ({ tag: "declined" } as const) }));
  const { id, version, digest } = questionnaire;
  return {
    questionnaire: { id, version, digest, language, answers: given.map(({ item, answer }) => answerOf(item, answer)) },
    values: given.flatMap(({ item, answer }) => measuredBy(item, answer)),
    typed: [nameOf(questionnaire), ...given.map(({ item, answer }) => `${item.linkId}=${answerWord(answer)}`)].join(
      " ",
    ),
  };
};
