import { REGION_NAME } from "./credential-files.ts";

/**
 * The broker's access control (design protocol.md, MQTT): a hub publishes and subscribes only below
 * `hemhub/1/<its own id>/`, where the id is the common name of its certificate; the region's own client only below
 * `hemhub/1/`. A topic filter is allowed when everything it can match is: the literal prefix decides, because a
 * wildcard never matches across a level that comes before it.
 */
export const mayUse = (identity: string, topicOrFilter: string): boolean =>
  topicOrFilter.startsWith(identity === REGION_NAME ? "hemhub/1/" : `hemhub/1/${identity}/`) &&
  !topicOrFilter.endsWith("/");
