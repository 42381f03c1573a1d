import { afterEach, describe, expect, it } from "vitest";
import { isHubError } from "../../protocol/errors.ts";
import { SERIAL_CHANNEL } from "../../protocol/ids.ts";
import type { Transport } from "../../protocol/ports/transport.ts";
import { until } from "../support/until.ts";

/** A transport under test with the far end in the test's hand. */
export interface TransportUnderTest extends AsyncDisposable {
  readonly transport: Transport;
  /** Bytes as the sensor sends them; resolves when they are on their way. */
  send(bytes: Uint8Array): Promise<void>;
  /** All that the transport has written so far. */
  written(): Uint8Array;
  /** The connection breaks from the sensor's side. */
  breakOff(): Promise<void>;
}

const collect = (transport: Transport): { bytes: number[]; ended: Promise<void> } => {
  const bytes: number[] = [];
  const ended = (async (): Promise<void> => {
    for await (const received of transport.incoming) bytes.push(...received.bytes);
  })();
  return { bytes, ended };
};

const never = new AbortController().signal;

/** What every Transport promises (protocol/ports/transport.ts). */
export const transportContract = (name: string, make: () => Promise<TransportUnderTest>): void => {
  describe(`${name} is a transport: it`, () => {
    const open: TransportUnderTest[] = [];
    const made = async (): Promise<TransportUnderTest> => {
      const one = await make();
      open.push(one);
      return one;
    };
    afterEach(async () => {
      for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
    });

    it("hands out every byte value once, in order", async () => {
      const under = await made();
      const seen = collect(under.transport);
      const all = Uint8Array.from({ length: 256 }, (_, index) => index);
      await under.send(all);
      await until(() => seen.bytes.length >= 256, "256 bytes arrived");
      expect(seen.bytes).toEqual([...all]);
    });

    it("stamps what arrives with the hub's clocks and names its channel", async () => {
      const under = await made();
      await under.send(Uint8Array.of(1));
      for await (const received of under.transport.incoming) {
        expect(received.channel).toBe(SERIAL_CHANNEL);
        expect(received.at.bootId.length).toBeGreaterThan(0);
        expect(received.at.monoMs).toBeGreaterThanOrEqual(0);
        received.confirm();
        received.confirm();
        break;
      }
    });

    it("writes bytes unchanged", async () => {
      const under = await made();
      const all = Uint8Array.from({ length: 256 }, (_, index) => index);
      await under.transport.write(SERIAL_CHANNEL, all, never);
      await until(() => under.written().length >= 256, "256 bytes were written");
      expect([...under.written()]).toEqual([...all]);
    });

    it("ends the incoming bytes when the connection breaks, after what had arrived", async () => {
      const under = await made();
      const seen = collect(under.transport);
      await under.send(Uint8Array.of(7, 8, 9));
      await until(() => seen.bytes.length >= 3, "the bytes before the break arrived");
      await under.breakOff();
      await seen.ended;
      expect(seen.bytes).toEqual([7, 8, 9]);
    });

    it("says that it is lost, with a HubError that names the next step", async () => {
      const under = await made();
      const seen = collect(under.transport);
      await under.breakOff();
      await seen.ended;
      await until(() => under.transport.lost.aborted, "the transport says it is lost");
      const reason: unknown = under.transport.lost.reason;
      expect(isHubError(reason, "serial-closed") || isHubError(reason, "ble-disconnected")).toBe(true);
    });

    it("refuses a write once the connection is gone", async () => {
      const under = await made();
      const seen = collect(under.transport);
      await under.breakOff();
      await seen.ended;
      await until(() => under.transport.lost.aborted, "the transport says it is lost");
      await expect(under.transport.write(SERIAL_CHANNEL, Uint8Array.of(1), never)).rejects.toSatisfy((thrown) =>
        isHubError(thrown),
      );
    });

    it("refuses a write whose signal is aborted already", async () => {
      const under = await made();
      const stopped = AbortSignal.abort(new Error("stopped by the test"));
      await expect(under.transport.write(SERIAL_CHANNEL, Uint8Array.of(1), stopped)).rejects.toThrow(
        "stopped by the test",
      );
    });

    it("ends for its reader when it is disposed, also twice", async () => {
      const under = await made();
      const seen = collect(under.transport);
      await under.transport[Symbol.asyncDispose]();
      await under.transport[Symbol.asyncDispose]();
      await seen.ended;
      expect(under.transport.lost.aborted).toBe(true);
    });
  });
};
