import { spawn } from "node:child_process";
import { HubError } from "../../protocol/errors.ts";

/** `broken`: signed and whole like a good one, and cannot run. */
export type ReleaseContent = "good" | "broken";

/** What a region says that it wants: the part `release` of `desired`. */
export interface PublishedRelease {
  readonly campaign: string;
  readonly target: string;
  readonly counter: number;
}

/** The region's people and machines that make, sign and publish releases: a program of its own. */
export interface ReleasePublisher {
  /** Keys, and a signed repository without releases. */
  initialise(signal: AbortSignal): Promise<void>;
  publish(content: ReleaseContent, counter: number, signal: AbortSignal): Promise<PublishedRelease>;
}

/** Of what the program says: its answer is one line, and a sentence where it fails. */
const MOST_SAID = 20_000;

const lastLine = (text: string): string => text.trim().split("\n").at(-1) ?? "";

/** `command`: program and first arguments; `init FOLDER` and `publish FOLDER good|broken COUNTER` follow. */
export const createReleasePublisher = (command: readonly string[], folder: string): ReleasePublisher => {
  const [program = process.execPath, ...first] = command;

  const run = (words: readonly string[], signal: AbortSignal): Promise<string> =>
    new Promise((resolve, reject) => {
      const child = spawn(program, [...first, ...words], { stdio: ["ignore", "pipe", "pipe"], signal });
      const said = { out: "", err: "" };
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        said.out = (said.out + text).slice(-MOST_SAID);
      });
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        said.err = (said.err + text).slice(-MOST_SAID);
      });
      const failed = (found: string, cause?: unknown): void =>
        reject(new HubError("aborted", `release ${words[0]}: ${found}`, { cause }));
      child.once("error", (error) => failed(error.message, error));
      child.once("close", (code, name) => {
        if (code === 0) resolve(lastLine(said.out));
        else failed(lastLine(said.err) || `the program ended with ${name ?? `code ${code}`}`);
      });
    });

  return {
    initialise: async (signal) => {
      await run(["init", folder], signal);
    },
    publish: async (content, counter, signal) =>
      JSON.parse(await run(["publish", folder, content, String(counter)], signal)) as PublishedRelease,
  };
};
