// What nothing can be faster than: octets on the disk (fdatasync), and there and back over TLS, without any database or
// protocol. `node bare-limits.mjs CONFIG`; `url` is tls://localhost:PORT of echo-server.mjs. The answer is one line of
// JSON: the time of each reading in milliseconds.
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "node:tls";

const config = JSON.parse(process.argv[2]);
const { count, everyMs } = config;
const octets = await readFile(config.reading);
const file = await open(join(config.folder, "bare-limits"), "w");
const now = () => Number(process.hrtime.bigint()) / 1e6;

const [ca, cert, key] = await Promise.all([config.ca, config.certificate, config.key].map((path) => readFile(path)));
const socket = connect({ host: "localhost", port: Number(new URL(config.url).port), ca, cert, key });
socket.setNoDelay(true);
await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));

const echo = () =>
  new Promise((resolve) => {
    let left = octets.length;
    const onData = (chunk) => {
      left -= chunk.length;
      if (left > 0) return;
      socket.off("data", onData);
      resolve();
    };
    socket.on("data", onData);
    socket.write(octets);
  });

const pause = (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs));

const latenciesMs = [];
for (let i = 0; i < count; i += 1) {
  const began = now();
  await file.write(octets);
  await file.datasync();
  await echo();
  latenciesMs.push(now() - began);
  await pause(everyMs);
}

process.stdout.write(`${JSON.stringify(latenciesMs)}\n`);
socket.destroy();
await file.close();
