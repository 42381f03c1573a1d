import { type Millis, millis } from "../../protocol/time.ts";
import type { Capture, CaptureEvent } from "./capture.ts";

/** Ways in which the kit disturbs a capture by itself. */
export const CHECKS = ["truncate", "lose", "flip", "split", "drop", "silence", "refuse"] as const;
export type CheckName = (typeof CHECKS)[number];

/** A disturbed capture. `position` is the event at which it was disturbed. */
export interface Mutation {
  readonly capture: Capture;
  readonly position: number;
  /** Where and how, for a person who wants to see it again. */
  readonly label: string;
  readonly refuseTake?: number;
}

/** A mutation that is not made yet: most captures have more than are tried. */
type Recipe = () => Mutation;

type Received = Extract<CaptureEvent, { readonly tag: "received" }>;

const received = (capture: Capture): readonly (readonly [number, Received])[] =>
  capture.session.flatMap((event, index) => (event.tag === "received" ? [[index, event] as const] : []));

const replaced = (capture: Capture, index: number, events: readonly CaptureEvent[]): Capture => ({
  ...capture,
  session: [...capture.session.slice(0, index), ...events, ...capture.session.slice(index + 1)],
});

const truncations = (capture: Capture): Recipe[] =>
  received(capture).flatMap(([index, event]) =>
    Array.from(event.bytes, (_, length) => () => ({
      capture: replaced(capture, index, [{ ...event, bytes: event.bytes.slice(0, length) }]),
      position: index,
      label: `line ${event.line}: cut to ${length} of ${event.bytes.length} bytes`,
    })),
  );

const losses = (capture: Capture): Recipe[] =>
  capture.link.length > 0
    ? []
    : received(capture).flatMap(([index, event]) =>
        Array.from(event.bytes, (_, at) => () => ({
          capture: replaced(capture, index, [{ ...event, bytes: event.bytes.filter((__, other) => other !== at) }]),
          position: index,
          label: `line ${event.line}: byte ${at + 1} of ${event.bytes.length} lost`,
        })),
      );

const flips = (capture: Capture): Recipe[] =>
  received(capture).flatMap(([index, event]) =>
    Array.from({ length: event.bytes.length * 8 }, (_, bit) => () => {
      const bytes = event.bytes.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return {
        capture: replaced(capture, index, [{ ...event, bytes }]),
        position: index,
        label: `line ${event.line}: bit ${bit & 7} of byte ${bit >> 3} flipped`,
      };
    }),
  );

const splits = (capture: Capture): Recipe[] =>
  capture.link.length > 0
    ? []
    : received(capture).flatMap(([index, event]) =>
        Array.from({ length: Math.max(0, event.bytes.length - 1) }, (_, at) => () => ({
          capture: replaced(capture, index, [
            { ...event, bytes: event.bytes.slice(0, at + 1) },
            { ...event, bytes: event.bytes.slice(at + 1) },
          ]),
          position: index,
          label: `line ${event.line}: split after byte ${at + 1}`,
        })),
      );

/** When the event at `index` would have come: the session is broken off there. */
const timeOf = (capture: Capture, index: number): Millis =>
  capture.session[index]?.at ?? capture.session.at(-1)?.at ?? millis(0);

const endings = (capture: Capture, how: "drop" | "silence"): Recipe[] =>
  capture.session.map((event, index) => () => {
    const before = capture.session.slice(0, index);
    const session: readonly CaptureEvent[] =
      how === "silence" ? before : [...before, { tag: "disconnect", at: timeOf(capture, index), line: event.line }];
    const word = how === "drop" ? "disconnected" : "silent";
    return { capture: { ...capture, session }, position: index, label: `line ${event.line}: ${word} from here` };
  });

const refusals = (capture: Capture, takes: number): Recipe[] =>
  Array.from({ length: takes }, (_, take) => () => ({
    capture,
    position: 0,
    label: `the outbox refuses take ${take + 1}`,
    refuseTake: take,
  }));

/** Every mutation of one kind. `takes` is how often the undisturbed session gave readings to the outbox. */
export const mutationsOf = (name: CheckName, capture: Capture, takes: number): readonly Recipe[] => {
  switch (name) {
    case "truncate":
      return truncations(capture);
    case "lose":
      return losses(capture);
    case "flip":
      return flips(capture);
    case "split":
      return splits(capture);
    case "drop":
    case "silence":
      return endings(capture, name);
    case "refuse":
      return refusals(capture, takes);
  }
};
