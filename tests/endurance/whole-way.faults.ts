import { it } from "vitest";
import { checkLives } from "./whole-way-checks.ts";

it("gives every reading one effect or one refusal in 1 000 longer lives", async () => {
  await checkLives(1000, 60);
}, 7_200_000);
