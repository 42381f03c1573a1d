import { createPublicKey } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CLOCK_FLOOR } from "../../gateway/clock/judge-clock.ts";
import { createSystemClock } from "../../gateway/clock/system-clock.ts";
import { askRegionTime } from "../../gateway/credentials/region-time.ts";
import { openSignedFloor } from "../../gateway/credentials/signed-floor.ts";
import { createTimeEscape, type TimeEscape } from "../../gateway/credentials/time-escape.ts";
import { createAddressMemory } from "../../gateway/forward/address-memory.ts";
import { createSocketOpener } from "../../gateway/forward/socket-opener.ts";
import { createRegionBroker } from "../../hardware-sim/region/broker.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
  createSelfSignedServer,
  type Identity,
} from "../../hardware-sim/region/certificates.ts";
import { createRegionSigner, type RegionSigner } from "../../hardware-sim/region/region-signer.ts";
import { createTimeService, type TimeBehaviour, type TimeService } from "../../hardware-sim/region/time-service.ts";
import { type EpochMs, epochMs } from "../../protocol/time.ts";
import { silentLogger } from "../support/test-loggers.ts";
import { connectorTo, DAY, HUB, never, outcomeOf } from "./support/link.ts";

/** The hub's clock is this machine's. It is the region that lives a year later, or 200 days earlier. */
const LATER = 365 * DAY;
const clock = createSystemClock();
const shifted = (by: number): EpochMs => epochMs(Date.now() + by);

let authority: CertificateAuthority;
let hub: Identity;
let signer: RegionSigner;
let folder: string;
const open: AsyncDisposable[] = [];

beforeAll(async () => {
  authority = await createCertificateAuthority("authority", shifted(0), {
    notBefore: shifted(-1000 * DAY),
    notAfter: shifted(2000 * DAY),
  });
  hub = await authority.client(HUB, { notBefore: shifted(-1000 * DAY), notAfter: shifted(2000 * DAY) });
  signer = createRegionSigner();
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-escape-"));
});

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const brokerWith = async (server: Identity): Promise<number> => {
  const broker = await createRegionBroker({ ...server, ca: authority.certificate });
  open.push(broker);
  return broker.port;
};

const serviceAt = async (by: number, behave?: () => TimeBehaviour): Promise<TimeService> => {
  const now = (): EpochMs => shifted(by);
  const service = await createTimeService({ signer, now, ...(behave === undefined ? {} : { behave }) });
  open.push(service);
  return service;
};

const wrongBy: number[] = [];

const escapeWith = async (service: TimeService | null, noted: EpochMs = CLOCK_FLOOR): Promise<TimeEscape> => {
  wrongBy.length = 0;
  const keys = [{ key: createPublicKey(signer.publicKey), algorithm: "EdDSA" as const }];
  return createTimeEscape({
    clock,
    logger: silentLogger,
    noted: () => noted,
    signed: await openSignedFloor(join(folder, "signed-floor.json"), silentLogger),
    ask: service === null ? null : (signal) => askRegionTime({ url: service.url, keys, clock }, signal),
    onWrongClock: (byMs) => wrongBy.push(byMs),
    random: () => 0.5,
  });
};

const attempt = async (port: number, time: TimeEscape, ca = authority.certificate): Promise<string> => {
  const openSocket = createSocketOpener({ addresses: createAddressMemory(clock), time });
  return await outcomeOf(connectorTo(port, async () => ({ ca: [ca], ...hub }), openSocket));
};

const validAround = (by: number) => ({ notBefore: shifted(by - 10 * DAY), notAfter: shifted(by + 10 * DAY) });

