import type { ChannelId } from "../../protocol/ids.ts";

/** What is read once a session because it belongs to every measurement of it, by characteristic. */
export type Statics = ReadonlyMap<ChannelId, Uint8Array>;

export const NO_STATICS: Statics = new Map();
