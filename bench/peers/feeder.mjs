// Gives readings to the local broker that a bridge takes them from, QoS 1. `node feeder.mjs CONFIG`, see bench/job.ts;
// `rest` says when each was given. That broker answers before anything is on its disk.
import { connect, createReadings, exit, hrMs, onBeat, say, startWatch } from "./mqtt-client.mjs";

const config = JSON.parse(process.argv[2]);
const { job, topic } = config;
const nextReading = await createReadings(config.reading);
const client = await connect(config);
const give = () => client.publishAsync(topic, nextReading(), { qos: 1 });
const end = startWatch();

switch (job.tag) {
  case "busy": {
    let left = job.warmUp + job.count;
    const sensor = async () => {
      while (left > 0) {
        left -= 1;
        await give();
      }
    };
    await Promise.all(Array.from({ length: job.sensors }, sensor));
    break;
  }
  case "rest": {
    let left = job.count;
    await onBeat(
      job.everyMs,
      () => left-- === 0,
      () => {
        say({ event: "given", at: hrMs() });
        return give();
      },
    );
    break;
  }
}
end(job.count);
await exit(client);
