#!/usr/bin/env node
import { messageOf } from "../protocol/errors.ts";
import { EXIT } from "./cli/exit-codes.ts";
import { processOutput } from "./cli/output.ts";
import { runCli } from "./cli/program.ts";

const output = processOutput();
try {
  process.exitCode = await runCli(process.argv.slice(2), output);
} catch (thrown) {
  output.complain(`a fault of its own ended the command (${messageOf(thrown)}); report it with the command line`);
  process.exitCode = EXIT.crashed;
}
