import type { StdioOptions } from "node:child_process";
import type { Pty } from "./pty.ts";

type Slot = Exclude<StdioOptions, string>[number];

/**
 * The `stdio` option for `spawn` of a child that must not hold the device end of a line: its copy of each master
 * descriptor is replaced by the reader's end, which hangs up like any other when the line is closed. Without it the
 * child would keep a line alive that the scenario unplugs.
 */
export const childStdio = (ptys: readonly Pty[], base: readonly [Slot, Slot, Slot]): Slot[] => {
  const slots: Slot[] = [...base];
  for (const { fds } of ptys) {
    while (slots.length <= fds.master) slots.push("ignore");
    slots[fds.master] = fds.slave;
  }
  return slots;
};
