import { HubError } from "../../protocol/errors.ts";
import { type DiagnosticCommand, data, type Line, text } from "../diagnostics/command.ts";
import { WIDTH, wrap } from "../diagnostics/layout.ts";
import type { EnrolmentGuard } from "./enrolment-guard.ts";

const command = (name: string, summary: string, act: (sensor: string) => Promise<string>): DiagnosticCommand => ({
  name,
  summary,
  usage: "<id>",
  role: "service",
  async *run([sensor, ...more]): AsyncIterable<Line> {
    if (sensor === undefined || more.length > 0) {
      throw new HubError("invalid-argument", `${name}: give the id of one sensor, as sensor list shows it`);
    }
    const done = await act(sensor);
    for (const line of wrap(done, WIDTH)) yield text(line);
    yield data({ sensor, done });
  },
});

/** What a technician says of a sensor in whose place another one answers. */
export const enrolmentCommands = ({ accept, retry }: EnrolmentGuard): readonly DiagnosticCommand[] => [
  command("sensor accept", "from now on the sensor that answers is the enrolled one", accept),
  command("sensor retry", "the enrolled sensor is back in its place", retry),
];
