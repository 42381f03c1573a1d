import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv } from "ajv";
import { stringify } from "yaml";
import { createRealClock } from "../../../hardware-sim/clock/real-clock.ts";
import { createRegionSide, type RegionSide } from "../../../hardware-sim/home/region-side.ts";
import { openPty, type Pty } from "../../../hardware-sim/pty/pty.ts";
import { type CommandSigner, createCommandSigner } from "../../../hardware-sim/region/command-signer.ts";
import { createDesiredClient, type DesiredClient } from "../../../hardware-sim/region/desired-client.ts";
import { tanitaLine } from "../../../hardware-sim/serial/scale-lines.ts";
import type { Reported } from "../../../protocol/desired.ts";
import { hubId } from "../../../protocol/ids.ts";
import type { Reading } from "../../../protocol/reading.ts";
import reportedSchema from "../../../protocol/schema/reported-1.schema.json" with { type: "json" };
import { startHub, type TestHome, type TestHub } from "../../gateway/support/test-hub.ts";
import { until } from "../../support/until.ts";

const HUB = hubId("hub-0042");

const BODY = { fatPercentTenths: 237, impedanceOhmTenths: 6129, heightCm: 181, age: 67, gender: "female" } as const;

/** A home with one scale on a cable, a region behind TLS, and the key that the region signs with. */
export interface CommandHome extends AsyncDisposable {
  readonly side: RegionSide;
  readonly signer: CommandSigner;
  readonly region: DesiredClient;
  readonly dataDir: string;
  start(environment?: NodeJS.ProcessEnv): Promise<TestHub>;
  /** Somebody steps on the scale; every weight is another one. */
  weigh(): Promise<void>;
  /** Readings that took effect at the region, in the order of their numbers. */
  received(): readonly Reading[];
  /** The newest `reported` that fits, when it comes. */
  reported(fits: (reported: Reported) => boolean, what: string): Promise<Reported>;
}

/** `more`: sections of the configuration besides, once the region is there. */
export const openCommandHome = async (
  assignment = "a-7f3c9b",
  more: (side: RegionSide) => Promise<Readonly<Record<string, unknown>>> = async () => ({}),
): Promise<CommandHome> => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "hemhub-command-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const side = stack.use(
    await createRegionSide({ clock: createRealClock(), hub: HUB, folder, seed: 1, observe: () => undefined }),
  );
  const { files } = side;
  const url = side.broker?.url ?? "";
  const region = stack.use(await createDesiredClient({ url, ca: files.ca, ...files.region, hub: HUB }));
  const signer = createCommandSigner(HUB);
  const commandKey = join(folder, "region-command.pem");
  await writeFile(commandKey, signer.publicKeyPem);
  const pty: Pty = stack.use(await openPty());
  const configFile = join(folder, "hub.yaml");
  const socket = join(folder, "hemhub.sock");
  await writeFile(
    configFile,
    stringify({
      hub: { id: HUB, assignment, dataDir: "./data", timeZone: "Europe/Stockholm" },
      region: {
        url: `mqtts://127.0.0.1:${side.network.port}`,
        ca: [files.ca],
        certificate: files.hub.certificate,
        key: files.hub.key,
        commandKeys: [commandKey],
      },
      sensors: [{ id: "scale", model: "tanita-sc-240", serial: { path: pty.path } }],
      diagnostics: { socket },
      log: { level: "debug" },
      ...(await more(side)),
    }),
  );
  const home: TestHome = { folder, configFile, socket, [Symbol.asyncDispose]: async () => undefined };
  let weighed = 0;
  const kept = stack.move();
  return {
    side,
    signer,
    region,
    dataDir: join(folder, "data"),
    start: (environment) => startHub(home, [pty], environment),
    weigh: async () => {
      weighed += 1;
      const { bytes } = tanitaLine({ ...BODY, weightTenths: 600 + weighed }, "00000002");
      await until(async () => (await pty.write(bytes)) === "written", "the hub listens to the scale", PATIENCE_MS);
    },
    received: () =>
      side.receiver
        .accepted()
        .map(({ reading }) => reading)
        .toSorted((a, b) => a.seq - b.seq),
    reported: (fits, what) =>
      until(() => (region.reported !== null && fits(region.reported) ? region.reported : undefined), what, 40_000),
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
};

/** A loaded machine takes its time to start a process, and to stop the parts of a hub. */
const PATIENCE_MS = 40_000;

const countOf = (hub: TestHub, message: string): number => hub.log.filter(({ msg }) => msg === message).length;

export const waiting = async (hub: TestHub): Promise<number> =>
  (JSON.parse((await hub.ask("outbox", "--json")).out) as { waiting: number }).waiting;

/** Measurements one after the other, each of them stored. */
export const weighTimes = async (home: CommandHome, hub: TestHub, times: number): Promise<void> => {
  for (let n = 0; n < times; n += 1) {
    const before = countOf(hub, "reading stored");
    await home.weigh();
    await until(() => countOf(hub, "reading stored") > before, "the reading is stored", PATIENCE_MS);
  }
};

/** The hub has stopped its parts, done what was due, and works again. */
export const readyAgain = (hub: TestHub): Promise<unknown> =>
  until(() => countOf(hub, "hub ready") === 2, "the hub works again", PATIENCE_MS);

/** How far a command came, as the hub reports it. */
export const stateOf = (id: string) => (reported: Reported) => reported.commands.find((one) => one.id === id)?.state;

/** What of a message is not as its schema says; null: nothing. */
export const schemaTrouble = (reported: Reported): string | null => {
  const ajv = new Ajv({ strict: false });
  return ajv.validate(reportedSchema, reported) ? null : ajv.errorsText();
};
