import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CertificateAuthority } from "../../hardware-sim/region/certificates.ts";
import { type CredentialFiles, writeCredentials } from "../../hardware-sim/region/credential-files.ts";
import { pathOf } from "./requirements.ts";
import { until } from "./until.ts";

export interface BrokerSettings {
  readonly maximumPacketSize?: number;
  /** Further lines of mosquitto.conf. */
  readonly settings?: readonly string[];
}

export interface MosquittoOptions extends BrokerSettings {
  readonly authority: CertificateAuthority;
  /** Id of the hub whose credentials are written to the folder. */
  readonly hub: string;
}

/** A real Mosquitto on a free loopback port, with client certificates and access by common name. */
export interface Mosquitto extends AsyncDisposable {
  readonly port: number;
  /** `ca.pem`, `hub.crt`, `hub.key`, `region.crt`, `region.key` are there. */
  readonly folder: string;
  /** Start again on the same port, after `stop` or `kill`. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
};

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });

const configuration = (folder: string, files: CredentialFiles, port: number, options: BrokerSettings): string =>
  [
    // Debian's package drops root for a user that cannot read the temporary folder.
    "user root",
    `listener ${port} 127.0.0.1`,
    `cafile ${files.ca}`,
    `certfile ${files.server.certificate}`,
    `keyfile ${files.server.key}`,
    "require_certificate true",
    "use_identity_as_username true",
    "allow_anonymous false",
    `acl_file ${join(folder, "acl")}`,
    "persistence false",
    // A receipt follows its PUBACK in a packet of its own: with Nagle it waits 40 ms for the delayed ACK of the first.
    "set_tcp_nodelay true",
    ...(options.maximumPacketSize === undefined ? [] : [`max_packet_size ${options.maximumPacketSize}`]),
    ...(options.settings ?? []),
    "",
  ].join("\n");

/** `%u` is the common name of the certificate: a hub uses what is below its own id and nothing else. */
const ACCESS = "user region\ntopic readwrite hemhub/1/#\n\npattern readwrite hemhub/1/%u/#\n";

export const startMosquitto = async (options: MosquittoOptions): Promise<Mosquitto> => {
  const folder = await mkdtemp(join(tmpdir(), "hemhub-mosquitto-"));
  return await startMosquittoOn(await writeCredentials(options.authority, folder, options.hub), options);
};

/** With credentials that are there already; its own files go beside them, and the whole folder goes with it. */
export const startMosquittoOn = async (files: CredentialFiles, settings: BrokerSettings = {}): Promise<Mosquitto> => {
  const program = pathOf("mosquitto");
  if (program === null) throw new Error("mosquitto is not installed; see tests/support/requirements.ts");
  const { folder } = files;
  const port = await freePort();
  const file = join(folder, "mosquitto.conf");
  await writeFile(file, configuration(folder, files, port, settings));
  await writeFile(join(folder, "acl"), ACCESS, { mode: 0o700 });
  let child: ChildProcess | null = null;

  const start = async (): Promise<void> => {
    let said = "";
    const started = spawn(program, ["-c", file], { stdio: ["ignore", "ignore", "pipe"] });
    started.stderr?.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-2000);
    });
    child = started;
    await until(async () => {
      if (started.exitCode !== null) throw new Error(`mosquitto ended with ${started.exitCode}: ${said}`);
      return await listens(port);
    }, "mosquitto listens");
  };
  const stop = async (): Promise<void> => {
    const running = child;
    child = null;
    if (running === null || running.exitCode !== null) return;
    const ended = once(running, "exit");
    running.kill("SIGTERM");
    await ended;
  };

  await start();
  return {
    port,
    folder,
    start,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
