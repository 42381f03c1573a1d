import { readFileSync } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { KEY_CREDENTIAL } from "../../gateway/store/outbox-key.ts";
import { createCertificateAuthority } from "../../hardware-sim/region/certificates.ts";
import { writeCredentials } from "../../hardware-sim/region/credential-files.ts";
import type { ImageHash } from "../../ota/slots/slots.ts";
import { epochMs } from "../../protocol/time.ts";
import { ROOT } from "../../scripts/setup.mjs";
import { bundledHub } from "../support/bundled.ts";
import { type Requirement, requirement, titled } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { addImage, addUnpacked } from "./launcher.ts";
import { bootable, bootMachine, type Change, type SystemdMachine, slotsIn } from "./systemd-machine.ts";

const WATCHDOG_MS = 2000;
/** Three tries that end with the watchdog take 7 s where nothing else is done. */
const PATIENCE_MS = 25_000;

const TO_A_FILE: Change = ["StandardOutput=append:/var/lib/hub.log", "no journal runs in this machine"];

const CHANGES: readonly Change[] = [
  [`WatchdogSec=${WATCHDOG_MS}ms`, "a home waits for a minute"],
  ["TimeoutStartSec=10s", "a home waits for three minutes"],
  ["RestartSec=50ms", "a home waits for two seconds"],
  TO_A_FILE,
];

const SAY_START = '#!/bin/sh\necho "$HEMHUB_SLOT $HEMHUB_TRY $(id -un)" >>/var/lib/hemhub/starts\n';
const READY = "systemd-notify READY=1 WATCHDOG=1";
const release = (script: string): string => `${SAY_START}${script}\n`;

/** Ready, and alive until it is told to stop, or by SIGUSR1 to be started again. */
const WELL = release(`
trap 'echo stopped >>/var/lib/hemhub/starts; exit 0' TERM
trap 'exit 10' USR1
${READY}
while :; do
  systemd-notify WATCHDOG=1
  sleep 0.2 & wait $!
done`);

interface Broken {
  readonly what: string;
  readonly script: string;
  /** What is left of it. */
  readonly word: string;
  readonly more?: readonly Change[];
}

/** What a release does in its trial. */
const BROKEN: readonly Broken[] = [
  {
    what: "never becomes ready",
    script: "sleep 1000",
    word: "no-ready",
    more: [["TimeoutStartSec=2s", "it is waited for three times"]],
  },
  { what: "stands still after it was ready", script: `${READY}\nkill -STOP $$`, word: "hung" },
  { what: "crashes", script: `${READY}\nexit 70`, word: "crashed" },
  { what: "is killed", script: `${READY}\nkill -KILL $$`, word: "killed" },
];

const isActive = async (machine: SystemdMachine): Promise<boolean> =>
  (await machine.property("ActiveState")) === "active";

const untilRuns = (machine: SystemdMachine, start: string): Promise<boolean> =>
  until(async () => machine.starts().at(-1) === start && (await isActive(machine)), `"${start}" runs`, PATIENCE_MS);

/** Major number of a kind of serial port that is allowed and that the kernel here has; null where it has none. */
const port = /^ *(\d+) tty(S|AMA|USB|ACM)$/m.exec(readFileSync("/proc/devices", "latin1"))?.[1] ?? null;
const ports: Requirement = {
  available: port !== null,
  reason: port === null ? "the kernel has no driver of a serial port: load usbserial" : null,
};

const CONFIG = {
  hub: { id: "hub-0042", assignment: "a-7f3c9b", dataDir: "/var/lib/hemhub/data", timeZone: "Europe/Stockholm" },
  // Port 1 is tcpmux: nobody listens there.
  region: {
    url: "mqtts://127.0.0.1:1",
    ca: ["/var/lib/hemhub/tls/ca.pem"],
    certificate: "/var/lib/hemhub/tls/hub.crt",
    key: "/var/lib/hemhub/tls/hub.key",
  },
  sensors: [],
  diagnostics: { socket: "/run/hemhub/hemhub.sock" },
};

const possible = await bootable();

