import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { SHIPPED_CATALOGUE } from "../../drivers/catalogue/catalogue.ts";
import { createReleaseServer } from "../../hardware-sim/region/release-server.ts";
import { packCatalogueBundle } from "../../protocol/catalogue-bundle.ts";
import type { CatalogueReport, Reported } from "../../protocol/desired.ts";
import { createTestRegion } from "../ota/update-bench.ts";
import { until } from "../support/until.ts";
import { openCommandHome, schemaTrouble, weighTimes } from "./support/command-home.ts";

const MODEL = "tanita-sc-240";
const WITHDRAWN = 'status: withdrawn\nwithdrawn: { date: "2026-11-01", reason: recalled by its maker }\n';

const inForce =
  (counter: number) =>
  ({ catalogue }: Reported): boolean =>
    catalogue?.counter === counter && catalogue.state === "idle";

it("a running hub goes by a catalogue that the region signed, without a restart, and not by one that nobody signed", {
  timeout: 120_000,
}, async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "hemhub-catalogue-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const region = stack.use(await createTestRegion({ now: () => Date.now() }));
  const server = stack.use(await createReleaseServer({ folder: region.folder }));
  const root = join(region.folder, "metadata", "1.root.json");
  const updates = { root, hardware: "generic", url: `http://127.0.0.1:${server.port}/` };
  const home = stack.use(await openCommandHome("a-7f3c9b", async () => ({ updates })));
  const hub = stack.use(await home.start());

  const publish = async (counter: number, text: string): Promise<{ target: string; counter: number }> => {
    const file = join(folder, `${counter}.json`);
    await writeFile(file, packCatalogueBundle(new Map([[`${MODEL}.yaml`, text]])));
    const target = `catalogue/${counter}.json`;
    await region.repository.add([{ path: target, file, custom: { artefact: "catalogue", counter } }]);
    await region.publish();
    return { target, counter };
  };
  const certified = await readFile(join(SHIPPED_CATALOGUE, `${MODEL}.yaml`), "utf8");
  await weighTimes(home, hub, 1);

  await home.region.desire({ catalogue: await publish(1, certified) });
  const first = await home.reported(inForce(1), "the first catalogue is in force");
  expect(schemaTrouble(first)).toBeNull();
  await weighTimes(home, hub, 1);

  await home.region.desire({
    catalogue: await publish(2, certified + WITHDRAWN),
  });
  await home.reported(inForce(2), "the second catalogue is in force");
  const events = (): readonly string[] => home.side.receiver.hub(first.hubId)?.events.map(({ code }) => code) ?? [];
  await until(() => events().includes("sensor-withdrawn"), "the region hears of the withdrawal", 40_000);
  expect((await hub.ask("sensor", "list")).out).toContain("withdrawn");

  await home.region.desire({ catalogue: { target: "catalogue/9.json", counter: 9 } });
  const refused = (state: CatalogueReport["state"]) => (reported: Reported) => reported.catalogue?.state === state;
  const { catalogue } = await home.reported(refused("failed"), "what nobody signed is not taken");
  expect(catalogue).toMatchObject({ target: "catalogue/2.json", counter: 2, code: "update-unknown-target" });

  await home.region.desire({ catalogue: await publish(3, certified) });
  await home.reported(inForce(3), "the third catalogue is in force");
  await weighTimes(home, hub, 1);
  expect(hub.log.filter(({ msg }) => msg === "hub ready")).toHaveLength(1);
  await until(() => home.received().length === 3, "every reading arrives", 40_000);
});
