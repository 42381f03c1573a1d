import { HubError } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import type { InboundMessage, RegionConnector, RegionLink } from "../../protocol/ports/region-link.ts";
import { type Millis, millis } from "../../protocol/time.ts";

export interface LinkQuality {
  readonly roundTrip: Millis;
  /** Of the way to the region; the way back is taken to have room. */
  readonly bytesPerSecond: number;
}

/** What went over a link, as somebody on the wire would see it. */
export interface Traffic {
  mostInFlight: number;
  mostBytesInFlight: number;
  /** Attempts to connect in vain. */
  inVain: number;
}

export interface SlowLink {
  readonly connector: RegionConnector;
  readonly traffic: Traffic;
  /** False: nothing can be reached; a link that is up stays as it is, until somebody cuts it. */
  setReachable(isReachable: boolean): void;
}

/** Around a payload: fixed header, topic, properties, TLS record. */
const PACKET_OVERHEAD = 120;

/**
 * A line with a length and a width, in simulated time, in front of `inner`: messages go one behind the other as fast as
 * the line carries them, and answers and receipts take half a round trip.
 */
export const createSlowLink = (inner: RegionConnector, quality: LinkQuality, clock: Clock): SlowLink => {
  const half = millis(quality.roundTrip / 2);
  const traffic: Traffic = { mostInFlight: 0, mostBytesInFlight: 0, inVain: 0 };
  let isReachable = true;
  let freeAt = 0;
  let inFlight = 0;
  let bytesInFlight = 0;

  async function* later(incoming: AsyncIterable<InboundMessage>, signal: AbortSignal): AsyncGenerator<InboundMessage> {
    for await (const message of incoming) {
      await clock.sleep(half, signal).catch(() => undefined);
      yield message;
    }
  }

  const wrap = (link: RegionLink): RegionLink => {
    const publish: RegionLink["publish"] = async (message, signal) => {
      const bytes = message.payload.length + PACKET_OVERHEAD;
      const either = AbortSignal.any([signal, link.lost]);
      inFlight += 1;
      bytesInFlight += bytes;
      traffic.mostInFlight = Math.max(traffic.mostInFlight, inFlight);
      traffic.mostBytesInFlight = Math.max(traffic.mostBytesInFlight, bytesInFlight);
      try {
        freeAt = Math.max(freeAt, clock.elapsed()) + (bytes / quality.bytesPerSecond) * 1000;
        await clock.sleep(millis(freeAt - clock.elapsed() + half), either);
        const outcome = await link.publish(message, signal);
        await clock.sleep(half, either);
        return outcome;
      } finally {
        inFlight -= 1;
        bytesInFlight -= bytes;
      }
    };
    return {
      protocol: link.protocol,
      receiveMaximum: link.receiveMaximum,
      maximumPacketSize: link.maximumPacketSize,
      lost: link.lost,
      incoming: later(link.incoming, link.lost),
      publish,
      [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
    };
  };

  return {
    traffic,
    setReachable: (next) => {
      isReachable = next;
    },
    connector: {
      connect: async (signal) => {
        await clock.sleep(quality.roundTrip, signal);
        if (!isReachable) {
          traffic.inVain += 1;
          throw new HubError("link-unreachable", "link to the region: no route; check the router");
        }
        freeAt = clock.elapsed();
        return wrap(await inner.connect(signal));
      },
    },
  };
};
