import { readFileSync } from "node:fs";
import { createDiskFiles } from "../../ota/files/disk-files.ts";
import { unpackImage } from "../../ota/images/unpack-image.ts";
import type { ImageHash } from "../../ota/slots/slots.ts";

/** Unpack one download as a hub does, and say how much memory this process ever had. */
const [download = "", base = "", image = "", length = "", to = ""] = process.argv.slice(2);
const files = createDiskFiles();
const whole = { path: download, length: 0, hashes: [], location: "", custom: null };
const part = { image: image as ImageHash, imageLength: Number(length), whole, patch: null };
const { signal } = new AbortController();
await unpackImage({ files, part, download, base: base === "" ? null : await files.read(base), to }, signal);
const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
process.stdout.write(JSON.stringify({ peakBytes: Number(peak) * 1024 }));
