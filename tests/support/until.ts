import { setTimeout as pause } from "node:timers/promises";

/** Between two looks at a condition. Not a wait for time to pass: the condition decides, the deadline only fails. */
const LOOK_EVERY_MS = 5;

/** Resolves with the condition's first truthy result; rejects after `deadlineMs`, naming what was waited for. */
export const until = async <T>(
  condition: () => T | Promise<T>,
  what: string,
  deadlineMs = 15_000,
): Promise<NonNullable<T>> => {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const result = await condition();
    if (result !== undefined && result !== null && result !== false && result !== 0) return result as NonNullable<T>;
    if (performance.now() > end) throw new Error(`waited ${deadlineMs} ms in vain until ${what}`);
    await pause(LOOK_EVERY_MS);
  }
};
