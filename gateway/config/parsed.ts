import type { ConfigPath } from "./source-map.ts";

/** The value at `path` in parsed data of any shape: the schema may have found it wrong. */
export const at = (data: unknown, path: ConfigPath): unknown =>
  path.reduce<unknown>(
    (value, step) =>
      typeof value === "object" && value !== null ? (value as Record<string | number, unknown>)[step] : undefined,
    data,
  );

export const textAt = (data: unknown, path: ConfigPath): string | null => {
  const value = at(data, path);
  return typeof value === "string" ? value : null;
};
