import { Command, CommanderError } from "commander";
import { HUB_VERSION } from "../version.ts";
import type { PackOptions } from "./catalogue-command.ts";
import { addDriverCommands } from "./driver-program.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { HubCommandOptions } from "./hub-command.ts";
import type { Output } from "./output.ts";

interface VersionOptions {
  readonly json?: boolean;
}

const version = async ({ json = false }: VersionOptions, output: Output): Promise<ExitCode> => {
  const about = { hub: HUB_VERSION, node: process.versions.node };
  await output.write(json ? `${JSON.stringify(about)}\n` : `hemhub ${about.hub} (Node ${about.node})\n`);
  return EXIT.ok;
};

/** Commands that a running hub answers itself; their summaries stand here so that help needs no hub. */
const ASKED: readonly (readonly [group: string | null, name: string, summary: string, words?: string])[] = [
  [null, "status", "the whole hub on one screen"],
  ["sensor", "list", "the sensors of this home and when they were last heard"],
  ["sensor", "nearby", "sensors nearby that are not enrolled, and are not read"],
  ["sensor", "pair", "open a pairing window for a sensor, or close it", "<id> [cancel]"],
  ["sensor", "passkey", "the six digits of a sensor that is being paired", "<id> <digits>"],
  ["sensor", "confirm", "whether sensor and hub show the same number: yes or no", "<id> <answer>"],
  ["sensor", "bond", "whether a sensor is paired, since when and how", "<id>"],
  ["sensor", "forget", "remove the bond of a sensor; needs the word confirm", "<id> [confirm]"],
  ["sensor", "accept", "from now on the sensor that answers in its place is the enrolled one", "<id>"],
  ["sensor", "retry", "the enrolled sensor is back in its place", "<id>"],
  ["entry", "kinds", "what can be entered by hand, with an example of each"],
  ["entry", "add", "enter a measurement by hand; it is shown back first", "<kind> [values...]"],
  ["entry", "show", "what was entered and is not confirmed yet"],
  ["entry", "confirm", "store what was shown back", "[number]"],
  ["entry", "drop", "forget what was shown back", "[number]"],
  ["entry", "list", "what was entered by hand lately, without values"],
  ["entry", "correct", "put right a reading that was entered by hand", "<reading> <kind> [values...]"],
  ["entry", "withdraw", "take back a reading that was entered by hand", "<reading> [words...]"],
  ["entry", "submit", "one whole entry or form as JSON, from a program", "<json>"],
  ["questionnaire", "list", "the forms of this hub"],
  ["questionnaire", "start", "begin a form; the first question follows", "<id> [words...]"],
  ["questionnaire", "answer", "answer the question; the next one follows", "<answer>"],
  ["questionnaire", "back", "put the last question again"],
  ["questionnaire", "show", "the answers so far and the next question"],
  ["questionnaire", "submit", "store the answers", "[words...]"],
  ["questionnaire", "cancel", "forget the form that was begun"],
  [
    null,
    "outbox",
    "readings stored, waiting, refused; also account [days], captures [count], retry <number|all>",
    "[words...]",
  ],
  [null, "assignment", "whose readings are taken, and what waits from before"],
  [null, "erase", "destroy everything measured on this hub; alone it only says what", "[words...]"],
  [null, "link", "the connection to the region"],
  ["update", "status", "which release runs, and how far an update is"],
  ["update", "check", "look now at what the region has signed"],
  ["update", "install", "install now, between two measurements; from a stick: its folder", "[folder]"],
  ["update", "rollback", "take back a release on trial, or give up an update under way"],
  ["update", "history", "how updates ended, newest first"],
  [null, "time", "the hub's clock: who keeps it, how well, and since when"],
  [null, "check", "test every part; each failure says the next step (exit 1)"],
];

const EXITS = `
Exit codes: 0 ok, 1 check failed, 2 usage, 3 not authorised, 4 hub unreachable, 5 busy, 10 restart needed`;

/**
 * Run one command line and resolve with its exit code. What a command needs is loaded when it runs: `decode` opens no
 * database and no radio.
 */
