import { type ChannelId, channelId } from "../../../protocol/ids.ts";
import type { GattCharacteristic } from "../../../protocol/ports/transport.ts";
import { CHARACTERISTIC, type ManagedObjects, SERVICE, shortUuid, textsOf } from "./names.ts";

/** A characteristic and where BlueZ has it. */
export interface BluezCharacteristic extends GattCharacteristic {
  readonly path: string;
  /** Largest packet of the connection; null where this BlueZ does not say (before 5.62). */
  readonly mtu: number | null;
}

type Property = GattCharacteristic["properties"] extends ReadonlySet<infer P> ? P : never;

const PROPERTIES: readonly Property[] = ["read", "write", "write-without-response", "notify", "indicate"];
/** A sensor has 5 to 10 services with up to 10 characteristics; a peer that lists more is not one of ours. */
const ENTRY_LIMIT = 256;

/** The characteristics below a device, in the order of their handles, which end BlueZ's paths as four hex digits. */
export const characteristicsBelow = (devicePath: string, objects: ManagedObjects): readonly BluezCharacteristic[] =>
  [...objects]
    .filter(([path]) => path.startsWith(`${devicePath}/`))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, interfaces]): BluezCharacteristic[] => {
      const properties = interfaces[CHARACTERISTIC];
      const service = objects.get(String(properties?.Service))?.[SERVICE];
      if (typeof properties?.UUID !== "string" || typeof service?.UUID !== "string") return [];
      const flags = textsOf(properties.Flags);
      return [
        {
          path,
          service: shortUuid(service.UUID),
          channel: channelId(shortUuid(properties.UUID)),
          properties: new Set(PROPERTIES.filter((name) => flags.includes(name))),
          mtu: typeof properties.MTU === "number" ? properties.MTU : null,
        },
      ];
    })
    .slice(0, ENTRY_LIMIT);

/** The first of each UUID, as the ports address them. */
export const byChannel = (all: readonly BluezCharacteristic[]): ReadonlyMap<ChannelId, BluezCharacteristic> => {
  const table = new Map<ChannelId, BluezCharacteristic>();
  for (const one of all) if (!table.has(one.channel)) table.set(one.channel, one);
  return table;
};

/** True where values come by themselves. */
export const tellsValues = ({ properties }: GattCharacteristic): boolean =>
  properties.has("notify") || properties.has("indicate");
