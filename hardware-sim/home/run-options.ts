import { existsSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { messageOf } from "../../protocol/errors.ts";
import type { UpdateSettings } from "./releases.ts";
import { SCENARIOS, type Scenario, scenarioNamed } from "./scenario.ts";

export interface RunOptions {
  /** Null: until it is told to stop. */
  readonly seconds: number | null;
  readonly json: boolean;
  readonly scenario: Scenario;
  readonly seed: number;
  /** The hub's program and first arguments. */
  readonly hub: readonly string[];
  /** How releases are published for it; null where it is no release that another one could follow. */
  readonly updates: UpdateSettings | null;
}

export type ParsedOptions =
  | { readonly tag: "run"; readonly options: RunOptions }
  | { readonly tag: "help" }
  /** One sentence with the next step. */
  | { readonly tag: "wrong"; readonly message: string };

/** The program of a release, in its folder. */
const RELEASE_PROGRAM = "hemhub";
const PUBLISHER = fileURLToPath(new URL("../../scripts/demo-release.mjs", import.meta.url));
const LAUNCHER = fileURLToPath(new URL("../../packaging/launch/hemhub-launch", import.meta.url));
const HUB = fileURLToPath(new URL("../../gateway/main.ts", import.meta.url));
/** A day; for longer ones leave the option out and stop it with Ctrl-C. */
const MAX_SECONDS = 86_400;
const MAX_SEED = 2 ** 32 - 1;
/** What the runtime that runs this can run, too. Anything else is started as a program of its own. */
const SCRIPT = /\.[cm]?[jt]s$/;

export const HELP = [
  "A whole home in software, and the real hub in it.",
  "",
  "  npm start                          watch it (on a terminal)",
  "  npm start -- --seconds 30 --json   30 seconds, one JSON object a line, then the summary",
  "",
  "  --seconds N       end by itself after N seconds of measuring, and not before the scenario's releases are over",
  "  --json            events as NDJSON, also on a terminal; the last line is the summary",
  `  --scenario NAME   ${SCENARIOS.map((one) => one.name).join(", ")} (default day)`,
  "  --seed N          the same seed gives the same day (default 1)",
  "  --hub PATH        program to run as the hub (default gateway/main.ts)",
  "  --help            this text",
  "",
  "Scenarios:",
  ...SCENARIOS.map((one) => `  ${one.name.padEnd(7)} ${one.summary}`),
  "",
  "Exit code 0: everything measured arrived, once and unaltered. 1: it did not, or the hub failed. 2: wrong options.",
];

const numberOf = (name: string, text: string, from: number, to: number): number => {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isFinite(value) && value >= from && value <= to) return value;
  throw new RangeError(`--${name} ${text}: give a number from ${from} to ${to}`);
};

const hubOf = (path: string | undefined): readonly string[] => {
  if (path === undefined) return [process.execPath, HUB];
  const program = resolve(path);
  if (!existsSync(program)) throw new RangeError(`--hub ${path}: there is no such file; give the path of the program`);
  return SCRIPT.test(program) ? [process.execPath, program] : [program];
};

const updatesOf = (hub: readonly string[]): UpdateSettings | null => {
  const [program = ""] = hub;
  if (hub.length !== 1 || basename(program) !== RELEASE_PROGRAM) return null;
  const base = dirname(program);
  return { publisher: [process.execPath, PUBLISHER, "--bundle", base], launcher: LAUNCHER, base };
};

/** Options of `npm start`, without the program's own name. */
export const parseRunOptions = (args: readonly string[]): ParsedOptions => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seconds: { type: "string" },
        json: { type: "boolean", default: false },
        scenario: { type: "string", default: "day" },
        seed: { type: "string", default: "1" },
        hub: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) return { tag: "help" };
    const seed = numberOf("seed", values.seed, 0, MAX_SEED);
    if (!Number.isInteger(seed)) throw new RangeError(`--seed ${values.seed}: give a whole number`);
    const scenario = scenarioNamed(values.scenario);
    const hub = hubOf(values.hub);
    const updates = updatesOf(hub);
    if (scenario.releases !== undefined && updates === null) {
      throw new RangeError(`--scenario ${scenario.name}: the hub is no release; give --hub dist/${RELEASE_PROGRAM}`);
    }
    return {
      tag: "run",
      options: {
        seconds: values.seconds === undefined ? null : numberOf("seconds", values.seconds, 1, MAX_SECONDS),
        json: values.json,
        scenario,
        seed,
        hub,
        updates,
      },
    };
  } catch (thrown) {
    return { tag: "wrong", message: `npm start: ${messageOf(thrown)} (npm start -- --help shows all options)` };
  }
};
