import { expect, it } from "vitest";
import { createReadingValidator } from "./validate.ts";

it("runs", () => {
  expect(createReadingValidator()({}).tag).toBe("invalid");
});
