import { createMqttConnector } from "../../../gateway/forward/mqtt-connector.ts";
import type { Behaviour } from "../../../hardware-sim/broker/behaviour.ts";
import { createScriptedBroker, type ScriptedBroker } from "../../../hardware-sim/broker/scripted-broker.ts";
import type { SimulatedClock } from "../../../hardware-sim/clock/simulated-clock.ts";
import { type CertificateAuthority, createCertificateAuthority } from "../../../hardware-sim/region/certificates.ts";
import { createRegionReceiver, type RegionReceiver } from "../../../hardware-sim/region/receiver.ts";
import type { Clock } from "../../../protocol/ports/clock.ts";
import type { RegionConnector } from "../../../protocol/ports/region-link.ts";
import { epochMs } from "../../../protocol/time.ts";
import { silentLogger } from "../../support/test-loggers.ts";
import { DESIRED, HUB, RECEIPT, STATE } from "./hub-under-test.ts";

export interface Misbehaving extends AsyncDisposable {
  readonly broker: ScriptedBroker;
  readonly region: RegionReceiver;
  readonly connector: RegionConnector;
}

/** One authority for all tests of a file: making keys takes longer than most tests. */
export const authority: Promise<CertificateAuthority> = createCertificateAuthority("forward", epochMs(Date.now()));

export const connectorTo = async (port: number, clock: Clock, subscriptions = [RECEIPT]): Promise<RegionConnector> => {
  const trusted = await authority;
  const identity = await trusted.client(HUB);
  return createMqttConnector({
    url: `mqtts://localhost:${port}`,
    credentials: async () => ({ ca: [trusted.certificate], ...identity }),
    hubId: HUB,
    will: () => ({ topic: STATE, payload: new TextEncoder().encode("gone"), retain: true }),
    subscriptions,
    wishes: [DESIRED],
    clock,
    logger: silentLogger,
  });
};

/** A broker that misbehaves over real TLS, with a region behind it that answers. */
export const misbehaving = async (behaviour: Behaviour, clock: SimulatedClock): Promise<Misbehaving> => {
  const trusted = await authority;
  const region = createRegionReceiver({ clock });
  const broker = await createScriptedBroker({
    behaviour,
    tls: { ...(await trusted.server()), ca: trusted.certificate },
    clock,
    onDelivered: (topic, payload) => region.receive(topic, payload),
  });
  region.attach(async (topic, payload) => broker.send(topic, payload));
  return {
    broker,
    region,
    connector: await connectorTo(broker.port, clock),
    [Symbol.asyncDispose]: async () => {
      await region[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
};
