import type { BackendStatus } from "../../ota/update/backend.ts";
import type { Reason, UpdateMemory, UpdateState, WantedRelease } from "../../ota/update/update-state.ts";
import type { ReportedRelease } from "../../protocol/desired.ts";
import { isoUtc } from "../../protocol/time.ts";

/** Outcomes that the region reads: more campaigns than a hub goes through while a region looks away. */
const MOST_REPORTED = 8;

/** What an update that is under way is for; null while none is. */
export const underWay = (state: UpdateState): WantedRelease | null => {
  if (state.tag === "idle") return null;
  return state.tag === "checking" ? state.wanted : state.offer.wanted;
};

/** Why it waits or is taken back; null where it does not. */
export const reasonOf = (state: UpdateState): Reason | null => ("why" in state ? state.why : null);

export const reportedRelease = (
  memory: UpdateMemory,
  backend: BackendStatus,
  slot: string,
  counter: number,
): ReportedRelease => {
  const wanted = underWay(memory.state) ?? memory.wanted;
  return {
    state: memory.state.tag,
    campaign: wanted?.campaign ?? null,
    target: wanted?.target ?? null,
    counter: wanted?.counter ?? null,
    reason: reasonOf(memory.state),
    running: { image: backend.running.image, counter, slot },
    outcomes: memory.outcomes.slice(0, MOST_REPORTED).map(({ result, wanted: of, why, at }) => ({
      result,
      campaign: of.campaign,
      target: of.target,
      counter: of.counter,
      code: why?.code ?? null,
      at: at === null ? null : isoUtc(at),
    })),
  };
};
