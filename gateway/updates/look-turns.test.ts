import { describe, expect, it } from "vitest";
import { turn } from "../../hardware-sim/clock/simulated-clock.ts";
import type { TrustedUpdate } from "../../ota/trust/trusted-update.ts";
import { createLookTurns } from "./look-turns.ts";

const { signal } = new AbortController();

describe("looks at one store of metadata", () => {
  it("take turns, also after one that failed", async () => {
    const take = createLookTurns();
    const story: string[] = [];
    const open = (name: string) => async (): Promise<TrustedUpdate> => {
      story.push(`${name} begins`);
      if (name === "broken") throw new Error(name);
      return {
        refresh: async () => undefined,
        target: async () => Promise.reject(new Error("none")),
        [Symbol.asyncDispose]: async () => void story.push(`${name} ends`),
      };
    };
    const first = await take(open("first"), signal);
    const broken = take(open("broken"), signal);
    const second = take(open("second"), signal);
    await turn();
    expect(story).toEqual(["first begins"]);
    await first[Symbol.asyncDispose]();
    await expect(broken).rejects.toThrow("broken");
    await (await second)[Symbol.asyncDispose]();
    expect(story).toEqual(["first begins", "first ends", "broken begins", "second begins", "second ends"]);
  });

  it("are not begun for somebody who has gone", async () => {
    const take = createLookTurns();
    const gone = new AbortController();
    const look = take(() => Promise.reject(new Error("opened")), gone.signal);
    gone.abort();
    await expect(look).rejects.toMatchObject({ name: "AbortError" });
  });
});
