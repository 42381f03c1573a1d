import { createNobleRadio } from "../../drivers/ble/noble-radio.ts";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import type { HubTime } from "../../protocol/ports/clock.ts";
import type { Advertisement, BleRadio } from "../../protocol/ports/radio.ts";
import type { BleLink, Received } from "../../protocol/ports/transport.ts";
import { silentLogger } from "../support/test-loggers.ts";

export const clock = createSystemClock();
export const time: HubTime = {
  stamp: () => ({
    utc: clock.now(),
    bootId: "boot-under-test",
    monoMs: clock.elapsed(),
    hubClock: { state: "ntp", errorMs: 20 },
  }),
};
export const never: AbortSignal = new AbortController().signal;

/** The hub's radio as the hub makes it, on a serial line. */
export const radioOn = (path: string): BleRadio =>
  createNobleRadio({ adapter: { type: "uart", path, baudRate: 115_200 }, clock, time, logger: silentLogger });

/** Scan until `wanted` is heard. The scan has ended when this resolves. */
export const heard = async (
  radio: BleRadio,
  wanted: (advertisement: Advertisement) => boolean,
): Promise<Advertisement> => {
  for await (const advertisement of radio.scan(never)) if (wanted(advertisement)) return advertisement;
  throw new Error("the scan ended by itself");
};

/** The next value, which stays unconfirmed. */
export const nextOf = async (incoming: AsyncIterator<Received>): Promise<Received> => {
  const { value, done } = await incoming.next();
  if (done === true) throw new Error("the connection ended");
  return value;
};

export const valuesOf = (link: BleLink): AsyncIterator<Received> => link.incoming[Symbol.asyncIterator]();
