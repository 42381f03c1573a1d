import { expect, it } from "vitest";
import { wellBehaved } from "../../hardware-sim/broker/behaviours.ts";
import { createScriptedBroker } from "../../hardware-sim/broker/scripted-broker.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { EVENT } from "../forward/support/hub-under-test.ts";
import { authority, connectorTo } from "../forward/support/tls-broker.ts";

/** More than there are packet ids (MQTT 5, 2.2.1: 16 bits, not 0), on one connection. */
const MESSAGES = 66_000;
const WINDOW = 8;

it("F17: goes on when the packet ids of one connection begin again", async () => {
  const trusted = await authority;
  const clock = createSimulatedClock();
  const times = new Uint8Array(MESSAGES);
  await using broker = await createScriptedBroker({
    behaviour: wellBehaved,
    tls: { ...(await trusted.server()), ca: trusted.certificate },
    clock,
    onDelivered: (_topic, payload) => {
      const number = Number(new TextDecoder().decode(payload));
      times[number] = (times[number] ?? 0) + 1;
    },
  });
  const { signal } = new AbortController();
  await using link = await (await connectorTo(broker.port, clock)).connect(signal);
  let next = 0;
  const publishOn = async (): Promise<void> => {
    for (let number = next++; number < MESSAGES; number = next++) {
      const payload = new TextEncoder().encode(String(number));
      const outcome = await link.publish({ topic: EVENT, payload, retain: false }, signal);
      if (outcome.tag !== "accepted") throw new Error(`message ${number}: ${outcome.tag}`);
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, publishOn));
  expect(times.every((count) => count === 1)).toBe(true);
});
