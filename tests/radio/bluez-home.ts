import { type BluezRadio, type BluezRadioOptions, createBluezRadio } from "../../drivers/ble/bluez-radio.ts";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import type { Advertisement } from "../../protocol/ports/radio.ts";
import { millis } from "../../protocol/time.ts";
import { requirement } from "../support/requirements.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { until } from "../support/until.ts";
import { type MockBluez, type MockBluezOptions, startMockBluez } from "./bluez-mock.ts";
import type { MockCharacteristic, MockSensor } from "./bluez-mock-sensor.ts";
import { type DbusDaemon, startDbusDaemon } from "./dbus-daemon.ts";

const { reason } = requirement("dbus-daemon");
export const isMissing = reason !== null;
export const titled = (title: string): string => (reason === null ? title : `${title} [skipped: ${reason}]`);

export const never: AbortSignal = new AbortController().signal;

/** A cuff with a battery and a clock that can be set. */
export const CUFF: readonly MockCharacteristic[] = [
  { service: "1810", uuid: "2a35", flags: ["indicate"] },
  { service: "1810", uuid: "2a08", flags: ["read", "write"] },
  { service: "180f", uuid: "2a19", flags: ["read", "notify"], value: "57" },
];

/** A bus, BlueZ on it, and the hub's radio. Time stands still unless a test advances it: no deadline comes by itself. */
export interface BluezHome extends AsyncDisposable {
  readonly daemon: DbusDaemon;
  readonly clock: SimulatedClock;
  bluez: MockBluez;
  readonly radio: BluezRadio;
}

export const startHome = async (
  mock: MockBluezOptions | null = {},
  given: Partial<BluezRadioOptions> = {},
  policy = "",
): Promise<BluezHome> => {
  const daemon = await startDbusDaemon(policy);
  const clock = createSimulatedClock();
  const bluez = await startMockBluez(daemon.address, mock ?? {});
  if (mock === null) await bluez.stop();
  const radio = createBluezRadio({
    adapter: { type: "bluez", name: "hci0" },
    clock,
    time: clock,
    logger: silentLogger,
    busAddress: daemon.address,
    ...given,
  });
  const home: BluezHome = {
    daemon,
    clock,
    bluez,
    radio,
    [Symbol.asyncDispose]: async () => {
      await radio[Symbol.asyncDispose]();
      await home.bluez[Symbol.asyncDispose]();
      await daemon[Symbol.asyncDispose]();
    },
  };
  return home;
};

/** Scan until the sensor's advertisement is heard; it advertises as soon as BlueZ discovers. The scan is over then. */
export const hear = async ({ radio, bluez }: BluezHome, sensor: MockSensor): Promise<Advertisement> => {
  const advertised = until(() => bluez.isDiscovering(), "BlueZ discovers").then(() => sensor.advertise());
  for await (const advertisement of radio.scan(never)) {
    await advertised;
    return advertisement;
  }
  throw new Error("the scan ended by itself");
};

/** Let a deadline of the hub pass, once it has been set. */
export const pass = async ({ clock }: BluezHome, span: number): Promise<void> => {
  await until(() => clock.sleeping > 0, "the hub waits for a deadline");
  await clock.advance(millis(span));
};
