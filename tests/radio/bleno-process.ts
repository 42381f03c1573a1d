import { spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { childStdio } from "../../hardware-sim/pty/child-stdio.ts";
import type { Pty } from "../../hardware-sim/pty/pty.ts";

export interface BlenoCuff extends AsyncDisposable {
  /** What it told, in order. */
  readonly told: readonly { readonly event: string; readonly hex: string }[];
  /** A line on its standard input. */
  say(line: string): void;
}

/** The cuff on bleno (bleno-cuff.ts) in a process of its own. `others`: lines that it must not inherit. */
export const startBlenoCuff = (port: Pty, others: readonly Pty[], ...args: readonly string[]): BlenoCuff => {
  const script = path.join(import.meta.dirname, "bleno-cuff.ts");
  const child = spawn(process.execPath, [script, port.path, ...args], {
    stdio: childStdio([port, ...others], ["pipe", "pipe", "inherit"]),
  });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error("the cuff has no pipes");
  const told: { event: string; hex: string }[] = [];
  createInterface({ input: stdout }).on("line", (line) => told.push(JSON.parse(line)));
  const gone = new Promise((resolve) => child.once("exit", resolve));
  return {
    told,
    say: (line) => void stdin.write(`${line}\n`),
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await gone;
    },
  };
};
