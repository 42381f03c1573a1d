import { isHubError } from "../../protocol/errors.ts";
import { createSystemClock } from "../clock/system-clock.ts";
import { askHub } from "./ask-hub.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { Output } from "./output.ts";

/** Where the packaged service (systemd RuntimeDirectory=hemhub) has its socket. */
export const DEFAULT_SOCKET = "/run/hemhub/hemhub.sock";

export interface HubCommandOptions {
  readonly json?: boolean;
  readonly socket?: string;
  readonly config?: string;
}

const isExitCode = (code: number): code is ExitCode => (Object.values(EXIT) as number[]).includes(code);

/** The socket that the options name; null where the configuration is wrong, which has then been said. */
const socketOf = async (options: HubCommandOptions, output: Output): Promise<string | null> => {
  if (options.socket !== undefined) return options.socket;
  if (options.config === undefined) return DEFAULT_SOCKET;
  const { loadConfig } = await import("../config/load-config.ts");
  const { problemLine } = await import("../config/hub-config.ts");
  const result = await loadConfig(options.config);
  if (result.tag === "ok") return result.config.diagnostics.socket;
  for (const problem of result.problems) output.complain(problemLine(result.file, problem));
  return null;
};

/** `hemhub status` and its kin: the running hub is asked over its local socket and answers for itself. */
export const hubCommand = async (
  name: string,
  args: readonly string[],
  options: HubCommandOptions,
  output: Output,
): Promise<ExitCode> => {
  const socket = await socketOf(options, output);
  if (socket === null) return EXIT.usage;
  const json = options.json === true;
  try {
    for await (const frame of askHub(socket, { command: name, args, json }, createSystemClock())) {
      if ("unasked" in frame) {
        output.complain(frame.unasked.sentence);
        return frame.unasked.tag === "denied" ? EXIT.notAuthorised : EXIT.unreachable;
      }
      if ("line" in frame) await output.write(`${frame.line}\n`);
      else if ("data" in frame) await output.write(`${JSON.stringify(frame.data)}\n`);
      else if ("error" in frame) output.complain(frame.error);
      else return isExitCode(frame.exit) ? frame.exit : EXIT.checkFailed;
    }
  } catch (thrown) {
    if (!isHubError(thrown, "diagnostics-unreachable")) throw thrown;
    output.complain(thrown.message);
  }
  return EXIT.unreachable;
};
