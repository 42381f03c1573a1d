import { isHubError } from "../../protocol/errors.ts";
import { didYouMean } from "../config/nearest.ts";
import { type Args, type DiagnosticCommand, data, type Json, type Line, text } from "./command.ts";
import { table } from "./layout.ts";

/** What an asker gets: lines or data, at most one error sentence, and last of all `done`. */
export type Frame =
  | { readonly line: string }
  | { readonly data: Json }
  | { readonly error: string }
  | { readonly done: true; readonly exit: number };

/** Exit codes of `done` (design operations.md): the asker's process ends with it. */
const FAILED = 1;
const USAGE = 2;

/** The commands of one hub, in the order of help. */
export interface Registry {
  readonly commands: readonly DiagnosticCommand[];
  /** Run the command that `words` begin with; with `json` the answer is data, else lines. Always ends with `done`. */
  ask(words: readonly string[], json: boolean, signal: AbortSignal): AsyncIterable<Frame>;
}

const helpOf = (commands: readonly DiagnosticCommand[]): DiagnosticCommand => ({
  name: "help",
  summary: "what can be asked",
  role: "view",
  async *run(): AsyncIterable<Line> {
    const all = [...commands, helpOf([])];
    const about = ({ usage, summary }: DiagnosticCommand): string =>
      usage === undefined ? summary : `${usage}: ${summary}`;
    for (const row of table(all.map((one) => [one.name, about(one)]))) yield text(row);
    yield data(all.map(({ name, summary, role }) => ({ name, summary, role })));
  },
});

const find = (
  commands: readonly DiagnosticCommand[],
  words: readonly string[],
): { readonly command: DiagnosticCommand; readonly args: Args } | null => {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(" ");
    const command = words.length < length ? undefined : commands.find((one) => one.name === name);
    if (command !== undefined) return { command, args: words.slice(length) };
  }
  return null;
};

const frameOf = (line: Line, json: boolean): Frame | null => {
  if (line.tag === "text" && !json) return { line: line.text };
  return line.tag === "data" && json ? { data: line.data } : null;
};

export const createRegistry = (given: readonly DiagnosticCommand[]): Registry => {
  const commands = [...given, helpOf(given)];
  return {
    commands,
    async *ask(words, json, signal) {
      const found = find(commands, words);
      if (found === null) {
        const asked = words.join(" ").slice(0, 40);
        const names = commands.map((one) => one.name);
        yield { error: `unknown command ${JSON.stringify(asked)}${didYouMean(asked, names)}; help lists them` };
        yield { done: true, exit: USAGE };
        return;
      }
      if (found.args.length > 0 && found.command.usage === undefined) {
        yield { error: `${found.command.name}: takes no arguments, found ${JSON.stringify(found.args[0])}` };
        yield { done: true, exit: USAGE };
        return;
      }
      let exit = 0;
      try {
        for await (const line of found.command.run(found.args, signal)) {
          if (line.tag === "exit") exit = line.code;
          const frame = frameOf(line, json);
          if (frame !== null) yield frame;
        }
      } catch (thrown) {
        if (!isHubError(thrown)) throw thrown;
        yield { error: thrown.message };
        exit = thrown.code === "invalid-argument" ? USAGE : FAILED;
      }
      yield { done: true, exit };
    },
  };
};
