import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Starts that a slot has after it was activated or found good, as U-Boot's example in RAUC's manual has it. */
const STARTS = 3;

/**
 * RAUC's handler `bootloader-custom-backend` (RAUC manual, "Custom"): `primary`, and for each slot `left-NAME`, how
 * many starts it has left.
 */
const SCRIPT = (folder: string): string => `#!/bin/sh
cd '${folder}' || exit 1
startable() { test "$(cat "left-$1")" != 0; }
case "$1" in
  get-primary) for slot in "$(cat primary)" A B; do startable "$slot" && { echo "$slot"; exit 0; }; done; exit 1 ;;
  set-primary) echo ${STARTS} > "left-$2"; echo "$2" > primary ;;
  get-state) if startable "$2"; then echo good; else echo bad; fi ;;
  set-state) if test "$3" = good; then echo ${STARTS}; else echo 0; fi > "left-$2" ;;
  *) exit 1 ;;
esac
`;

/** A boot loader that counts the starts of every slot: what runs must say so, or it is given up. */
export interface BootLoader {
  /** Path of RAUC's handler. */
  readonly script: string;
  /** Choose, and count. */
  boot(): Promise<string>;
  /** As the factory left it: slot A is good, B was never written. */
  reset(): Promise<void>;
}

export const createBootLoader = async (folder: string): Promise<BootLoader> => {
  const script = join(folder, "handler");
  const at = (name: string): string => join(folder, name);
  const line = async (name: string): Promise<string> => (await readFile(at(name), "utf8")).trim();
  const reset = async (): Promise<void> => {
    await writeFile(at("primary"), "A\n");
    await writeFile(at("left-A"), `${STARTS}\n`);
    await writeFile(at("left-B"), "0\n");
  };
  await mkdir(folder, { recursive: true });
  await writeFile(script, SCRIPT(folder));
  await chmod(script, 0o755);
  return {
    script,
    reset,
    boot: async () => {
      const primary = await line("primary");
      for (const slot of [primary, primary === "A" ? "B" : "A"]) {
        const left = Number(await line(`left-${slot}`));
        if (left === 0) continue;
        await writeFile(at(`left-${slot}`), `${left - 1}\n`);
        return slot;
      }
      throw new Error("the boot loader has nothing to start");
    },
  };
};
