import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileTrouble } from "../config/file-trouble.ts";
import { problemLine } from "../config/hub-config.ts";
import type { Questionnaire } from "./definition.ts";
import { createDefinitionChecker } from "./definition-schema-check.ts";
import { parseDefinition } from "./parse-definition.ts";

/** Forms of one region: some for each programme. */
const MOST_FILES = 64;

/** 40 questions of 20 options in 16 languages are some 500 kB; a real one has a hundredth of that. */
const LARGEST_FILE_BYTES = 512 * 1024;

/** Beside this code in a checkout, beside the bundle in a release. */
const SHIPPED = join(import.meta.dirname, "questionnaires");

export interface Questionnaires {
  readonly all: readonly Questionnaire[];
  /** One sentence for each thing that is wrong, with file, line and column. Forms without a problem are offered. */
  readonly problems: readonly string[];
}

/**
 * Every `*.yaml` of `folder`; null: the example that is shipped. A region's folder stands instead of the example, not
 * beside it. Never rejects: what cannot be read is a sentence in `problems`.
 */
export const loadQuestionnaires = async (folder: string | null): Promise<Questionnaires> => {
  const from = folder ?? SHIPPED;
  let names: readonly string[];
  try {
    names = (await readdir(from)).filter((name) => name.endsWith(".yaml")).sort();
  } catch (thrown) {
    const sentence = `questionnaires ${from}: ${fileTrouble(thrown)}; give the folder that holds their YAML files`;
    return { all: [], problems: [sentence] };
  }
  const all: Questionnaire[] = [];
  const problems: string[] = [];
  if (names.length > MOST_FILES) {
    problems.push(`questionnaires ${from}: ${names.length} files, the first ${MOST_FILES} are used; remove some`);
  }
  const check = createDefinitionChecker();
  for (const name of names.slice(0, MOST_FILES)) {
    const path = join(from, name);
    try {
      const { size } = await stat(path);
      if (size > LARGEST_FILE_BYTES) {
        problems.push(`${path}: ${size} bytes, at most ${LARGEST_FILE_BYTES}; split it`);
        continue;
      }
      const parsed = parseDefinition(await readFile(path, "utf8"), name, check);
      if (parsed.tag === "ok") all.push(parsed.questionnaire);
      else problems.push(...parsed.problems.map((problem) => problemLine(path, problem)));
    } catch (thrown) {
      problems.push(`${path}: cannot be read (${fileTrouble(thrown)})`);
    }
  }
  return { all, problems };
};
