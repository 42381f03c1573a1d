import { type Millis, seconds } from "../../protocol/time.ts";

/**
 * Messages of hawkBit's Direct Device Integration API, version 1, as far as a hub needs them
 * (https://eclipse.dev/hawkbit, "Direct Device Integration API"). What a server sends is not trusted: all of it is parsed
 * here, and null says that it is not such a message.
 */

/** One of `_links`: which action, and in which state of it (the query parameter `c`, which changes when the action does). */
export interface ActionLink {
  readonly id: string;
  readonly state: string | null;
}

/** `GET /{tenant}/controller/v1/{controllerId}`: what there is to do. At most one of the three links is given. */
export interface ControllerBase {
  /** How long the server asks to wait until the next poll; null where it does not say so. */
  readonly sleep: Millis | null;
  readonly deployment: ActionLink | null;
  readonly cancel: ActionLink | null;
  readonly confirmation: ActionLink | null;
  /** The server asks for the attributes of this device. */
  readonly wantsConfig: boolean;
}

/** What to do with a part of an action: not yet, when local care allows, or at once. */
export type Handling = "skip" | "attempt" | "forced";

/** A software module of the action's distribution set. */
export interface Chunk {
  /** Metadata that the operator made visible to targets. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** `GET .../deploymentBase/{id}` and `GET .../confirmationBase/{id}`. */
export interface Deployment {
  readonly id: string;
  readonly download: Handling;
  /** `skip` also while the action's maintenance window is not open. */
  readonly update: Handling;
  readonly chunks: readonly Chunk[];
}

/** Ids are numbers of 64 bits; they go into paths, so that nothing else is one. */
const ACTION_ID = /^\d{1,19}$/;
/** A distribution set has a handful; each of them is looked through. */
const MOST_CHUNKS = 100;
const MOST_METADATA = 200;
/** A wait that is longer than a year is a slip. */
const MOST_SLEEP_HOURS = 8784;

type Json = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const recordIn = (value: unknown, name: string): Json | null => {
  const found = isRecord(value) ? value[name] : undefined;
  return isRecord(found) ? found : null;
};

export const actionIdOf = (value: unknown): string | null => {
  const text = typeof value === "number" ? String(value) : value;
  return typeof text === "string" && ACTION_ID.test(text) ? text : null;
};

/** `HH:mm:ss`. */
const sleepOf = (value: unknown): Millis | null => {
  const found = typeof value === "string" ? /^(\d{1,4}):([0-5]\d):([0-5]\d)$/.exec(value) : null;
  if (found === null || Number(found[1]) > MOST_SLEEP_HOURS) return null;
  return seconds(Number(found[1]) * 3600 + Number(found[2]) * 60 + Number(found[3]));
};

/**
 * Only id and state are taken from a link: host and scheme are those of the configuration, because behind a proxy the
 * server names itself wrongly, and because the hub's token goes nowhere else.
 */
const linkOf = (links: Json, relation: string): ActionLink | null => {
  const href = recordIn(links, relation)?.href;
  if (typeof href !== "string" || !URL.canParse(href, "http://hawkbit.invalid/")) return null;
  const { pathname, searchParams } = new URL(href, "http://hawkbit.invalid/");
  const id = actionIdOf(pathname.split("/").at(-1));
  return id === null ? null : { id, state: searchParams.get("c") };
};

export const parseControllerBase = (json: unknown): ControllerBase | null => {
  const config = recordIn(json, "config");
  if (config === null) return null;
  const links = recordIn(json, "_links") ?? {};
  return {
    sleep: sleepOf(recordIn(config, "polling")?.sleep),
    deployment: linkOf(links, "deploymentBase"),
    cancel: linkOf(links, "cancelAction"),
    confirmation: linkOf(links, "confirmationBase"),
    wantsConfig: recordIn(links, "configData") !== null,
  };
};

const handlingOf = (value: unknown): Handling | null =>
  value === "skip" || value === "attempt" || value === "forced" ? value : null;

const metadataOf = (value: unknown): ReadonlyMap<string, string> => {
  const listed: readonly unknown[] = Array.isArray(value) ? value.slice(0, MOST_METADATA) : [];
  return new Map(
    listed.flatMap((one): [string, string][] =>
      isRecord(one) && typeof one.key === "string" && typeof one.value === "string" ? [[one.key, one.value]] : [],
    ),
  );
};

/** `part`: where the content stands, `deployment` or `confirmation`. */
export const parseDeployment = (json: unknown, part: "deployment" | "confirmation"): Deployment | null => {
  const content = recordIn(json, part);
  const id = isRecord(json) ? actionIdOf(json.id) : null;
  if (content === null || id === null || !Array.isArray(content.chunks)) return null;
  const [download, update] = [handlingOf(content.download), handlingOf(content.update)];
  if (download === null || update === null || content.chunks.length > MOST_CHUNKS) return null;
  const chunks = content.chunks.map(
    (chunk): Chunk => ({ metadata: metadataOf(isRecord(chunk) ? chunk.metadata : null) }),
  );
  return { id, download, update, chunks };
};

/** `GET .../cancelAction/{id}`: the action that is to be stopped. */
export const parseCancel = (json: unknown): string | null => actionIdOf(recordIn(json, "cancelAction")?.stopId);
