import { HubError } from "../../protocol/errors.ts";
import { askHub } from "./ask-hub.ts";
import type { HomeSensor } from "./home-sensor.ts";

/** Stages at which a sensor in pairing mode gets on by itself. */
interface Told {
  readonly stage?: { readonly tag?: string };
  readonly bond?: unknown;
}

const answers = async function* (socket: string, words: readonly string[], signal: AbortSignal): AsyncGenerator<Told> {
  for await (const frame of askHub(socket, words, signal)) {
    if ("error" in frame) throw new HubError("aborted", `${words.join(" ")}: ${frame.error}`);
    if ("data" in frame) yield frame.data as Told;
  }
};

const isPaired = async (socket: string, sensor: string, signal: AbortSignal): Promise<boolean> => {
  for await (const { bond } of answers(socket, ["sensor", "bond", sensor], signal)) return bond !== null;
  return false;
};

/**
 * Pair a sensor with the hub as a technician does: open the window, hold the sensor's button, wait for the word.
 * Resolves with whether there was anything to do; rejects with HubError `aborted` where it does not come about.
 */
export const pairSensor = async (
  socket: string,
  { name, pairing }: Pick<HomeSensor, "name" | "pairing">,
  signal: AbortSignal,
): Promise<boolean> => {
  if (pairing === null || (await isPaired(socket, name, signal))) return false;
  let tag = "closed";
  for await (const { stage } of answers(socket, ["sensor", "pair", name], signal)) {
    tag = stage?.tag ?? tag;
    if (tag === "waiting") pairing.holdButton();
  }
  if (tag !== "paired") throw new HubError("aborted", `sensor ${name}: not paired with the hub, its window is ${tag}`);
  return true;
};
