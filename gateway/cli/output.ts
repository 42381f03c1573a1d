import { once } from "node:events";
import type { Writable } from "node:stream";

/** Standard output and error of a command. `write` waits while the reader is slow: nothing piles up. */
export interface Output {
  write(text: string): Promise<void>;
  /** One sentence for a person, on standard error. */
  complain(sentence: string): void;
}

export const createOutput = (out: Writable, err: Writable): Output => ({
  write: async (text) => {
    if (!out.write(text)) await once(out, "drain");
  },
  complain: (sentence) => {
    err.write(`hemhub: ${sentence}\n`);
  },
});

/** The process's own output. A reader that has seen enough (`| head`) ends the command quietly. */
export const processOutput = (): Output => {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit(0);
    });
  }
  return createOutput(process.stdout, process.stderr);
};