describe("F20: a hub whose clock is wrong", () => {
  it.each([
    ["a year behind", LATER, "CERT_NOT_YET_VALID"],
    ["200 days ahead", -100 * DAY, "CERT_HAS_EXPIRED"],
  ])("connects when it is %s, once the region has signed the time", async (_, by, code) => {
    const port = await brokerWith(await authority.server(validAround(by)));
    expect(await attempt(port, await escapeWith(null))).toContain(code);
    const service = await serviceAt(by);
    const time = await escapeWith(service);
    expect(await attempt(port, time)).toBe("connected");
    expect(service.asked).toBe(1);
    const proven = time.now();
    expect(Math.abs((proven?.utc ?? 0) - shifted(by))).toBeLessThan(5000);
    expect(wrongBy).toHaveLength(1);
    expect(Math.abs((wrongBy[0] ?? 0) + by)).toBeLessThan(5000);
  });

  it("asks nobody for the time while its certificate checks succeed", async () => {
    const service = await serviceAt(0);
    expect(await attempt(await brokerWith(await authority.server()), await escapeWith(service))).toBe("connected");
    expect(service.asked).toBe(0);
  });

  it("still refuses a certificate that has expired by the proven time", async () => {
    const port = await brokerWith(await authority.server(validAround(-100 * DAY)));
    expect(await attempt(port, await escapeWith(await serviceAt(0)))).toMatch(/^region-certificate-expired/);
    const later = await brokerWith(await authority.server(validAround(LATER - 100 * DAY)));
    expect(await attempt(later, await escapeWith(await serviceAt(LATER)))).toMatch(/^region-certificate-expired/);
  });

  it("refuses, at the proven time too, what OpenSSL would only call untimely", async () => {
    const service = await serviceAt(LATER);
    const stranger = await createCertificateAuthority("authority", shifted(LATER), validAround(LATER));
    const unknown = await brokerWith(await stranger.server(validAround(LATER)));
    expect(await attempt(unknown, await escapeWith(service))).toMatch(/^region-certificate-unknown/);
    const named = await brokerWith(await authority.server({ ...validAround(LATER), names: ["other.example"] }));
    expect(await attempt(named, await escapeWith(service))).toMatch(/^region-certificate-name/);
    const client = await brokerWith(await authority.client("localhost", validAround(LATER)));
    expect(await attempt(client, await escapeWith(service))).toMatch(/^region-certificate-purpose/);
    const selfSigned = await brokerWith(await createSelfSignedServer(shifted(LATER), validAround(LATER)));
    expect(await attempt(selfSigned, await escapeWith(service))).toMatch(/^region-certificate-unknown/);
  });

  it("takes an authority in between, and not one that was valid only before", async () => {
    const service = await serviceAt(LATER);
    const chained = async (between: CertificateAuthority): Promise<number> => {
      const server = await between.server(validAround(LATER));
      return await brokerWith({ ...server, certificate: server.certificate + between.certificate });
    };
    const between = await authority.subordinate("between", validAround(LATER));
    expect(await attempt(await chained(between), await escapeWith(service))).toBe("connected");
    const former = await authority.subordinate("former", validAround(LATER - 100 * DAY));
    expect(await attempt(await chained(former), await escapeWith(service))).toMatch(/^region-certificate-expired/);
  });

  it.each<[string, () => TimeBehaviour]>([
    ["signed by somebody else", () => ({ tag: "forge", signer: createRegionSigner() })],
    ["signed for another purpose", () => ({ tag: "other-type" })],
    ["not there", () => ({ tag: "status", status: 503 })],
  ])("does not believe a time that is %s", async (_, behave) => {
    const port = await brokerWith(await authority.server(validAround(LATER)));
    const time = await escapeWith(await serviceAt(LATER, behave));
    expect(await attempt(port, time)).toMatch(/^region-certificate-not-yet-valid/);
    expect(time.now()).toBeNull();
  });

  it("does not believe an answer to an earlier question", async () => {
    let behaviour: TimeBehaviour = { tag: "sign" };
    const service = await serviceAt(LATER, () => behaviour);
    expect(await (await escapeWith(service)).prove(never)).toBe("proven");
    behaviour = { tag: "replay" };
    const time = await escapeWith(service);
    expect(await time.prove(never)).toBe("unknown");
    expect(time.now()).toBeNull();
  });

  it("does not believe a time before one that was signed already, also after a restart", async () => {
    let by = LATER;
    const service = await createTimeService({ signer, now: () => shifted(by) });
    open.push(service);
    expect(await (await escapeWith(service)).prove(never)).toBe("proven");
    by = LATER - 30 * DAY;
    expect(await (await escapeWith(service)).prove(never)).toBe("unknown");
    by = LATER + 30 * DAY;
    expect(await (await escapeWith(service)).prove(never)).toBe("proven");
  });

  it("says that the network asks for a login, where a page comes instead of the time", async () => {
    const stranger = await createCertificateAuthority("portal", shifted(0));
    const port = await brokerWith(await stranger.server());
    for (const tag of ["redirect", "page"] as const) {
      expect(await attempt(port, await escapeWith(await serviceAt(0, () => ({ tag }))))).toMatch(
        /^network-login: .*asks for a login.*\(a login page\)/,
      );
    }
    expect(await attempt(port, await escapeWith(await serviceAt(0)))).toMatch(/^region-certificate-unknown/);
  });
});

describe("F20: a clock that is behind a time which has been", () => {
  it("has certificates checked at the time that the region signed before, where it signs none now", async () => {
    const old = await brokerWith(await authority.server(validAround(0)));
    const good = await brokerWith(await authority.server(validAround(LATER)));
    expect(await attempt(old, await escapeWith(null))).toBe("connected");
    expect(await (await escapeWith(await serviceAt(LATER))).prove(never)).toBe("proven");
    expect(await attempt(good, await escapeWith(null))).toBe("connected");
    expect(await attempt(old, await escapeWith(null))).toMatch(/^region-certificate-expired/);
  });

  it("is no reason to believe what NTP said, but one to ask the region at once", async () => {
    const port = await brokerWith(await authority.server(validAround(LATER)));
    expect(await attempt(port, await escapeWith(null, shifted(LATER)))).toMatch(/^region-certificate-not-yet-valid/);
    const service = await serviceAt(LATER + 30 * DAY);
    expect(await attempt(port, await escapeWith(service, shifted(LATER)))).toMatch(/^region-certificate-expired/);
    expect(service.asked).toBe(1);
  });
});
