import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SHIPPED_CATALOGUE } from "../../drivers/catalogue/catalogue.ts";
import { hemhub, startHub, testHome } from "./support/test-hub.ts";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hemhub-catalogues-"));
  for (const id of ["and-ua-651ble", "and-ek-l"]) {
    await cp(join(SHIPPED_CATALOGUE, `${id}.yaml`), join(folder, `${id}.yaml`));
  }
});
afterEach(() => rm(folder, { recursive: true }));

const change = async (id: string, spoil: (text: string) => string): Promise<void> => {
  const file = join(folder, `${id}.yaml`);
  await writeFile(file, spoil(await readFile(file, "utf8")));
};

const withdraw = (text: string): string =>
  `${text}status: withdrawn\nwithdrawn: { date: "2026-11-01", reason: recalled by its maker }\n`;

describe("hemhub catalogue check", () => {
  it("is content with the catalogue of this version", async () => {
    const { exit, out, err } = await hemhub(["catalogue", "check"]);
    expect({ exit, errors: err.split("\n").filter((line) => line.includes(" error: ")) }).toEqual({
      exit: 0,
      errors: [],
    });
    expect(out).toMatch(/: ok, \d+ models/);
  });

  it("names every problem with file, line, what was found and the next step, and exits with 1", async () => {
    await change("and-ua-651ble", (text) => text.replace("gatt-blood-pressure", "gat-blood-pressure"));
    await change("and-ek-l", (text) =>
      text.replace("body-weight", "body-wait").replace("baudRate: 2400", "baudRate: 24"),
    );
    const { exit, out, err } = await hemhub(["catalogue", "check", folder]);
    expect({ exit, out }).toEqual({ exit: 1, out: "" });
    expect(err.trimEnd().split("\n")).toEqual([
      expect.stringMatching(
        /^hemhub: error: and-ek-l\.yaml:\d+ line\.baudRate: expected a speed in baud from 300 to 921600, found 24; correct/,
      ),
      "hemhub: error: and-ua-651ble.yaml:10 driver: expected a driver of this version, found gat-blood-pressure (did you mean gatt-blood-pressure?); correct it",
    ]);
    const json = await hemhub(["catalogue", "check", folder, "--json"]);
    expect(json.exit).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({
      ok: false,
      models: 1,
      problems: [
        { level: "error", file: "and-ek-l.yaml", line: expect.any(Number), path: "line.baudRate" },
        { line: 10 },
      ],
    });
  });

  it("says that there is no such folder, or no catalogue in it", async () => {
    expect(await hemhub(["catalogue", "check", join(folder, "none")])).toMatchObject({
      exit: 2,
      err: expect.stringMatching(/^hemhub: catalogue folder .* cannot be read \(.*\); correct its path\n$/),
    });
    await rm(join(folder, "and-ek-l.yaml"));
    await rm(join(folder, "and-ua-651ble.yaml"));
    expect(await hemhub(["catalogue", "check", folder])).toMatchObject({
      exit: 1,
      err: expect.stringContaining("has no entry (*.yaml)"),
    });
  });
});

describe("hemhub catalogue list", () => {
  it("shows every model, its status and how it is read, and says why one is not", async () => {
    await change("and-ua-651ble", withdraw);
    const { exit, out } = await hemhub(["catalogue", "list", folder]);
    expect({ exit, lines: out.trimEnd().split("\n") }).toEqual({
      exit: 0,
      lines: [
        "MODEL          STATUS         OVER    DRIVER",
        "and-ek-l       not-certified  serial  and-scale",
        "and-ua-651ble  withdrawn      ble     gatt-blood-pressure",
        "and-ua-651ble: withdrawn on 2026-11-01: recalled by its maker",
      ],
    });
    expect(JSON.parse((await hemhub(["catalogue", "list", folder, "--json"])).out)).toMatchObject([
      { id: "and-ek-l", status: "not-certified", withdrawn: null },
      { id: "and-ua-651ble", status: "withdrawn", withdrawn: { date: "2026-11-01" }, driver: "gatt-blood-pressure" },
    ]);
  });

  it("lists what can be read of a damaged one, and says how to find the rest", async () => {
    await writeFile(join(folder, "broken.yaml"), "id: [\n");
    const { exit, out, err } = await hemhub(["catalogue", "list", folder]);
    expect(exit).toBe(1);
    expect(out).toContain("and-ek-l");
    expect(err).toMatch(/^hemhub: .*: 1 problems; hemhub catalogue check .* names them\n$/);
  });
});

describe("a hub with a catalogue of its region's", () => {
  const scale = [{ id: "scale", model: "tanita-sc-240", serial: { path: "/dev/hemhub-none" } }];

  it("has its models and no others", async () => {
    await using home = await testHome({ catalogue: { folder }, sensors: scale });
    const { exit, err } = await hemhub(["config", "check", home.configFile]);
    expect(exit).toBe(1);
    expect(err).toContain("model tanita-sc-240 is not in the catalogue (hemhub catalogue list names those that are)");
  });

  it("goes on with the catalogue of its version where that one is damaged, and says so", async () => {
    await writeFile(join(folder, "broken.yaml"), "id: [\n");
    await using home = await testHome({ catalogue: { folder }, sensors: scale });
    const check = await hemhub(["config", "check", home.configFile]);
    expect(check.exit).toBe(1);
    expect(check.err).toMatch(
      /catalogue\.folder: the catalogue of this version stands in, because catalogue broken\.yaml/,
    );
    await using hub = await startHub(home);
    expect(hub.log.find(({ event }) => event === "catalogue-fault")).toMatchObject({
      severity: "alarm",
      text: expect.stringContaining("stands in, because catalogue broken.yaml, line"),
    });
    expect(JSON.parse((await hub.ask("sensor", "list", "--json")).out)).toMatchObject([
      { id: "scale", trouble: expect.not.stringContaining("catalogue") },
    ]);
  });
});
