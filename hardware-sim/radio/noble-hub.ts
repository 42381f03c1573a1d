/*
 * A hub reduced to the published noble, as a process of its own, so that a test can kill it: scans for a cuff on the
 * terminal given as its argument, connects, subscribes, and prints each step on a line. Ends at the first value.
 */
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

interface Characteristic {
  readonly uuid: string;
  subscribeAsync(): Promise<void>;
  once(event: "data", listener: (data: Buffer) => void): void;
}
interface Peripheral {
  connectAsync(parameters: object): Promise<void>;
  discoverAllServicesAndCharacteristicsAsync(): Promise<{ readonly characteristics: readonly Characteristic[] }>;
}
interface Noble {
  waitForPoweredOnAsync(): Promise<void>;
  startScanningAsync(services: readonly string[], allowDuplicates: boolean): Promise<void>;
  stopScanningAsync(): Promise<void>;
  once(event: "discover", listener: (peripheral: Peripheral) => void): void;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const port = process.argv[2] ?? "";
const { withBindings } = createRequire(import.meta.url)("noble") as {
  withBindings(name: "hci", options: object): Noble;
};
const noble = withBindings("hci", { hciDriver: "uart", bindParams: { uart: { port, baudRate: 1_000_000 } } });

await noble.waitForPoweredOnAsync();
const found = new Promise<Peripheral>((resolve) => noble.once("discover", resolve));
await noble.startScanningAsync(["1810"], true);
const peripheral = await found;
await noble.stopScanningAsync();
await peripheral.connectAsync({ minInterval: 24, maxInterval: 40, latency: 0, timeout: 500 });
say("connected");
// The test lets it go on, or kills it here.
await new Promise<void>((resolve) => createInterface({ input: process.stdin }).once("line", () => resolve()));
const { characteristics } = await peripheral.discoverAllServicesAndCharacteristicsAsync();
const measurement = characteristics.find(({ uuid }) => uuid === "2a35");
measurement?.once("data", (data) => say(data.toString("hex")));
await measurement?.subscribeAsync();
