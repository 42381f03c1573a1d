import type { Output } from "../../../gateway/cli/output.ts";

/** Standard output and error of a command, kept. */
export interface KeptOutput extends Output {
  readonly out: () => string;
  readonly err: () => string;
}

export const createKeptOutput = (): KeptOutput => {
  let [out, err] = ["", ""];
  return {
    write: async (text) => {
      out += text;
    },
    complain: (sentence) => {
      err += `${sentence}\n`;
    },
    out: () => out,
    err: () => err,
  };
};
