import type { Acknowledged } from "./measured.ts";

/** What the world outside the hub knew when the fault came, from the lines of bad-link.ts. */
export interface Outside {
  readonly measured: ReadonlySet<number>;
  readonly stored: Acknowledged;
  /** Messages that the region has. */
  readonly published: readonly string[];
}

export const outsideOf = (lines: readonly string[]): Outside => {
  const measured = new Set<number>();
  const stored = new Map<number, number>();
  const published: string[] = [];
  for (const line of lines) {
    const what = line.slice(0, line.indexOf(" "));
    const rest = line.slice(what.length + 1);
    const [first = "0", second = "0"] = rest.split(" ", 2);
    if (what === "measuring") measured.add(Number(first));
    if (what === "stored") stored.set(Number(first), Number(second));
    if (what === "published") published.push(rest);
  }
  return { measured, stored, published };
};
