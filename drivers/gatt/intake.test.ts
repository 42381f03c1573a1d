import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { channelId } from "../../protocol/ids.ts";
import type { Received } from "../../protocol/ports/transport.ts";
import { epochMs, millis } from "../../protocol/time.ts";
import { createBodyCompositionIntake } from "./body-composition-intake.ts";
import { createGlucoseIntake } from "./glucose-intake.ts";
import type { GattIntake, IntakeStep } from "./intake.ts";

const received = (channel: string, bytes: Uint8Array, at: number): Received => ({
  channel: channelId(channel),
  bytes,
  at: {
    utc: epochMs(Date.UTC(2026, 5, 15)),
    bootId: "boot",
    monoMs: millis(at),
    hubClock: { state: "ntp", errorMs: 20 },
  },
  confirm: () => undefined,
});

const lengthOf = ({ taken, refused }: IntakeStep<unknown>): number =>
  [...taken, ...refused].reduce((sum, { raw }) => sum + raw.length, 0);

const values = (channels: readonly string[]) =>
  fc.array(fc.tuple(fc.constantFrom(...channels), fc.uint8Array({ maxLength: 24 })), { maxLength: 120 });

const intakes: readonly (readonly [string, () => GattIntake<unknown>, readonly string[]])[] = [
  ["glucose", () => createGlucoseIntake(false), ["2a18", "2a34"]],
  ["glucose of a CareSens", () => createGlucoseIntake(true), ["2a18", "2a34"]],
  ["body composition", createBodyCompositionIntake, ["2a9c"]],
];

describe("intake of values that belong together", () => {
  it.each(intakes)("of %s never throws, and makes no more of bytes than came in", (_what, create, channels) => {
    fc.assert(
      fc.property(values(channels), (given) => {
        const intake = create();
        let inwards = 0;
        let outwards = 0;
        given.forEach(([channel, bytes], at) => {
          inwards += bytes.length;
          outwards += lengthOf(intake.push(received(channel, bytes, at)));
        });
        outwards += lengthOf(intake.settle("quiet"));
        expect(outwards).toBeLessThanOrEqual(inwards);
        expect(lengthOf(intake.settle("quiet"))).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it("lets no more than 32 measurements wait for a context, and none of them is lost", () => {
    const intake = createGlucoseIntake(false);
    let taken = 0;
    for (let sequence = 0; sequence < 100; sequence++) {
      // Context follows; no concentration.
      const bytes = Uint8Array.of(0x10, sequence, 0, 0xea, 7, 6, 15, 14, 0, 0);
      taken += intake.push(received("2a18", bytes, sequence)).taken.length;
    }
    expect(taken).toBe(68);
    expect(intake.settle("told").taken).toHaveLength(32);
  });
});
