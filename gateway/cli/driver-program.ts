import type { Command } from "commander";
import { HubError } from "../../protocol/errors.ts";
import type { DriverTestOptions } from "./driver-command.ts";
import type { DriverRecordOptions } from "./driver-record-command.ts";
import type { ExitCode } from "./exit-codes.ts";
import type { Output } from "./output.ts";

/** `hemhub driver ...`: what whoever writes a driver needs. */
export const addDriverCommands = (program: Command, output: Output, ended: (exit: ExitCode) => void): void => {
  const driver = program.command("driver").description("the driver kit: try drivers against captures, record captures");
  driver
    .command("test")
    .description("replay captures through the real drivers and disturb them (exit 1 where one fails)")
    .argument("<path>", "a capture (YAML), or a folder of them")
    .option("--report <file>", "write the conformance page: .html or .md")
    .option("--no-disturb", "compare the readings only")
    .option("--catalogue <folder>", "catalogue entries instead of this version's own")
    .option("--json", "one JSON object a capture")
    .action(async (path: string, options: DriverTestOptions) => {
      const { driverTestCommand } = await import("./driver-command.ts");
      ended(await driverTestCommand(path, options, output));
    });
  driver
    .command("record")
    .description("record a session with a sensor as a capture")
    .requiredOption("--out <file>", "the capture to write (YAML); must not exist")
    .option("--model <id>", "the sensor's model in the catalogue, with --serial")
    .option("--serial <path>", "the serial port that it is on")
    .option("--config <file>", "the hub's configuration, with --sensor; the hub must not be running")
    .option("--sensor <id>", "the sensor of the configuration, Bluetooth or serial")
    .option("--catalogue <folder>", "catalogue entries instead of this version's own")
    .option("--zone <zone>", "time zone of the sensor's clock (default: this machine's, or the configuration's)")
    .option("--seconds <n>", "end by itself after this time")
    .option("--redact", "blank the sensor's serial number and system id")
    .action(async (options: DriverRecordOptions) => {
      const { driverRecordCommand } = await import("./driver-record-command.ts");
      const stop = new AbortController();
      const onSignal = (): void => stop.abort(new HubError("aborted", "driver record: ended by its user"));
      process.once("SIGINT", onSignal);
      process.once("SIGTERM", onSignal);
      try {
        ended(await driverRecordCommand(options, output, stop.signal));
      } finally {
        process.off("SIGINT", onSignal);
        process.off("SIGTERM", onSignal);
      }
    });
};
