import { join } from "node:path";
import { askHub } from "../../hardware-sim/home/ask-hub.ts";
import { createHome, type Home } from "../../hardware-sim/home/home.ts";
import type { HomeEvent } from "../../hardware-sim/home/home-event.ts";
import { HUB_SOCKET } from "../../hardware-sim/home/hub-config-file.ts";
import { scenarioNamed } from "../../hardware-sim/home/scenario.ts";
import type { HubEvent } from "../../protocol/messages.ts";
import { millis } from "../../protocol/time.ts";
import { bundledHub } from "../support/bundled.ts";
import { until } from "../support/until.ts";

/** What `status` says of the outbox and of the sensors. */
interface Status {
  readonly outbox: { readonly waiting: number; readonly held: number; readonly trouble: string | null };
  readonly sensors: { readonly configured: number; readonly ready: number };
  readonly health: { readonly openFiles: number | null };
}

/** A whole hub, as it is shipped, in a home whose folder the test has made. */
export interface HubAtHome extends AsyncDisposable {
  readonly home: Home;
  count(kind: HomeEvent["event"]): number;
  /** Use the sensors, and wait until so many more readings are stored. */
  store(readings: number, sensors: readonly string[]): Promise<void>;
  status(): Promise<Status>;
  /** Events that the region has of this hub, and what its log complains of. */
  told(): string;
  regionEvents(): readonly HubEvent[];
}

export const openHubAtHome = async (folder: string, before: readonly string[] = []): Promise<HubAtHome> => {
  await using stack = new AsyncDisposableStack();
  const program = stack.use(await bundledHub());
  const events: HomeEvent[] = [];
  const home = stack.use(
    await createHome({
      seed: 7,
      scenario: scenarioNamed("still"),
      folder,
      hub: [...before, process.execPath, program.file],
      observe: (event) => events.push(event),
      restartAfter: millis(20),
    }),
  );
  await home.start(AbortSignal.timeout(120_000));
  const count = (kind: HomeEvent["event"]): number => events.filter(({ event }) => event === kind).length;
  const kept = stack.move();
  return {
    home,
    count,
    store: async (readings, sensors) => {
      const enough = count("stored") + readings;
      for (const sensor of sensors) home.use(sensor);
      await until(() => count("stored") >= enough, `${readings} more readings are stored`, 90_000);
    },
    status: async () => {
      for await (const frame of askHub(join(folder, HUB_SOCKET), ["status"], AbortSignal.timeout(20_000))) {
        if ("data" in frame) return frame.data as Status;
      }
      throw new Error("the hub gives no status");
    },
    told: () => events.flatMap((one) => (one.event === "complaint" ? [one.text] : [])).join("\n"),
    regionEvents: () => home.region.receiver.hubs().flatMap((hub) => hub.events),
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
};
