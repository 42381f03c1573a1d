import { describe, expect, it } from "vitest";
import { requirement, titled } from "../support/requirements.ts";
import { durableSubjects } from "./durable-subjects.ts";
import { reportFileCuts } from "./file-cuts.ts";

const cc = requirement("cc");

describe.skipIf(!cc.available)(
  titled("F01: after a cut of the power at any operation on the disk, the hub", cc),
  () => {
    it.each(durableSubjects.map((subject) => [subject.name, subject] as const))(
      "has of the %s the version that was acknowledged, or the next one",
      async (_, subject) => {
        const { cuts, wrong } = await reportFileCuts(subject, subject.every ?? 1);
        expect(wrong).toEqual([]);
        expect(cuts).toBeGreaterThan(35);
      },
      60_000,
    );
  },
);
