import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { createServiceNotify } from "../../gateway/health/service-notify.ts";
import { createServiceWatch } from "../../gateway/health/service-watch.ts";
import { minutes } from "../../protocol/time.ts";
import { silentLogger } from "../support/test-loggers.ts";

/*
 * A process with the hub's own signs of life, which then does what a hub must not: `busy` blocks the event loop, `stuck`
 * waits for its outbox for ever. Anything else lives.
 */

const [does] = process.argv.slice(2);
const clock = createSystemClock();
const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());

const block = (): void => {
  const end = clock.elapsed() + minutes(10);
  while (clock.elapsed() < end);
};

const notify = createServiceNotify(process.env, process.pid, silentLogger);
const watch = createServiceWatch({
  notify: {
    every: notify.every,
    tell: async (sign) => {
      await notify.tell(sign);
      if (does === "busy") block();
    },
  },
  ready: Promise.resolve(),
  probe: () => (does === "stuck" ? new Promise(() => undefined) : Promise.resolve()),
  clock,
  logger: silentLogger,
});
await watch.run(stop.signal);
