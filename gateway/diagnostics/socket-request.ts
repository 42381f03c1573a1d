/** What an asker sends over the local socket, as one line of JSON. */
export interface SocketRequest {
  readonly command: string;
  readonly args: readonly string[];
  readonly json: boolean;
}

/** A form of 40 answers of 80 bytes, its quotes escaped, with room; what is longer is refused. */
export const LONGEST_REQUEST_BYTES = 8192;

/** An answer line: a list of 64 sensors with their troubles is some 40 kB. */
export const LONGEST_FRAME_BYTES = 1024 * 1024;

/** The request of one line, or null where it is not one. */
export const parseRequest = (line: string | null): SocketRequest | null => {
  if (line === null) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof parsed !== "object" || parsed === null) return null;
  const { command, args = [], json = false } = parsed as Record<string, unknown>;
  const words = Array.isArray(args) && args.every((one): one is string => typeof one === "string");
  return typeof command === "string" && words && typeof json === "boolean" ? { command, args, json } : null;
};
