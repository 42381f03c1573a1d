import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { RegionSide } from "../../hardware-sim/home/region-side.ts";
import { createReleaseServer } from "../../hardware-sim/region/release-server.ts";
import { type HawkbitServer, startHawkbitServer } from "../ota/hawkbit-server.ts";
import { createTestRegion } from "../ota/update-bench.ts";
import { requirement, titled } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { openCommandHome, weighTimes } from "./support/command-home.ts";

const PATIENCE_MS = 40_000;
const tools = requirement("mksquashfs");

it.skipIf(!tools.available)(
  titled("a running hub is driven by a hawkBit that knows it by its certificate, and by nobody else", tools),
  { timeout: 120_000 },
  async () => {
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), "hemhub-hawkbit-"));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const region = stack.use(await createTestRegion({ now: () => Date.now() }));
    const releases = stack.use(await createReleaseServer({ folder: region.folder }));
    const wanted = await region.release("for-others", 5, { terms: { hardware: ["rpi4b"] } });
    const hawkbits: HawkbitServer[] = [];

    const updates = async ({ files }: RegionSide) => {
      const [ca, cert, key] = await Promise.all(
        [files.ca, files.server.certificate, files.server.key].map((file) => readFile(file)),
      );
      const tls = { ca, cert, key, requestCert: true, rejectUnauthorized: true };
      const hawkbit = stack.use(await startHawkbitServer({ tls, controllerId: "hub-0042", token: null }));
      hawkbits.push(hawkbit);
      const root = join(region.folder, "metadata", "1.root.json");
      const url = `http://127.0.0.1:${releases.port}/`;
      return { updates: { root, hardware: "generic", url, hawkbit: { url: hawkbit.url } } };
    };
    const home = stack.use(await openCommandHome("a-7f3c9b", updates));
    const [hawkbit] = hawkbits;
    if (hawkbit === undefined) throw new Error("no hawkBit was started");
    hawkbit.wantsConfig = true;
    const metadata = { "hemhub.target": wanted.target, "hemhub.counter": "5" };
    const action = hawkbit.assign({ metadata, update: "forced" });

    const launched = { HEMHUB_RELEASES: join(folder, "releases"), HEMHUB_SLOT: "base", HEMHUB_RELEASE: "base" };
    const hub = stack.use(await home.start(launched));
    await until(() => action.status === "error", "hawkBit hears that the release is for others", PATIENCE_MS);
    expect(action.told.at(-1)).toMatchObject({ execution: "closed", finished: "failure" });
    expect(action.told.at(-1)?.details.join(" ")).toContain("update-unfit");
    await until(() => hawkbit.attributes.hardware === "generic", "hawkBit knows the hub's hardware", PATIENCE_MS);

    const { out } = await hub.ask("update", "history");
    expect(out).toContain("rejected");
    await home.region.desire({ release: { campaign: "other", target: wanted.target, counter: 5 } });
    const told = await home.reported(({ notUnderstood }) => notUnderstood.length > 0, "hawkBit drives the releases");
    expect(told.notUnderstood).toMatchObject([{ part: "release", reason: expect.stringContaining("hawkBit") }]);
    expect(told.release?.outcomes).toMatchObject([{ result: "rejected", code: "update-unfit", counter: 5 }]);
    await weighTimes(home, hub, 1);
  },
);
