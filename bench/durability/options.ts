import { parseArgs } from "node:util";
import { messageOf } from "../../protocol/errors.ts";
import type { Mode } from "./suite.ts";

export interface ReportOptions {
  readonly mode: Mode;
  readonly json: boolean;
  /** Where the page goes; as given, relative to the current directory. */
  readonly out: string;
  readonly seed: number;
}

export const USAGE =
  "npm run report:durability [-- --quick] [--json] [--out FILE] [--seed N]\n" +
  "  --quick     as much as fits into a minute, instead of 3 000 power cuts and 1 000 kills\n" +
  "  --json      the result as one line of JSON on standard output\n" +
  "  --out FILE  where the page goes (dist/durability.html)\n" +
  "  --seed N    the same disks, in the same order, as a run with this seed\n";

const SEEDS = 2 ** 31;

/** The options, or the sentence that says what is wrong with them. */
export const readOptions = (args: readonly string[]): ReportOptions | string => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        quick: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        out: { type: "string", default: "dist/durability.html" },
        seed: { type: "string", default: String(Date.now() % SEEDS) },
      },
    });
    const seed = Number(values.seed);
    if (!/^\d+$/.test(values.seed) || seed >= SEEDS) return `--seed ${values.seed}: give a whole number below 2^31`;
    return { mode: values.quick ? "quick" : "full", json: values.json, out: values.out, seed };
  } catch (thrown) {
    return messageOf(thrown);
  }
};