export const runCli = async (argv: readonly string[], output: Output): Promise<ExitCode> => {
  let exit: ExitCode = EXIT.ok;
  const program = new Command("hemhub")
    .description("The home end of remote patient monitoring: sensors in, receipted readings out")
    .addHelpText("after", EXITS)
    .showSuggestionAfterError(true)
    .exitOverride();

  program
    .command("run")
    .description("run the hub until SIGTERM or SIGINT")
    .requiredOption("--config <file>", "the hub's configuration (YAML)")
    .action(async ({ config }: { config: string }) => {
      const { runCommand } = await import("./run-command.ts");
      exit = await runCommand(config, output);
    });

  const groups = new Map<string, Command>();
  const groupOf = (name: string | null): Command => {
    if (name === null) return program;
    const group = groups.get(name) ?? program.command(name).description(`commands for each ${name}`);
    groups.set(name, group);
    return group;
  };
  for (const [group, name, summary, words = ""] of ASKED) {
    groupOf(group)
      .command(`${name} ${words}`.trim())
      .description(summary)
      .option("--json", "answer as JSON")
      .option("--socket <path>", "the hub's local socket (default: /run/hemhub/hemhub.sock)")
      .option("--config <file>", "the hub's configuration, which names the socket")
      .action(async (...given: readonly unknown[]) => {
        const { hubCommand } = await import("./hub-command.ts");
        // commander calls with each word, the options and the command.
        const options = given.at(-2) as HubCommandOptions;
        const args = given
          .slice(0, -2)
          .flat()
          .filter((word): word is string => typeof word === "string");
        exit = await hubCommand(group === null ? name : `${group} ${name}`, args, options, output);
      });
  }

  program
    .command("decode")
    .description("what the drivers make of bytes")
    .argument("[kind]", "such as ble.2a35; --list names them")
    .argument("[hex...]", "the bytes")
    .option("--json", "answer as JSON")
    .option("--ndjson", 'one {"kind","hex"} a line on standard input, one JSON answer a line')
    .option("--list", "name every kind")
    .action(async (kind: string | undefined, hex: string[], options: object) => {
      const { decodeCommand } = await import("./decode-command.ts");
      exit = await decodeCommand(kind, hex, options, process.stdin, output);
    });

  program
    .command("config")
    .description("the configuration file")
    .command("check")
    .description("name every problem with its line (exit 1)")
    .argument("<file>", "the hub's configuration (YAML)")
    .option("--json", "answer as JSON")
    .action(async (file: string, options: { json?: boolean }) => {
      const { configCheckCommand } = await import("./config-command.ts");
      exit = await configCheckCommand(file, options, output);
    });

  const catalogue = program.command("catalogue").description("the device models that this hub may read");
  for (const [name, summary] of [
    ["list", "every model, its status and how it is read"],
    ["check", "name every problem of a catalogue with its file and line (exit 1)"],
  ] as const) {
    catalogue
      .command(name)
      .description(summary)
      .argument("[folder]", "default: the catalogue of this version")
      .option("--json", "answer as JSON")
      .action(async (folder: string | undefined, options: { json?: boolean }) => {
        const { catalogueCheckCommand, catalogueListCommand } = await import("./catalogue-command.ts");
        const command = name === "list" ? catalogueListCommand : catalogueCheckCommand;
        exit = await command(folder, options, output);
      });
  }

  catalogue
    .command("pack")
    .description("a folder of entries as the file that the region signs (docs/catalogue.md)")
    .argument("<folder>")
    .requiredOption("--counter <number>", "above that of every catalogue before")
    .requiredOption("--out <folder>", "where `release add --built` finds it")
    .action(async (folder: string, options: PackOptions) => {
      const { cataloguePackCommand } = await import("./catalogue-command.ts");
      exit = await cataloguePackCommand(folder, options, output);
    });

  addDriverCommands(program, output, (code) => {
    exit = code;
  });

  program
    .command("version")
    .description("versions of the hub and its runtime")
    .option("--json", "answer as JSON")
    .action(async (options: VersionOptions) => {
      exit = await version(options, output);
    });

  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    // Help that was asked for ends with 0; everything else that commander refuses is a wrong command line.
    exit = thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  return exit;
};
