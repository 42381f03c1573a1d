import { expect, it } from "vitest";
import { parseConfig } from "../../gateway/config/load-config.ts";

const FILE = `hub: {id: hub-0042, assignment: a-7f3c9b, dataDir: data, timeZone: Europe/Stockholm}
region: {url: "mqtts://broker.example:8883", ca: [ca.pem], certificate: hub.crt, key: hub.key}
`;
const adapterIn = (text: string): unknown => {
  const result = parseConfig(`${FILE}${text}`, "/etc/hemhub/hub.yaml");
  return result.tag === "ok" ? result.config.ble?.adapter : result.problems.map(({ message }) => message);
};

it("takes an adapter of BlueZ from the configuration, hci0 where it is not named", () => {
  expect(adapterIn("ble: {adapter: {type: bluez, name: hci1}}")).toEqual({ type: "bluez", name: "hci1" });
  expect(adapterIn("ble: {adapter: {type: bluez}}")).toEqual({ type: "bluez", name: "hci0" });
});

it("refuses a name that BlueZ cannot have, and keys of other adapters", () => {
  expect(adapterIn("ble: {adapter: {type: bluez, name: /org/bluez/hci0}}")).toEqual([
    expect.stringContaining("BlueZ's name of the adapter such as hci0"),
  ]);
  expect(adapterIn("ble: {adapter: {type: bluez, device: 0}}")).toEqual(["unknown key; known here: type, name"]);
});
