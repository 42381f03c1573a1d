import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileTrouble } from "../config/file-trouble.ts";
import { createCaptureChecker } from "./capture-schema-check.ts";
import { type CaptureResult, parseCapture } from "./parse-capture.ts";

/** A session of 20 000 events of some 100 characters; no sensor's memory is longer. */
const LARGEST_FILE_BYTES = 4 * 1024 * 1024;

const unreadable = (file: string, message: string): CaptureResult => ({
  tag: "invalid",
  file,
  problems: [{ line: 0, column: 0, path: "", message }],
});

/** The file itself, or every `*.yaml` below the folder, by name. */
const filesOf = async (path: string): Promise<readonly string[]> => {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = await readdir(path, { recursive: true });
  return names
    .filter((name) => name.endsWith(".yaml"))
    .toSorted()
    .map((name) => join(path, name));
};

/** Read and check the captures of a file or folder. A file that cannot be read is a problem like any other. */
export const loadCaptures = async (path: string): Promise<readonly CaptureResult[]> => {
  const give = "give a capture or a folder of them";
  const files = await filesOf(path).catch((thrown: unknown) => fileTrouble(thrown));
  if (typeof files === "string") return [unreadable(path, `cannot be read (${files}); ${give}`)];
  if (files.length === 0) return [unreadable(path, `there is no *.yaml in this folder; ${give}`)];
  const check = createCaptureChecker();
  return Promise.all(
    files.map(async (file) => {
      try {
        const text = await readFile(file, "utf8");
        if (text.length > LARGEST_FILE_BYTES) return unreadable(file, `more than ${LARGEST_FILE_BYTES} bytes; cut it`);
        return parseCapture(text, file, check);
      } catch (thrown) {
        return unreadable(file, `cannot be read (${fileTrouble(thrown)}); ${give}`);
      }
    }),
  );
};
