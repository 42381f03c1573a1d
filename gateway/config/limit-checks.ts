import { DEFAULT_LIMITS } from "../plausibility/limits.ts";
import { didYouMean } from "./nearest.ts";
import { at, textAt } from "./parsed.ts";
import type { ConfigPath } from "./source-map.ts";

interface LimitProblem {
  readonly path: ConfigPath;
  readonly message: string;
}

const numberAt = (data: unknown, path: ConfigPath): number | null => {
  const value = at(data, path);
  return typeof value === "number" ? value : null;
};

/**
 * What the schema cannot say of `plausibility`: quantities without a limit, ranges that hold nothing, the same limit
 * twice, people who are not of this home. Takes the part as parsed, right or wrong.
 */
export const limitProblems = (data: unknown, assignments: ReadonlySet<string | null>): readonly LimitProblem[] => {
  const problems: LimitProblem[] = [];
  const seen = new Map<string, number>();
  for (let i = 0; Array.isArray(data) && i < data.length; i++) {
    const report = (key: string, message: string): void => {
      problems.push({ path: ["plausibility", i, key], message });
    };
    const [quantity, assignment] = [textAt(data, [i, "quantity"]), textAt(data, [i, "assignment"])];
    if (quantity === null) continue;
    const limit = DEFAULT_LIMITS.find(({ name }) => name === quantity);
    if (limit === undefined) {
      const names = DEFAULT_LIMITS.map(({ name }) => name);
      report("quantity", `no limit has this name${didYouMean(quantity, names)}; known: ${names.join(", ")}`);
      continue;
    }
    const [min, max] = [numberAt(data, [i, "min"]) ?? limit.min, numberAt(data, [i, "max"]) ?? limit.max];
    if (min >= max) report("quantity", `nothing is between min ${min} and max ${max} (${limit.unit}); correct them`);
    if (assignment !== null && !assignments.has(assignment)) {
      report("assignment", "neither the hub nor a sensor has this assignment; correct it or leave it out");
    }
    const key = `${quantity} ${assignment ?? ""}`;
    const before = seen.get(key);
    if (before === undefined) seen.set(key, i);
    else report("quantity", `same limit as plausibility[${before}]; each may stand once`);
  }
  return problems;
};
