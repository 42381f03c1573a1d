import { releaseProgram } from "./release/program.ts";

process.exitCode = await releaseProgram(process.argv.slice(2));
