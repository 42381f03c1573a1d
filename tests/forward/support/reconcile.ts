import type { OutboxAccount } from "../../../gateway/store/account.ts";
import type { DayAccount } from "../../../hardware-sim/region/day-account.ts";

/**
 * What the hub says of each sensor and day, held against what the region says; sentences, none where they agree.
 * `deviceOf` is how the region knows a sensor. It holds at rest: nothing under way, no receipt on its way back.
 */
export const disagreements = (
  hub: OutboxAccount,
  region: DayAccount,
  deviceOf: (sensor: string | null) => string | null,
): readonly string[] => {
  const found: string[] = [];
  const expect = (what: string, there: number, here: number): void => {
    if (there !== here) found.push(`${what}: ${here} at the hub, ${there} at the region`);
  };
  const named = (device: string | null, day: string | null): string => `${device ?? "no device"} ${day ?? "no day"}`;
  const atRegion = new Map(region.lines.map((line) => [named(line.device, line.day), line]));
  for (const { sensor, day, ...count } of hub.lines) {
    const name = named(deviceOf(sensor), day);
    const line = atRegion.get(name) ?? { accepted: 0, known: 0, refused: 0 };
    atRegion.delete(name);
    expect(`${name}: receipted`, line.accepted + line.known, count.receipted);
    expect(`${name}: refused`, line.refused, count.refused);
    const sum = count.receipted + count.refused + count.waiting + count.unreadable;
    if (sum !== count.stored) found.push(`${name}: ${count.stored} stored, and ${sum} of them somewhere`);
  }
  for (const name of atRegion.keys()) found.push(`${name}: at the region alone`);
  const total = (field: "stored" | "waiting" | "unreadable"): number =>
    hub.lines.reduce((sum, line) => sum + line[field], 0);
  // Every number that the hub gave is in its lines or skipped; every one that the region has not is one of these.
  expect("numbers given", hub.numbers?.to ?? 0, total("stored") + hub.skipped);
  const beyond = (hub.numbers?.to ?? 0) - region.high;
  expect("not at the region", region.missing + beyond, total("waiting") + total("unreadable") + hub.skipped);
  return found;
};
