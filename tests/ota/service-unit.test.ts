import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KEY_CREDENTIAL } from "../../gateway/store/outbox-key.ts";
import { pathOf, requirement, titled } from "../support/requirements.ts";

const PACKAGING = fileURLToPath(new URL("../../packaging", import.meta.url));
/** Where a package puts the scripts of packaging/launch. */
const INSTALLED = "/usr/lib/hemhub/";
/** So that what the launcher mounts is seen by the hub. */
const AMONG_ALL_MOUNTS = "/usr/bin/nsenter --target=1 --mount ";
const UNIT = readFileSync(join(PACKAGING, "systemd", "hemhub.service"), "utf8");
const OWN_ADAPTER = readFileSync(join(PACKAGING, "systemd", "own-adapter.conf"), "utf8");

/** Values of a directive, in order. */
const valuesOf = (name: string, unit = UNIT): readonly string[] =>
  unit.split("\n").flatMap((line) => (line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : []));

const secondsOf = (name: string): number => Number(valuesOf(name)[0]);

describe("the systemd unit", () => {
  it("runs only what is packaged", () => {
    const commands = ["ExecStartPre", "ExecStart", "ExecStopPost"].flatMap((name) => valuesOf(name));
    expect(commands.length).toBe(3);
    for (const command of commands) {
      const program = command.replace(/^[+]/, "").replace(AMONG_ALL_MOUNTS, "").split(" ")[0] ?? "";
      expect(program.startsWith(INSTALLED)).toBe(true);
      accessSync(join(PACKAGING, "launch", program.slice(INSTALLED.length)), constants.X_OK);
    }
  });

  it("chooses and mounts as root where only root writes, and runs the hub as its own user", () => {
    expect(valuesOf("ExecStartPre")[0]).toMatch(
      /^\+\/usr\/bin\/nsenter --target=1 --mount \S+\/hemhub-launch select \/var\/lib\/hemhub\/releases$/,
    );
    expect(valuesOf("ExecStart")[0]).toMatch(
      /^\/\S+\/hemhub-launch run \/var\/lib\/hemhub\/releases run --config \S+$/,
    );
    expect(valuesOf("User")).toEqual(["hemhub"]);
    const run = /HEMHUB_RUN=(\S+)/.exec(valuesOf("Environment")[0] ?? "")?.[1];
    const folders = readFileSync(join(PACKAGING, "systemd", "hemhub.tmpfiles.conf"), "utf8");
    expect(folders).toContain(`\nd ${run} 0755 root root -\n`);
    // The hub's own folder is another one: a link that it lays there must not lead root anywhere.
    expect(valuesOf("RuntimeDirectory").map((name) => `/run/${name}`)).not.toContain(run);
  });

  it("F56: waits for READY and for signs of life, and starts again whatever ends, for ever", () => {
    expect(valuesOf("Type")).toEqual(["notify"]);
    // systemd-notify is a child of the hub.
    expect(valuesOf("NotifyAccess")).toEqual(["all"]);
    expect(secondsOf("WatchdogSec")).toBeGreaterThanOrEqual(30);
    expect(3 * secondsOf("TimeoutStartSec")).toBeLessThan(600);
    // Latest end of the hub's parts is after 10 s.
    expect(secondsOf("TimeoutStopSec")).toBeGreaterThan(10);
    expect(valuesOf("Restart")).toEqual(["always"]);
    expect(valuesOf("StartLimitIntervalSec")).toEqual(["0"]);
    expect(valuesOf("ExecStopPost")[0]).toMatch(/^\+\S+\/hemhub-launch ended /);
  });

  it("F51: leaves no reading in a dump or in swap, and takes the key of the outbox from the credentials", () => {
    expect(valuesOf("WatchdogSignal")).toEqual(["SIGKILL"]);
    expect(valuesOf("TimeoutStartFailureMode")).toEqual(["kill"]);
    expect(valuesOf("LimitCORE")).toEqual(["0"]);
    expect(valuesOf("MemorySwapMax")).toEqual(["0"]);
    // Without a path: a hub that has none makes a key file.
    expect(valuesOf("LoadCredentialEncrypted")).toEqual([KEY_CREDENTIAL]);
  });

  it("leaves the hub what it needs: compiled code, the boot id, serial ports, the kernel's word on the clock", () => {
    for (const name of ["ProtectClock", "MemoryDenyWriteExecute", "ProcSubset", "PrivateDevices"]) {
      expect(valuesOf(name), name).toEqual([]);
    }
    // What comes later counts: adjtimex is one of @privileged.
    expect(valuesOf("SystemCallFilter").at(-1)).toContain("adjtimex");
    for (const port of ["ttyUSB", "ttyACM", "ttyAMA", "ttyS", "ttyGS"]) {
      expect(valuesOf("DeviceAllow")).toContain(`char-${port} rw`);
    }
    // A group of devices is known by name only where its driver is there already.
    for (const name of ["Wants", "After"]) {
      expect(
        valuesOf(name)
          .join(" ")
          .match(/(?<=modprobe@)\w+/g),
        name,
      ).toEqual(["loop", "usbserial", "cdc_acm"]);
    }
    for (const name of ["AmbientCapabilities", "CapabilityBoundingSet"]) {
      expect(valuesOf(name, OWN_ADAPTER)).toEqual(["CAP_NET_ADMIN CAP_NET_RAW"]);
    }
    expect(valuesOf("RestrictAddressFamilies", OWN_ADAPTER)).toEqual(["AF_BLUETOOTH"]);
  });

  it("comes with the kernel's search for the size of packets that pass", () => {
    const settings = readFileSync(join(PACKAGING, "systemd", "hemhub.sysctl.conf"), "utf8");
    expect(settings).toMatch(/^net\.ipv4\.tcp_mtu_probing = 1$/m);
  });
});

const analyze = requirement("systemd-analyze");

describe.skipIf(!analyze.available)(titled("systemd's own judgement of the unit", analyze), () => {
  let place = "";
  beforeAll(() => {
    place = mkdtempSync(join(tmpdir(), "hemhub-unit-"));
    // Where the scripts are here.
    writeFileSync(join(place, "hemhub.service"), UNIT.replaceAll(`${INSTALLED}hemhub-`, `${PACKAGING}/launch/hemhub-`));
  });
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  const verify = (): string => {
    const { status, stderr } = spawnSync(pathOf("systemd-analyze") ?? "", ["verify", "--man=no", "hemhub.service"], {
      cwd: place,
      encoding: "utf8",
      env: { ...process.env, SYSTEMD_UNIT_PATH: `${place}:` },
    });
    return status === 0 ? stderr : `${status}: ${stderr}`;
  };
  const exposure = (): number => {
    const args = ["security", "--offline=true", "--no-pager", join(place, "hemhub.service")];
    const said = execFileSync(pathOf("systemd-analyze") ?? "", args, { encoding: "utf8" });
    return Number(/Overall exposure level for \S+: ([\d.]+)/.exec(said)?.[1]);
  };

  it("finds nothing to complain of", () => {
    expect(verify()).toBe("");
  });

  it("is an exposure of 2.0 at most", () => {
    expect(exposure()).toBeLessThanOrEqual(2);
  });

  it("takes the part for a hub with an adapter of its own", () => {
    const folder = join(place, "hemhub.service.d");
    mkdirSync(folder);
    writeFileSync(join(folder, "own-adapter.conf"), OWN_ADAPTER);
    expect(verify()).toBe("");
  });
});
