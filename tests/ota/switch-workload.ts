import { openSync, writeSync } from "node:fs";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { createSlots, type ImageHash } from "../../ota/slots/slots.ts";
import { launch } from "./launcher.ts";

/**
 * Updates to be recorded, with starts of the real launcher between them: `switch-workload.ts HOME ACKS SURROUNDINGS A B C
 * D`, the last being hashes of images in SURROUNDINGS/images. Acknowledges a step before it begins (`to X`, `back X`), when
 * it is durable (`is X`, `gone X`), and each start (`started X`).
 */
const [home = "", acks = "", surroundings = "", ...hashes] = process.argv.slice(2);
const [a, b, c, d] = hashes as ImageHash[];
if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error("four images are needed");
const acknowledgements = openSync(acks, "a");
const say = (line: string): void => {
  writeSync(acknowledgements, `${line}\n`);
};

await symlink(join(surroundings, "images"), join(home, "images"));
const slots = createSlots(createDiskFiles(), home);
const start = async (): Promise<void> => {
  const launched = await launch(home, { base: join(surroundings, "base"), run: join(surroundings, "run") });
  if (launched.tag === "failed") throw new Error(launched.said);
  say(`started ${launched.started.release}`);
};
const activate = async (release: ImageHash): Promise<void> => {
  say(`to ${release}`);
  await slots.activate(release);
};
const commit = async (release: ImageHash): Promise<void> => {
  await slots.commit(release);
  say(`is ${release}`);
};
const takeBack = async (release: ImageHash): Promise<void> => {
  await slots.takeBack(release, "self-test");
  say(`gone ${release}`);
};

await start();
await activate(a);
await start();
await commit(a);
await start();
await activate(b);
for (let n = 0; n < 4; n++) await start();
say(`gone ${b}`);
await activate(c);
await start();
await start();
await takeBack(c);
await start();
await activate(d);
await start();
await commit(d);
await start();
