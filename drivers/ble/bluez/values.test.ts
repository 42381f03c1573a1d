import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../../../hardware-sim/clock/simulated-clock.ts";
import { channelId } from "../../../protocol/ids.ts";
import type { BluezCharacteristic } from "./gatt-table.ts";
import { createValues, type Values } from "./values.ts";

const [A, B] = ["/a", "/b"];
const at = (path: string, channel: string, ...properties: ("read" | "notify")[]): BluezCharacteristic => ({
  path,
  service: "180f",
  channel: channelId(channel),
  properties: new Set(properties),
  mtu: null,
});
const taken = async (values: Values): Promise<string[]> => {
  values.end();
  const all: string[] = [];
  for await (const { channel, bytes } of values.incoming) all.push(`${channel} ${bytes.join(",")}`);
  return all;
};
const opened = (...characteristics: BluezCharacteristic[]): Values => {
  const values = createValues(createSimulatedClock());
  values.open(characteristics);
  return values;
};

describe("values of a device of BlueZ", () => {
  it("are kept from before it was known what they belong to", async () => {
    const values = createValues(createSimulatedClock());
    values.put(A, Uint8Array.of(1));
    values.put(B, Uint8Array.of(2));
    values.open([at(B, "2a19", "notify"), at(A, "2a37", "notify")]);
    values.put(A, Uint8Array.of(3));
    expect(await taken(values)).toEqual(["2a37 1", "2a19 2", "2a37 3"]);
  });

  it("are none where a characteristic is only read: another program may have", async () => {
    const values = opened(at(A, "2a08", "read"));
    values.put(A, Uint8Array.of(1));
    values.put(B, Uint8Array.of(1));
    expect(await taken(values)).toEqual([]);
  });

  it("lose the echo of a read, and nothing else that came meanwhile", async () => {
    const values = opened(at(A, "2a19", "read", "notify"), at(B, "2a37", "notify"));
    const finished = values.reading(A);
    for (const byte of [1, 2, 3]) values.put(A, Uint8Array.of(byte));
    values.put(B, Uint8Array.of(2));
    finished(Uint8Array.of(2));
    values.put(A, Uint8Array.of(2));
    expect(await taken(values)).toEqual(["2a37 2", "2a19 1", "2a19 3", "2a19 2"]);
  });

  it("lose one value for one read, also where the sensor sent the same", async () => {
    const values = opened(at(A, "2a19", "read", "notify"));
    const finished = values.reading(A);
    values.put(A, Uint8Array.of(2));
    values.put(A, Uint8Array.of(2));
    finished(Uint8Array.of(2));
    expect(await taken(values)).toEqual(["2a19 2"]);
  });

  it("lose none to a read that failed", async () => {
    const values = opened(at(A, "2a19", "read", "notify"));
    const finished = values.reading(A);
    values.put(A, Uint8Array.of(2));
    finished(null);
    expect(await taken(values)).toEqual(["2a19 2"]);
  });

  it("say when there are more than the hub can hold, also while it reads", () => {
    const values = opened(at(A, "2a19", "read", "notify"));
    values.reading(A);
    const isKept = Array.from({ length: 513 }, () => values.put(A, Uint8Array.of(1)));
    expect(isKept.lastIndexOf(true)).toBe(511);
  });
});
