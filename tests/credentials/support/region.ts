import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegionBroker } from "../../../hardware-sim/region/broker.ts";
import { createCertificateAuthority, type IssueOptions } from "../../../hardware-sim/region/certificates.ts";
import { createEstServer } from "../../../hardware-sim/region/est-server.ts";
import { createRegionSigner } from "../../../hardware-sim/region/region-signer.ts";
import { createTimeService } from "../../../hardware-sim/region/time-service.ts";
import { epochMs } from "../../../protocol/time.ts";
import { pathOf } from "../../support/requirements.ts";
import { HUB } from "./link.ts";

/** A whole region on loopback, and the configuration of a hub of it. */
export const openRegion = async (validity: IssueOptions = {}) => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "hemhub-real-"));
  stack.defer(() => rm(folder, { recursive: true }));
  const put = async (name: string, content: string): Promise<string> => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };
  const authority = await createCertificateAuthority("authority", epochMs(Date.now()));
  const signer = createRegionSigner();
  const broker = stack.use(await createRegionBroker({ ...(await authority.server()), ca: authority.certificate }));
  const est = stack.use(await createEstServer({ authority, identity: await authority.server() }));
  const time = stack.use(await createTimeService({ signer, now: () => epochMs(Date.now()) }));
  const hub = await authority.client(HUB, validity);
  const region = {
    url: `mqtts://localhost:${broker.port}`,
    ca: [await put("ca.pem", authority.certificate)],
    certificate: await put("hub.crt", hub.certificate),
    key: await put("hub.key", hub.key),
    enrolment: { url: est.url },
    time: { url: time.url, keys: [await put("time.pem", signer.publicKey)] },
  };
  const kept = stack.move();
  return { region, broker, est, time, [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose]() };
};

/** Environment of a process whose clock says something else, and whose monotonic clock is true. */
export const clockThatSays = (time: string): NodeJS.ProcessEnv => ({
  LD_PRELOAD: pathOf("faketime") ?? "",
  FAKETIME: time,
  FAKETIME_DONT_FAKE_MONOTONIC: "1",
});

export const CLOCKS = [
  ["in 1970", "@1970-01-01 00:05:00"],
  ["in 2099", "@2099-06-15 12:00:00"],
] as const;
