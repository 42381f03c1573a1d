import { createServer as createHttpServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { CLOCK_FLOOR } from "../../gateway/clock/judge-clock.ts";
import { createTimeEscape } from "../../gateway/credentials/time-escape.ts";
import { createAddressMemory, type LookupAll } from "../../gateway/forward/address-memory.ts";
import { createSocketOpener } from "../../gateway/forward/socket-opener.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createRegionBroker } from "../../hardware-sim/region/broker.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  type Identity,
} from "../../hardware-sim/region/certificates.ts";
import type { RegionConnector } from "../../protocol/ports/region-link.ts";
import { epochMs, minutes } from "../../protocol/time.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { connectorTo, HUB, outcomeOf, portOf } from "./support/link.ts";

const now = epochMs(Date.now());
let authority: CertificateAuthority;
let hub: Identity;
const open: AsyncDisposable[] = [];

beforeAll(async () => {
  authority = await createCertificateAuthority("authority", now);
  hub = await authority.client(HUB);
});

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

const brokerPort = async (server?: Identity): Promise<number> => {
  const identity = server ?? (await authority.server());
  const broker = await createRegionBroker({
    ...identity,
    ca: authority.certificate,
  });
  open.push(broker);
  return broker.port;
};

type Answer = readonly string[] | "EAI_AGAIN" | "ENOTFOUND";

/** A name service that answers as it is told. */
const createNames = (first: Answer) => {
  const names = { answer: first, asked: 0 };
  const resolve: LookupAll = (_host, _options, callback) => {
    names.asked += 1;
    const { answer } = names;
    if (typeof answer === "string") callback(Object.assign(new Error(answer), { code: answer }), []);
    else
      callback(
        null,
        answer.map((address) => ({ address, family: 4 })),
      );
  };
  return { names, resolve };
};

const hubOf = (port: number, resolve: LookupAll): { connector: RegionConnector; wait(days: number): Promise<void> } => {
  const clock = createSimulatedClock({ startAt: now });
  const time = createTimeEscape({
    clock,
    logger: silentLogger,
    noted: () => CLOCK_FLOOR,
    signed: { current: () => null, proven: async () => undefined },
    ask: null,
    onWrongClock: () => undefined,
    random: () => 0,
  });
  const openSocket = createSocketOpener({ addresses: createAddressMemory(clock, resolve), time });
  return {
    connector: connectorTo(port, async () => ({ ca: [authority.certificate], ...hub }), openSocket),
    wait: (days) => clock.advance(minutes(days * 24 * 60)),
  };
};

describe("F26: when the name service fails", () => {
  it.each(["EAI_AGAIN", "ENOTFOUND"] as const)("with %s, the hub goes where it found its region last", async (code) => {
    const { names, resolve } = createNames(["127.0.0.1"]);
    const { connector } = hubOf(await brokerPort(), resolve);
    expect(await outcomeOf(connector)).toBe("connected");
    names.answer = code;
    expect(await outcomeOf(connector)).toBe("connected");
    expect(names.asked).toBeGreaterThan(1);
  });

  it("the address is good for a week, and only where its server proved its name", async () => {
    const { names, resolve } = createNames(["127.0.0.1"]);
    const { connector, wait } = hubOf(await brokerPort(), resolve);
    expect(await outcomeOf(connector)).toBe("connected");
    names.answer = "EAI_AGAIN";
    await wait(7);
    expect(await outcomeOf(connector)).toBe("connected");
    await wait(8);
    expect(await outcomeOf(connector)).toMatch(/^name-service: .*the hub tries again/);

    const wrong = hubOf(await brokerPort(await authority.server({ names: ["other.example"] })), resolve);
    names.answer = ["127.0.0.1"];
    expect(await outcomeOf(wrong.connector)).toMatch(/^region-certificate-name/);
    names.answer = "EAI_AGAIN";
    expect(await outcomeOf(wrong.connector)).toMatch(/^name-service/);
  });

  it("and lies, the hub refuses whom it is led to, and then tries where it found its region last", async () => {
    const { names, resolve } = createNames(["127.0.0.1"]);
    const port = await brokerPort();
    const { connector } = hubOf(port, resolve);
    expect(await outcomeOf(connector)).toBe("connected");
    const stranger = await createCertificateAuthority("stranger", now);
    const impostor = await createRegionBroker({
      ...(await stranger.server()),
      ca: authority.certificate,
      port,
      host: "127.0.0.2",
    });
    open.push(impostor);
    names.answer = ["127.0.0.2"];
    expect(await outcomeOf(connector)).toMatch(/^region-certificate-unknown/);
    expect(await outcomeOf(connector)).toBe("connected");
    expect(await outcomeOf(connector)).toMatch(/^region-certificate-unknown/);
  });
});

describe("F27: a network that asks for a login", () => {
  const withPortal = async (port: number): Promise<string> => {
    const { resolve } = createNames(["127.0.0.1"]);
    return await outcomeOf(hubOf(port, resolve).connector);
  };

  it("is named where it answers in HTTP", async () => {
    const portal = createHttpServer((_request, response) => response.writeHead(302, { location: "/" }).end());
    open.push({ [Symbol.asyncDispose]: async () => void portal.close() });
    expect(await withPortal(await portOf(portal))).toMatch(/^network-login/);
  });

  it("is not named where something else is wrong", async () => {
    const mute = createTcpServer((socket) => socket.destroy());
    open.push({ [Symbol.asyncDispose]: async () => void mute.close() });
    expect(await withPortal(await portOf(mute))).toMatch(/^closed/);
  });
});
