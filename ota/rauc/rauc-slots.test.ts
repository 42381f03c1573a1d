import { describe, expect, it } from "vitest";
import { isHubError } from "../../protocol/errors.ts";
import { groupOf, pairOf, slotsOf } from "./rauc-slots.ts";

const ROOTS = [
  ["rootfs.0", { class: "rootfs", device: "/dev/a", bootname: "A", state: "booted" }],
  ["rootfs.1", { class: "rootfs", device: "/dev/b", bootname: "B", state: "inactive" }],
];
const WRITTEN = { sha256: "ab", size: 20_004n, "installed.count": 2 };

describe("RAUC's answer about its slots", () => {
  it("gives the one that runs, and the one to install to, with what goes with it", () => {
    const data = { class: "data", device: "/dev/c", parent: "rootfs.1", state: "inactive", ...WRITTEN };
    const slots = slotsOf([...ROOTS, ["data.1", data], ["recovery.0", { class: "recovery", bootname: "R" }]]);
    const { booted, other } = pairOf(slots);
    expect([booted.name, other.name]).toEqual(["rootfs.0", "rootfs.1"]);
    expect(groupOf(slots, other.name).map(({ name }) => name)).toEqual(["rootfs.1", "data.1"]);
    expect(slots.map(({ written }) => written)).toEqual([null, null, { sha256: "ab", size: 20_004, count: 2 }, null]);
  });

  it.each<[string, unknown, RegExp]>([
    ["none of which runs", ROOTS.slice(1), /which slot this machine was started from/],
    ["without a second one", ROOTS.slice(0, 1), /has 0 bootable slots besides rootfs\.0/],
    ["that are three", [...ROOTS, ["rootfs.2", { class: "rootfs", bootname: "C" }]], /has 2 bootable slots/],
    ["that is no list", "slots", /which slot this machine was started from/],
    ["that holds something else", [null, 7, ["rootfs.0"], [1, {}]], /which slot this machine was started from/],
  ])("is no set-up for a hub with slots %s", (_, answer, sentence) => {
    const asked = (): unknown => pairOf(slotsOf(answer));
    expect(asked).toThrow(sentence);
    expect(asked).toThrow(expect.toSatisfy((thrown: unknown) => isHubError(thrown, "update-unfit")));
  });
});
