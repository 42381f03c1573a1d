// What both scripts need besides their own way of storing: a connection, readings, and the lines of bench/job.ts.
import { readFile } from "node:fs/promises";
import { connectAsync } from "mqtt";

/** @param {Record<string, unknown>} line */
export const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

export const hrMs = () => Number(process.hrtime.bigint()) / 1e6;

/** Mutual TLS (where the address says so), MQTT 5, QoS 1; mqtt.js as it comes. */
export const connect = async ({ url, ca, certificate, key, clientId }) => {
  const [caPem, cert, keyPem] = await Promise.all([ca, certificate, key].map((file) => readFile(file)));
  const tls = url.startsWith("mqtts:") ? { ca: caPem, cert, key: keyPem } : {};
  const client = await connectAsync(url, { ...tls, clientId, protocolVersion: 5 });
  say({ event: "connected" });
  return client;
};

/** Above it all numbers up to ten million have as many digits, so that all readings are equally long. */
const FIRST_NUMBER = 1_000_000;

/** Readings of one shape that differ in number and id. */
export const createReadings = async (file) => {
  const sample = JSON.parse(await readFile(file, "utf8"));
  let made = FIRST_NUMBER;
  return () => {
    made += 1;
    return JSON.stringify({ ...sample, id: crypto.randomUUID(), seq: made });
  };
};

/** Measures one job: from now to `end`, in this process. */
export const startWatch = () => {
  const beganAt = hrMs();
  const cpu = process.cpuUsage();
  return (count, latenciesMs = [], endedAt = hrMs()) => {
    const { user, system } = process.cpuUsage(cpu);
    say({ event: "done", count, beganAt, endedAt, cpuMs: (user + system) / 1000, latenciesMs });
  };
};

/** One call each `everyMs` on a fixed beat, until `isOver`. Calls do not wait for one another. */
export const onBeat = async (everyMs, isOver, call) => {
  const calls = [];
  for (let next = hrMs(); !isOver(); ) {
    calls.push(call());
    next += everyMs;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - hrMs())));
  }
  return Promise.all(calls);
};

export const exit = async (client) => {
  await client.endAsync();
  process.exit(0);
};
