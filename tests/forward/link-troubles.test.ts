import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { createServer, type Server } from "node:tls";
import { Aedes } from "aedes";
import { afterEach, describe, expect, it } from "vitest";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { createMqttConnector, type LinkCredentials } from "../../gateway/forward/mqtt-connector.ts";
import { wellBehaved } from "../../hardware-sim/broker/behaviours.ts";
import { createScriptedBroker } from "../../hardware-sim/broker/scripted-broker.ts";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { createRegionBroker } from "../../hardware-sim/region/broker.ts";
import { createCertificateAuthority, type Identity } from "../../hardware-sim/region/certificates.ts";
import { HubError } from "../../protocol/errors.ts";
import { epochMs, minutes } from "../../protocol/time.ts";
import { startMosquitto } from "../support/mosquitto.ts";
import { requirement } from "../support/requirements.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { until } from "../support/until.ts";
import { HUB, RECEIPT, STATE } from "./support/hub-under-test.ts";
import { authority, connectorTo } from "./support/tls-broker.ts";

const YEAR = 365 * 86_400_000;
const now = Date.now();
const clock = createSystemClock();
const never = new AbortController().signal;
const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

const brokerWith = async (server: Identity): Promise<number> => {
  const broker = await createRegionBroker({ ...server, ca: (await authority).certificate });
  open.push(broker);
  return broker.port;
};

const listening = async (server: Server | ReturnType<typeof createTcpServer>): Promise<number> => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push({
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, "close");
    },
  });
  return (server.address() as AddressInfo).port;
};

const credentials = async (identity?: Identity): Promise<LinkCredentials> => {
  const trusted = await authority;
  return { ca: [trusted.certificate], ...(identity ?? (await trusted.client(HUB))) };
};

/** What the hub says when it cannot connect: `<trouble>: <sentence>`. */
const complaint = async (
  port: number,
  { identity, servername }: { identity?: Identity; servername?: string } = {},
): Promise<string> => {
  const connector = createMqttConnector({
    url: `mqtts://localhost:${port}`,
    ...(servername === undefined ? {} : { servername }),
    credentials: () => credentials(identity),
    hubId: HUB,
    will: () => ({ topic: STATE, payload: new Uint8Array(), retain: true }),
    subscriptions: [RECEIPT],
    clock,
    logger: silentLogger,
  });
  try {
    open.push(await connector.connect(never));
    return "connected";
  } catch (thrown) {
    if (!(thrown instanceof HubError)) throw thrown;
    return `${thrown.code} ${String(thrown.context.trouble)}: ${thrown.message}`;
  }
};

