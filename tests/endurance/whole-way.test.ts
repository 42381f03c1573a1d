import { it } from "vitest";
import { checkLives } from "./whole-way-checks.ts";

it("gives every reading one effect or one refusal, from a real disk to the region, whatever happens on the way", async () => {
  await checkLives(12, 25);
}, 150_000);
