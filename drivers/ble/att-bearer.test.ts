import { beforeEach, describe, expect, it } from "vitest";
import { createSimulatedClock, type SimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { fromHex, toHex } from "../../protocol/bytes.ts";
import { HubError, isHubError } from "../../protocol/errors.ts";
import { seconds } from "../../protocol/time.ts";
import { type AttBearer, type AttValue, createAttBearer } from "./att-bearer.ts";

const never = new AbortController().signal;

let clock: SimulatedClock;
let sent: string[];
let values: AttValue[];
let stuck: HubError | null;
let bearer: AttBearer;

/** Ask for a packet and keep what became of it. */
const ask = (hex: string, signal = never): { answer: string | null; error: unknown } => {
  const asked: { answer: string | null; error: unknown } = { answer: null, error: null };
  bearer.request("read of 2a19", fromHex(hex), signal).then(
    (response) => {
      asked.answer = toHex(response);
    },
    (thrown: unknown) => {
      asked.error = thrown;
    },
  );
  return asked;
};
const settle = (): Promise<void> => clock.advance(seconds(0));
const answer = (hex: string): Promise<void> => {
  bearer.receive(fromHex(hex));
  return settle();
};

beforeEach(() => {
  clock = createSimulatedClock();
  sent = [];
  values = [];
  stuck = null;
  bearer = createAttBearer({
    peer: "c4:f3:12:53:f2:c9",
    clock,
    offeredMtu: 247,
    send: (bytes) => sent.push(toHex(bytes)),
    value: (value) => values.push(value),
    stuck: (error) => {
      stuck = error;
    },
  });
});

describe("an ATT bearer", () => {
  it.each([
    ["03b900", 185],
    ["030502", 247],
    ["030a00", 23],
    ["03", 23],
    ["010200000006", 23],
  ])("takes the smaller packet size of both: %s makes %i", async (response, mtu) => {
    await answer(response);
    expect(bearer.mtu).toBe(mtu);
    ask("0a0300");
    expect(sent).toEqual(["0a0300"]);
  });

  it("sends one request at a time, in order, each with its own answer", async () => {
    const [first, second] = [ask("0a0300"), ask("0a0400")];
    expect(sent).toEqual([]);
    await answer("03b900");
    expect(sent).toEqual(["0a0300"]);
    await answer("0b11");
    expect(sent).toEqual(["0a0300", "0a0400"]);
    await answer("0b22");
    expect([first.answer, second.answer]).toEqual(["0b11", "0b22"]);
  });

  it("surfaces the error of a request, also an invalid PDU, and goes on with the next", async () => {
    await answer("03b900");
    const [first, second] = [ask("120300aa"), ask("0a0400")];
    await answer("0112030004");
    expect(isHubError(first.error, "ble-att-error") && first.error.context.attError).toBe(4);
    await answer("0b22");
    expect(second.answer).toBe("0b22");
  });

  it("pays no attention to answers of something else", async () => {
    await answer("03b900");
    const asked = ask("0a0300");
    for (const stray of ["13", "0112030005", "0d55", "1e", ""]) await answer(stray);
    expect(asked).toEqual({ answer: null, error: null });
    await answer("0b87");
    expect(asked.answer).toBe("0b87");
  });

  it("gives up after 10 s, tells that it is stuck, and fails whatever waits", async () => {
    await answer("03b900");
    const [first, second] = [ask("0a0300"), ask("0a0400")];
    await clock.advance(seconds(9.9));
    expect(first.error).toBeNull();
    await clock.advance(seconds(0.2));
    expect(isHubError(first.error, "ble-timeout")).toBe(true);
    expect(second.error).toBe(first.error);
    expect(stuck).toBe(first.error);
    const third = ask("0a0500");
    await settle();
    expect(third.error).toBe(first.error);
  });

  it("counts the deadline from the moment when the request is sent", async () => {
    await answer("03b900");
    const [first, second] = [ask("0a0300"), ask("0a0400")];
    await clock.advance(seconds(8));
    await answer("0b11");
    await clock.advance(seconds(8));
    await answer("0b22");
    expect([first.answer, second.answer, stuck]).toEqual(["0b11", "0b22", null]);
  });

  it("gives up also when the first exchange is never answered", async () => {
    const asked = ask("0a0300");
    await clock.advance(seconds(11));
    expect(isHubError(asked.error, "ble-timeout")).toBe(true);
  });

  it("lets a caller go at once, and keeps the place of its request until the answer comes", async () => {
    await answer("03b900");
    const stop = new AbortController();
    const [first, queued, third] = [ask("0a0300", stop.signal), ask("0a0400", stop.signal), ask("0a0500")];
    stop.abort(new Error("stopped by the test"));
    await settle();
    expect([first.error, queued.error]).toEqual([stop.signal.reason, stop.signal.reason]);
    expect(sent).toEqual(["0a0300"]);
    await answer("0b11");
    expect(sent).toEqual(["0a0300", "0a0500"]);
    await answer("0b33");
    expect(third.answer).toBe("0b33");
  });

  it("hands out values whatever else is going on, and confirms none by itself", async () => {
    bearer.receive(fromHex("1d2500aabb"));
    bearer.receive(fromHex("1b2600cc"));
    expect(values.map(({ handle, indication }) => [handle, indication])).toEqual([
      [0x25, true],
      [0x26, false],
    ]);
    expect(sent).toEqual([]);
  });

  it("answers the requests of the other side as a device without attributes", () => {
    bearer.receive(fromHex("021700"));
    expect(bearer.mtu).toBe(23);
    bearer.receive(fromHex("100100ffff0028"));
    bearer.receive(fromHex("522500aa"));
    expect(sent).toEqual(["03f700", "0110000006"]);
  });

  it("settles everything with the reason when the link ends", async () => {
    await answer("03b900");
    const asked = [ask("0a0300"), ask("0a0400")];
    const gone = new HubError("ble-disconnected", "connection: the sensor hung up; measure again");
    bearer.close(gone);
    await settle();
    expect(asked.map(({ error }) => error)).toEqual([gone, gone]);
    expect(clock.sleeping).toBe(0);
    bearer.receive(fromHex("1b2600cc"));
    expect(values).toEqual([]);
  });

  it("refuses a caller that asks without waiting for answers", async () => {
    const asked = Array.from({ length: 40 }, () => ask("0a0300"));
    await settle();
    expect(asked.filter(({ error }) => isHubError(error, "invalid-argument")).length).toBe(8);
  });
});
