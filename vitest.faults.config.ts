import { defineConfig } from "vitest/config";

/** The long fault suites: `npm run test:faults`. */
export default defineConfig({
  test: {
    include: ["tests/**/*.faults.ts"],
    testTimeout: 30 * 60_000,
    hookTimeout: 60_000,
  },
});