describe.skipIf(!possible.available)(
  titled("the unit, under a systemd that is process 1", possible),
  {
    timeout: 2 * PATIENCE_MS,
  },
  () => {
    it("F56: starts the hub as its own user, sees that it is ready and lives, and stops it in order", async () => {
      await using machine = await bootMachine({ changes: CHANGES, base: WELL });
      await untilRuns(machine, "base 0 hemhub");
      const ready = Number(await machine.property("ActiveEnterTimestampMonotonic"));
      const isFed = async () =>
        Number(await machine.property("WatchdogTimestampMonotonic")) > ready + 1.5 * WATCHDOG_MS * 1000;
      await until(isFed, "it outlives the time without a sign");
      expect(await machine.property("NRestarts")).toBe("0");
      await machine.inside("systemctl", "stop", "hemhub");
      expect(machine.starts()).toEqual(["base 0 hemhub", "stopped"]);
      expect(await machine.property("ActiveState")).toBe("inactive");
      expect(await machine.property("Result")).toBe("success");
    });

    it.concurrent.each(BROKEN)("F48: takes back a release that $what, after three tries", async (broken) => {
      const { what, script, word, more = [] } = broken;
      let proven: ImageHash | null = null;
      let failed: ImageHash | null = null;
      const prepare = async (state: string): Promise<void> => {
        const [slots, images] = [slotsIn(state), join(state, "releases", "images")];
        proven = await addUnpacked(images, "proven", WELL);
        await slots.activate(proven);
        await slots.commit(proven);
        failed = await addUnpacked(images, what, release(script));
        await slots.activate(failed);
      };
      await using machine = await bootMachine({ changes: [...CHANGES, ...more], base: WELL, prepare });
      await untilRuns(machine, "current 0 hemhub");
      expect(machine.starts().slice(0, 4)).toEqual(
        [1, 2, 3].map((n) => `trial ${n} hemhub`).concat("current 0 hemhub"),
      );
      expect(await machine.slots.read()).toMatchObject({
        current: proven,
        trial: null,
        lastFailed: { release: failed, reason: word },
      });
    });

    const tools = requirement("mksquashfs");

    it.skipIf(!tools.available)(
      titled("starts a hub that asks for it with 10 at once, into the image on trial that root has mounted", tools),
      async () => {
        await using machine = await bootMachine({ changes: CHANGES, base: WELL });
        await untilRuns(machine, "base 0 hemhub");
        const place = await mkdtemp(join(tmpdir(), "hemhub-image-"));
        const images = join(machine.state, "releases", "images");
        const script = WELL.replace("\n", "\nfindmnt -n -o FSTYPE,OPTIONS -T $0 >>/var/lib/hemhub/starts\n");
        const image = await addImage(images, place, "image", script).finally(() => rm(place, { recursive: true }));
        await machine.slots.activate(image);
        await machine.inside("systemctl", "kill", "--kill-whom=main", "--signal=USR1", "hemhub");
        await untilRuns(machine, "trial 1 hemhub");
        expect(machine.starts().at(-2)).toMatch(/^squashfs +ro,nosuid,nodev/);
        expect(await machine.inside("ls", "/run/hemhub-launch")).toBe("mnt\nselected\n");
      },
    );

    it("F51: hands over the key of the outbox, sealed to the machine", async () => {
      const sealed = `/etc/credstore.encrypted/${KEY_CREDENTIAL}`;
      const base = release(
        `cat "$CREDENTIALS_DIRECTORY/${KEY_CREDENTIAL}" >>/var/lib/hemhub/starts\n${READY}\nsleep 1000`,
      );
      await using machine = await bootMachine({ changes: CHANGES, base });
      await machine.inside(
        "sh",
        "-c",
        `mkdir -p /etc/credstore.encrypted && echo 0123456789abcdef | systemd-creds encrypt --with-key=host --name=${KEY_CREDENTIAL} - ${sealed}`,
      );
      expect(await machine.inside("cat", sealed)).not.toContain("0123456789abcdef");
      await machine.inside("systemctl", "restart", "hemhub");
      expect(machine.starts().at(-1)).toBe("0123456789abcdef");
    });

    it.skipIf(!ports.available)(
      titled("lets the hub open serial ports by its group, and no other device", ports),
      async () => {
        const base = release(
          `for name in port other; do true </dev/$name; done 2>>/var/lib/hemhub/starts\n${READY}\nsleep 1000`,
        );
        await using machine = await bootMachine({ changes: CHANGES, base });
        // Numbers with no hardware behind: to open it fails for that, where it may be opened.
        const made = [`c ${port} 95 && chgrp dialout /dev/port`, "c 10 254 && chmod 666 /dev/other"];
        await machine.inside("sh", "-c", `mknod -m 660 /dev/port ${made[0]} && mknod /dev/other ${made[1]}`);
        await machine.inside("systemctl", "restart", "hemhub");
        expect(machine.starts().at(-2)).toMatch(/port: (No such device|Input\/output error)/);
        expect(machine.starts().at(-1)).toMatch(/other: Operation not permitted/);
      },
    );

    const bus = requirement("dbus-daemon");

    it.skipIf(!bus.available)(titled("lets the hub talk over D-Bus as the user that it is", bus), async () => {
      const ask = "busctl call org.freedesktop.DBus / org.freedesktop.DBus ListNames";
      const base = release(`${ask} >>/var/lib/hemhub/starts 2>&1\n${READY}\nsleep 1000`);
      await using machine = await bootMachine({ changes: CHANGES, base });
      await machine.inside("mkdir", "-p", "/run/dbus");
      await machine.inside("dbus-daemon", "--system", "--fork", "--nopidfile");
      await machine.inside("systemctl", "restart", "hemhub");
      expect(machine.starts().at(-1)).toMatch(/^as \d+ "org.freedesktop.DBus"/);
    });

    it("F56: the real hub becomes ready with all that is taken from it, in its own folders, and stops in order", async () => {
      await using hub = await bundledHub();
      const authority = await createCertificateAuthority("test region", epochMs(Date.now()));
      await using machine = await bootMachine({
        changes: [TO_A_FILE],
        base: '#!/bin/sh\nPATH=/usr/lib/hemhub/runtime:$PATH exec /usr/lib/hemhub/release/hemhub "$@"\n',
        files: { "etc/hemhub/hub.yaml": stringify(CONFIG) },
        mounts: {
          [dirname(hub.file)]: "/usr/lib/hemhub/release",
          [join(ROOT, "node_modules")]: "/usr/lib/hemhub/node_modules",
          [dirname(process.execPath)]: "/usr/lib/hemhub/runtime",
        },
        prepare: async (state) => {
          await writeCredentials(authority, join(state, "tls"), "hub-0042");
        },
      });
      await until(() => isActive(machine), "the hub is ready");
      await machine.inside("systemctl", "stop", "hemhub");
      expect(machine.said()).toMatch(/"hub ready".*"hub stopped"/s);
      const { uid } = await stat(join(machine.state, "data", "outbox", "outbox.db"));
      expect(String(uid)).toBe((await machine.inside("id", "-u", "hemhub")).trim());
      expect(await machine.property("Result")).toBe("success");
      expect(await machine.property("NRestarts")).toBe("0");
    });
  },
);
