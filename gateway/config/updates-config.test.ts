import { describe, expect, it } from "vitest";
import type { ConfigResult, UpdatesConfig } from "./hub-config.ts";
import { parseConfig } from "./load-config.ts";

const REST = `hub: {id: hub-0042, assignment: a-7f3c9b, dataDir: ./data, timeZone: Europe/Stockholm}
region: {url: "mqtts://127.0.0.1:8883", ca: [ca.pem], certificate: hub.crt, key: hub.key}
`;
const parsed = (updates: string): ConfigResult => parseConfig(`${REST}updates: ${updates}\n`, "/etc/hemhub/hub.yaml");

const updatesOf = (result: ConfigResult): UpdatesConfig | null => {
  if (result.tag === "invalid") throw new Error(result.problems.map(({ message }) => message).join("; "));
  return result.config.updates;
};

describe("the section updates", () => {
  it("may be left out: then the hub takes none", () => {
    expect(updatesOf(parseConfig(REST, "/etc/hemhub/hub.yaml"))).toBeNull();
  });

  it("needs a root and a model, and asks for no more", () => {
    expect(updatesOf(parsed("{root: root.json, hardware: rpi4b}"))).toEqual({
      root: "/etc/hemhub/root.json",
      hardware: "rpi4b",
      url: null,
      backend: "release-images",
      images: "mounted",
      quietHours: null,
      monthlyBytes: null,
      hawkbit: null,
    });
  });

  it("may say all there is to say", () => {
    const all =
      '{root: root.json, hardware: rpi4b, url: "https://updates.example/hemhub", backend: rauc, images: unpacked, quietHours: "22:00-06:30", monthlyMegabytes: 200}';
    expect(updatesOf(parsed(all))).toMatchObject({
      url: "https://updates.example/hemhub/",
      backend: "rauc",
      images: "unpacked",
      quietHours: { from: 1320, to: 390 },
      monthlyBytes: 200_000_000,
    });
  });

  it("names the hub to hawkBit by its id, and the organisation as hawkBit does, where nothing else is said", () => {
    const updates = (rest: string): string =>
      `{root: root.json, hardware: rpi4b, hawkbit: {url: "https://hawkbit.example"${rest}}}`;
    expect(updatesOf(parsed(updates("")))?.hawkbit).toEqual({
      url: "https://hawkbit.example",
      tenant: "DEFAULT",
      controllerId: "hub-0042",
      tokenFile: null,
    });
    expect(updatesOf(parsed(updates(", tenant: north, controllerId: h42, tokenFile: hawkbit.token")))?.hawkbit).toEqual(
      {
        url: "https://hawkbit.example",
        tenant: "north",
        controllerId: "h42",
        tokenFile: "/etc/hemhub/hawkbit.token",
      },
    );
  });

  it.each([
    ["{hardware: rpi4b}", "updates"],
    ["{root: root.json}", "updates"],
    ['{root: root.json, hardware: rpi4b, url: "ftp://x/"}', "updates.url"],
    ["{root: root.json, hardware: rpi4b, images: zipped}", "updates.images"],
    ["{root: root.json, hardware: rpi4b, quietHours: night}", "updates.quietHours"],
    ['{root: root.json, hardware: rpi4b, quietHours: "22:00-22:00"}', "updates.quietHours"],
    ["{root: root.json, hardware: rpi4b, monthlyMegabytes: 0}", "updates.monthlyMegabytes"],
    ['{root: root.json, hardware: rpi4b, hawkbit: {url: "http://hawkbit.example"}}', "updates.hawkbit.url"],
  ])("%s is refused, and the place is named", (text, path) => {
    const result = parsed(text);
    expect(result.tag === "invalid" && result.problems.some((problem) => problem.path.startsWith(path))).toBe(true);
  });
});
