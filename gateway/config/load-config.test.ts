import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { problemLine } from "./hub-config.ts";
import { loadConfig, parseConfig } from "./load-config.ts";

const GOOD = `hub:
  id: hub-0042
  assignment: a-7f3c9b
  dataDir: ./data
  timeZone: Europe/Stockholm
region: {url: "mqtts://127.0.0.1:8883", ca: [ca.pem], certificate: hub.crt, key: hub.key}
ble: {adapter: {type: uart, path: /dev/pts/3}}
sensors:
  - {id: cuff, model: and-ua-651ble, ble: {address: "C0:26:DA:00:00:01"}}
  - {id: oximeter, model: nonin-3150, serial: {path: /dev/pts/4}}
  - {id: meter, model: lifescan-ultra2, serial: {usb: {vendor: "0403", product: "6001", serialNumber: "A1"}}}
diagnostics: {socket: ./hemhub.sock, serial: {path: /dev/ttyGS0}}
log: {level: debug}
`;

const problemsOf = (text: string): readonly string[] => {
  const result = parseConfig(text, "/etc/hemhub/hub.yaml");
  return result.tag === "ok" ? [] : result.problems.map((problem) => problemLine("hub.yaml", problem));
};

describe("parseConfig", () => {
  it("fills in defaults, resolves paths against the file and lower-cases identities", () => {
    const result = parseConfig(GOOD, "/etc/hemhub/hub.yaml");
    expect(result).toMatchObject({
      tag: "ok",
      config: {
        file: "/etc/hemhub/hub.yaml",
        hub: {
          id: "hub-0042",
          assignment: "a-7f3c9b",
          dataDir: "/etc/hemhub/data",
          timeZone: "Europe/Stockholm",
        },
        region: {
          url: "mqtts://127.0.0.1:8883",
          ca: ["/etc/hemhub/ca.pem"],
          certificate: "/etc/hemhub/hub.crt",
          key: "/etc/hemhub/hub.key",
          serverName: null,
          receipts: true,
          publishWithoutTime: false,
        },
        ble: { adapter: { type: "uart", path: "/dev/pts/3", baudRate: 1_000_000 } },
        sensors: [
          { id: "cuff", model: "and-ua-651ble", transport: "ble", address: "c0:26:da:00:00:01" },
          { id: "oximeter", model: "nonin-3150", transport: "serial", port: { tag: "path", path: "/dev/pts/4" } },
          {
            id: "meter",
            model: "lifescan-ultra2",
            transport: "serial",
            port: { tag: "usb", vendor: "0403", product: "6001", serialNumber: "A1" },
          },
        ],
        diagnostics: { socket: "/etc/hemhub/hemhub.sock", serial: { path: "/dev/ttyGS0", baudRate: 115_200 } },
        log: { level: "debug" },
      },
    });
  });

  it("needs no more than hub and region", () => {
    const result = parseConfig(GOOD.split("\n").slice(0, 6).join("\n"), "/etc/hemhub/hub.yaml");
    expect(result).toMatchObject({
      tag: "ok",
      config: {
        ble: null,
        sensors: [],
        diagnostics: { socket: "/etc/hemhub/data/hemhub.sock", serial: null },
        log: { level: "info" },
      },
    });
  });

  it("names file, line, column, path, what was expected and what was found", () => {
    expect(problemsOf(GOOD.replace("C0:26:DA:00:00:01", "xyz"))).toEqual([
      'hub.yaml:9:53 sensors[0].ble.address: expected six hex pairs such as c0:26:da:00:00:01, found "xyz"',
    ]);
  });

  it("suggests the known key that was probably meant, at the place of the wrong one", () => {
    expect(problemsOf(GOOD.replace("timeZone", "timezone"))).toEqual([
      "hub.yaml:2:3 hub.timeZone: required, but missing",
      "hub.yaml:5:3 hub.timezone: unknown key (did you mean timeZone?); known here: id, assignment, dataDir, timeZone",
    ]);
  });

  it("asks for quotes where YAML reads a number", () => {
    expect(problemsOf(GOOD.replace('"0403"', "0403").replace("id: hub-0042", "id: 42"))).toEqual([
      "hub.yaml:2:7 hub.id: expected 1 to 64 letters, digits, dots, dashes or underscores, in quotes, found 42",
      'hub.yaml:11:64 sensors[2].serial.usb.vendor: expected four hex digits in quotes such as "0403", found 403',
    ]);
  });

  it("reports schema problems, duplicates and impossible values together, in the order of the file", () => {
    const lines = problemsOf(
      GOOD.replace("Europe/Stockholm", "Europe/Stokholm")
        .replace("id: oximeter", "id: cuff")
        .replace("/dev/pts/4", "/dev/../dev/pts/3")
        .replace("/dev/ttyGS0", "/dev/pts/3")
        .replace("level: debug", "level: loud"),
    );
    expect(lines).toEqual([
      'hub.yaml:5:13 hub.timeZone: expected a time zone name such as Europe/Stockholm, found "Europe/Stokholm"',
      "hub.yaml:10:10 sensors[1].id: same sensor id as sensors[0].id on line 9; each may stand once",
      "hub.yaml:10:50 sensors[1].serial.path: same serial port as ble.adapter.path on line 7; each may stand once",
      "hub.yaml:12:53 diagnostics.serial.path: same serial port as ble.adapter.path on line 7; each may stand once",
      'hub.yaml:13:14 log.level: expected one of debug, info, warn, error, found "loud"',
    ]);
  });

  it("finds two sensors with one address, however it is written", () => {
    const twice = `${GOOD}`.replace(
      "  - {id: oximeter",
      '  - {id: cuff-2, model: and-ua-651ble, ble: {address: "c0:26:da:00:00:01"}}\n  - {id: oximeter',
    );
    expect(problemsOf(twice)).toEqual([
      "hub.yaml:10:55 sensors[1].ble.address: same address as sensors[0].ble.address on line 9; each may stand once",
    ]);
  });

  it("asks for a radio where a sensor needs one", () => {
    const [line] = problemsOf(GOOD.replace(/^ble:.*\n/m, ""));
    expect(line).toBe("hub.yaml:8:43 sensors[0].ble: needs a radio; add ble: {adapter: {type: hci, device: 0}}");
  });

  it("takes what a sensor is known by, whose it is, the region's catalogue and limits", () => {
    const more = `${GOOD.replace(
      "id: cuff,",
      'id: cuff, assignment: a-hers, serialNumber: "5150100001", userSlot: 2,',
    )}catalogue: {folder: ./certified, certifiedOnly: true}
plausibility:
  - {quantity: body-weight, assignment: a-hers, min: 35, jumps: [{by: 2, hours: 24}]}
  - {quantity: spo2, max: 99}
`;
    const result = parseConfig(more, "/etc/hemhub/hub.yaml");
    expect(result).toMatchObject({
      tag: "ok",
      config: {
        sensors: [
          { id: "cuff", assignment: "a-hers", serialNumber: "5150100001", userSlot: 2 },
          { id: "oximeter", assignment: null, serialNumber: null, userSlot: null },
          { id: "meter" },
        ],
        catalogue: { folder: "/etc/hemhub/certified", certifiedOnly: true },
        plausibility: [
          { quantity: "body-weight", assignment: "a-hers", min: 35, max: null, jumps: [{ by: 2, hours: 24 }] },
          { quantity: "spo2", assignment: null, min: null, max: 99, jumps: null },
        ],
      },
    });
    expect(parseConfig(GOOD, "/etc/hemhub/hub.yaml")).toMatchObject({
      config: { catalogue: { folder: null, certifiedOnly: false }, plausibility: [] },
    });
  });

  it("asks for a number in quotes where a serial number has digits only", () => {
    expect(problemsOf(GOOD.replace("id: cuff,", "id: cuff, serialNumber: 5150100001, userSlot: 255,"))).toEqual([
      'hub.yaml:9:30 sensors[0].serialNumber: expected the serial number that the sensor tells, in quotes such as "5150100001", found 5150100001',
      "hub.yaml:9:52 sensors[0].userSlot: expected the number of the patient's memory on the sensor, 0 to 254, found 255",
    ]);
  });

  it("finds limits of nothing, of nobody, twice, and between which nothing is", () => {
    const limits = `${GOOD}plausibility:
  - {quantity: body-wieght, min: 3}
  - {quantity: spo2, min: 100}
  - {quantity: pulse-rate, assignment: a-nobody}
  - {quantity: body-weight, jumps: [{by: 0, hours: 1}]}
  - {quantity: glucose}
  - {quantity: glucose}
`;
    expect(problemsOf(limits)).toEqual([
      expect.stringMatching(
        /^hub\.yaml:15:16 plausibility\[0\]\.quantity: no limit has this name \(did you mean body-weight\?\); known: blood/,
      ),
      "hub.yaml:16:16 plausibility[1].quantity: nothing is between min 100 and max 100 (%); correct them",
      "hub.yaml:17:40 plausibility[2].assignment: neither the hub nor a sensor has this assignment; correct it or leave it out",
      "hub.yaml:18:42 plausibility[3].jumps[0].by: expected a number above 0 in the quantity's unit, found 0",
      "hub.yaml:20:16 plausibility[5].quantity: same limit as plausibility[4]; each may stand once",
    ]);
  });

  it("asks for the serial number of an adapter where another sensor has one of its kind", () => {
    const twin = GOOD.replace(
      "diagnostics:",
      '  - {id: other, model: nonin-3012lp, serial: {usb: {vendor: "0403", product: "6001"}}}\ndiagnostics:',
    );
    expect(problemsOf(twin)).toEqual([
      "hub.yaml:12:52 sensors[3].serial.usb: other sensors here have an adapter of this kind; add its serialNumber",
    ]);
    expect(problemsOf(twin.replace('product: "6001"}}}\nd', 'product: "6001", serialNumber: "B2"}}}\nd'))).toEqual([]);
  });

  it("wants exactly one way to a sensor", () => {
    expect(problemsOf(GOOD.replace(", serial: {path: /dev/pts/4}", ""))).toEqual([
      "hub.yaml:10:5 sensors[1]: expected one of ble or serial, found neither",
    ]);
    expect(
      problemsOf(GOOD.replace("serial: {path: /dev/pts/4}", 'serial: {path: /x}, ble: {address: "00:00:00:00:00:02"}')),
    ).toEqual(["hub.yaml:10:5 sensors[1]: expected one of ble or serial, found both"]);
  });

  it("refuses a connection without TLS, an impossible port and a socket path that Linux cannot take", () => {
    expect(problemsOf(GOOD.replace("mqtts://127.0.0.1:8883", "mqtt://127.0.0.1:1883"))[0]).toContain("(TLS only)");
    expect(problemsOf(GOOD.replace(":8883", ":99999"))[0]).toContain("a port from 1 to 65535");
    expect(problemsOf(GOOD.replace("./hemhub.sock", `./${"s".repeat(120)}.sock`))[0]).toContain("Linux takes 107");
  });

  it.each([
    ["syntax", "hub: {id: a\nregion: [", /^hub\.yaml:2:1: not valid YAML: /],
    ["a key that stands twice", "hub: 1\nhub: 2", /^hub\.yaml:2:1: not valid YAML: Map keys must be unique$/],
    ["a second document", "a: 1\n---\nb: 2", /: not valid YAML: a second document begins; keep one$/],
    ["an unknown alias", "hub: *nobody", /^hub\.yaml.*: not valid YAML: /],
    [
      "an alias bomb",
      `a: &a [x]\n${"bcdefghij"
        .split("")
        .map(
          (k, i) =>
            `${k}: &${k} [${"*"
              .concat("abcdefghij"[i] ?? "")
              .concat(",")
              .repeat(20)}]`,
        )
        .join("\n")}`,
      /not valid YAML: /,
    ],
    ["an empty file", "# nothing\n", /^hub\.yaml: the file is empty; it needs hub and region$/],
    ["a list", "- a", /^hub\.yaml:1:1: expected a mapping \(key: value\), found a list$/],
  ])("answers %s with one sentence", (_, text, sentence) => {
    const lines = problemsOf(text);
    expect(lines[0]).toMatch(sentence);
  });

  it("never throws, whatever the text", () => {
    const seed = 20_261_122;
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    for (let i = 0; i < 150; i++) {
      const at = random(GOOD.length);
      const cut = random(30);
      const noise = Array.from({ length: random(6) }, () => String.fromCharCode(random(128))).join("");
      const text = GOOD.slice(0, at) + noise + GOOD.slice(at + cut);
      expect(() => parseConfig(text, "/etc/hub.yaml"), `seed ${seed}, round ${i}`).not.toThrow();
    }
  });
});

describe("loadConfig", () => {
  it("says in words why a file cannot be read", async () => {
    expect(await loadConfig("/nowhere/hub.yaml")).toMatchObject({
      problems: [{ line: 0, message: "cannot be read (no such file); give the hub's configuration file" }],
    });
    expect(await loadConfig(tmpdir())).toMatchObject({
      problems: [{ message: "cannot be read (it is a folder); give the hub's configuration file" }],
    });
  });

  it("reads a file and resolves its paths against its own folder", async () => {
    const folder = await mkdtemp(join(tmpdir(), "hemhub-config-"));
    try {
      await writeFile(join(folder, "hub.yaml"), GOOD);
      expect(await loadConfig(join(folder, "hub.yaml"))).toMatchObject({
        tag: "ok",
        config: { hub: { dataDir: join(folder, "data") } },
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
