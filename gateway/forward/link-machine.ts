import { type Millis, millis } from "../../protocol/time.ts";

/** Where the link to the region stands. `failures` counts since the last stable minute. */
export type LinkState =
  | { readonly tag: "stopped" }
  | { readonly tag: "connecting"; readonly failures: number }
  | { readonly tag: "up"; readonly failures: number; readonly since: Millis }
  | { readonly tag: "backing-off"; readonly failures: number; readonly delay: Millis };

/**
 * network: nothing there, or it went away. refused: the region said no, and soon would say it again. message: the
 * region ended the link because of one message, which is now dealt with.
 */
export type LinkFault = "network" | "refused" | "message";

/** `roll` is a random number in [0, 1), `at` monotonic time. */
export type LinkEvent =
  | { readonly tag: "start" }
  | { readonly tag: "opened"; readonly at: Millis }
  | { readonly tag: "failed"; readonly fault: LinkFault; readonly roll: number }
  | { readonly tag: "lost"; readonly fault: LinkFault; readonly at: Millis; readonly roll: number }
  | { readonly tag: "waited" }
  | { readonly tag: "stop" };

/** What the loop does next; each ends in one event. `rest` ends in none. */
export type LinkEffect =
  | { readonly tag: "connect" }
  | { readonly tag: "serve" }
  | { readonly tag: "wait"; readonly delay: Millis }
  | { readonly tag: "rest" };

export interface LinkStep {
  readonly state: LinkState;
  readonly effect: LinkEffect;
}

/** Even a link that came up is not tried again sooner: a flapping one costs one handshake a second at most. */
export const SHORTEST_BACKOFF = millis(1000);
/** A whole region that comes back is found within this, spread over it: thousands of hubs at 200 handshakes/s. */
export const LONGEST_BACKOFF = millis(300_000);
/** A region that says no is asked again after 15 s to 64 s first, then ever more rarely. */
const SHORTEST_AFTER_REFUSAL = millis(15_000);
const REFUSAL_COUNTS_AS = 6;
/** What lasted this long was a link, and not one more failure. */
export const STABLE_AFTER = millis(60_000);
/** 2^9 x 1 s is above the longest back-off; more doublings would only overflow in the end. */
const MOST_DOUBLINGS = 9;

/**
 * Full jitter between the shortest delay and a ceiling that doubles with each failure: 2 s, 4 s ... 5 min. Hubs that
 * lost the same broker come back spread, and not all together.
 */
export const backoff = (failures: number, fault: LinkFault, roll: number): Millis => {
  if (fault === "message") return SHORTEST_BACKOFF;
  const shortest = fault === "refused" ? SHORTEST_AFTER_REFUSAL : SHORTEST_BACKOFF;
  const ceiling = Math.min(LONGEST_BACKOFF, 1000 * 2 ** Math.min(failures, MOST_DOUBLINGS));
  return millis(Math.round(shortest + roll * (Math.max(ceiling, shortest) - shortest)));
};

const after = (failures: number, fault: LinkFault, roll: number): LinkStep => {
  const counted = fault === "message" ? failures : Math.max(failures + 1, fault === "refused" ? REFUSAL_COUNTS_AS : 0);
  const delay = backoff(counted, fault, roll);
  return { state: { tag: "backing-off", failures: counted, delay }, effect: { tag: "wait", delay } };
};

const connecting = (failures: number): LinkStep => ({
  state: { tag: "connecting", failures },
  effect: { tag: "connect" },
});

const stopped: LinkStep = { state: { tag: "stopped" }, effect: { tag: "rest" } };

const impossible = (state: LinkState, event: LinkEvent): Error =>
  new Error(`link machine: ${event.tag} while ${state.tag}`);

/** The link's states and what leads from one to the next. Pure; an event that cannot happen is a broken invariant. */
export const nextLinkStep = (state: LinkState, event: LinkEvent): LinkStep => {
  if (event.tag === "stop") return stopped;
  switch (state.tag) {
    case "stopped":
      if (event.tag === "start") return connecting(0);
      throw impossible(state, event);
    case "connecting":
      if (event.tag === "opened") {
        return { state: { tag: "up", failures: state.failures, since: event.at }, effect: { tag: "serve" } };
      }
      if (event.tag === "failed") return after(state.failures, event.fault, event.roll);
      throw impossible(state, event);
    case "up":
      if (event.tag === "lost") {
        return after(event.at - state.since >= STABLE_AFTER ? 0 : state.failures, event.fault, event.roll);
      }
      throw impossible(state, event);
    case "backing-off":
      if (event.tag === "waited") return connecting(state.failures);
      throw impossible(state, event);
  }
};