describe("a hub that cannot reach its region says why, and what to do:", () => {
  it("the region's certificate has expired", async () => {
    const server = await (await authority).server({ notBefore: epochMs(now - YEAR), notAfter: epochMs(now - 1000) });
    expect(await complaint(await brokerWith(server))).toMatch(
      /^link-tls region-certificate-expired: .*the region must renew it/,
    );
  });

  it("the region's certificate is not valid yet, so the hub's clock is wrong", async () => {
    const server = await (await authority).server({
      notBefore: epochMs(now + YEAR),
      notAfter: epochMs(now + 2 * YEAR),
    });
    expect(await complaint(await brokerWith(server))).toMatch(
      /^link-tls region-certificate-not-yet-valid: .*check the time source/,
    );
  });

  it("the certificate is for another name", async () => {
    const server = await (await authority).server({ names: ["region.example"] });
    const port = await brokerWith(server);
    expect(await complaint(port)).toMatch(/^link-tls region-certificate-name: .*check the broker's address/);
    expect(await complaint(port, { servername: "region.example" })).toBe("connected");
  });

  it("the certificate comes from an authority that it does not know", async () => {
    const stranger = await createCertificateAuthority("forward", epochMs(now));
    expect(await complaint(await brokerWith(await stranger.server()))).toMatch(
      /^link-tls region-certificate-unknown: .*check the CA file/,
    );
  });

  it("the network asks for a login", async () => {
    const portal = createHttpServer((_request, response) => {
      response.writeHead(302, { location: "http://login.example/" });
      response.end();
    });
    expect(await complaint(await listening(portal))).toMatch(/^link-tls network-login: .*the network asks for a login/);
  });

  it("nobody listens", async () => {
    const port = await listening(createTcpServer());
    for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
    expect(await complaint(port)).toMatch(/^link-unreachable nobody-listens: .*check both, and that the broker runs/);
  });

  it("something accepts the connection and closes it", async () => {
    const port = await listening(createTcpServer((socket) => socket.destroy()));
    expect(await complaint(port)).toMatch(/^link-unreachable closed: /);
  });

  it("the broker closes the connection over the hub's certificate and does not say so", async () => {
    const stranger = await createCertificateAuthority("stranger", epochMs(now));
    const port = await brokerWith(await (await authority).server());
    expect(await complaint(port, { identity: await stranger.client(HUB) })).toMatch(
      /^link-unreachable closed: .*it may refuse this hub's certificate/,
    );
  });

  it("certificate and key of the hub do not belong together", async () => {
    const trusted = await authority;
    const [one, other] = [await trusted.client(HUB), await trusted.client(HUB)];
    const port = await brokerWith(await trusted.server());
    expect(await complaint(port, { identity: { certificate: one.certificate, key: other.key } })).toMatch(
      /^link-tls hub-certificate-unusable: .*made together/,
    );
    expect(await complaint(port, { identity: { certificate: "", key: "nonsense" } })).toMatch(/^link-tls /);
  });

  it("passes on what the credentials could not be read for", async () => {
    const connector = createMqttConnector({
      url: "mqtts://localhost:1",
      credentials: () => Promise.reject(new HubError("certificate-unreadable", "hub certificate: no such file")),
      hubId: HUB,
      will: () => ({ topic: STATE, payload: new Uint8Array(), retain: true }),
      subscriptions: [],
      clock,
      logger: silentLogger,
    });
    await expect(connector.connect(never)).rejects.toMatchObject({ code: "certificate-unreadable" });
  });

  it.each(["mqtt://region.example", "https://region.example", "region.example:8883", "mqtts://"])(
    "the address %j is none that it uses",
    (url) => {
      const make = (): unknown =>
        createMqttConnector({
          url,
          credentials: () => credentials(),
          hubId: HUB,
          will: () => ({ topic: STATE, payload: new Uint8Array(), retain: true }),
          subscriptions: [],
          clock,
          logger: silentLogger,
        });
      expect(make).toThrow(/use mqtts:\/\/host or mqtts:\/\/host:port/);
    },
  );
});

const { available, reason } = requirement("mosquitto");

describe.skipIf(!available)(`a hub that Mosquitto refuses says why${available ? "" : ` (not run: ${reason})`}:`, () => {
  const refusedAs = async (identity: Identity): Promise<string> => {
    const mosquitto = await startMosquitto({ authority: await authority, hub: HUB });
    open.push(mosquitto);
    return await complaint(mosquitto.port, { identity });
  };

  it("the broker does not know who issued the hub's certificate", async () => {
    const stranger = await createCertificateAuthority("stranger", epochMs(now));
    expect(await refusedAs(await stranger.client(HUB))).toMatch(
      /^link-tls hub-certificate-refused: .*the region must admit this hub/,
    );
  });

  it("the hub's own certificate has expired", async () => {
    const ended = { notBefore: epochMs(now - YEAR), notAfter: epochMs(now - 1000) };
    expect(await refusedAs(await (await authority).client(HUB, ended))).toMatch(
      /^link-tls hub-certificate-expired: .*must be renewed/,
    );
  });
});

describe("a broker that speaks only MQTT 3.1.1", () => {
  /** Closes the connection on any other version, without a word. */
  const oldBroker = async (): Promise<{ port: number; versions: number[] }> => {
    const trusted = await authority;
    const versions: number[] = [];
    const aedes = await Aedes.createBroker();
    const server = createServer(
      {
        ...(await trusted.server().then(({ certificate, key }) => ({ cert: certificate, key }))),
        ca: trusted.certificate,
        requestCert: true,
      },
      (socket) => {
        socket.on("error", () => socket.destroy());
        socket.once("data", (chunk) => {
          const version = chunk[chunk.indexOf("MQTT") + 4] ?? 0;
          versions.push(version);
          if (version !== 4) {
            socket.destroy();
            return;
          }
          socket.unshift(chunk);
          aedes.handle(socket);
        });
      },
    );
    const port = await listening(server);
    open.push({ [Symbol.asyncDispose]: () => new Promise((resolve) => aedes.close(resolve)) });
    return { port, versions };
  };

  it("is found out when it merely closes, remembered, and asked again after a day", async () => {
    const simulated = createSimulatedClock();
    const { port, versions } = await oldBroker();
    const connector = await connectorTo(port, simulated);
    const connect = async (): Promise<void> => {
      const link = await connector.connect(never);
      expect(link.protocol).toBe("mqtt3.1.1");
      await link[Symbol.asyncDispose]();
    };
    await connect();
    expect(versions).toEqual([5, 4]);
    await connect();
    await connect();
    expect(versions).toEqual([5, 4, 4, 4]);
    await simulated.advance(minutes(24 * 60));
    await connect();
    expect(versions).toEqual([5, 4, 4, 4, 5, 4]);
  });

  it("is not looked for where a broker that spoke MQTT 5 closes once", async () => {
    const simulated = createSimulatedClock();
    const trusted = await authority;
    let connections = 0;
    const broker = await createScriptedBroker({
      behaviour: {
        ...wellBehaved,
        onConnect: () => {
          connections += 1;
          return connections === 2 ? { tag: "close" } : { tag: "connack", reasonCode: 0 };
        },
      },
      tls: { ...(await trusted.server()), ca: trusted.certificate },
      clock: simulated,
    });
    open.push(broker);
    const connector = await connectorTo(broker.port, simulated);
    await (await connector.connect(never))[Symbol.asyncDispose]();
    await expect(connector.connect(never)).rejects.toMatchObject({ code: "link-unreachable" });
    await until(() => connections === 2, "it was asked once more");
    const link = await connector.connect(never);
    open.push(link);
    expect(link.protocol).toBe("mqtt5");
  });
});
