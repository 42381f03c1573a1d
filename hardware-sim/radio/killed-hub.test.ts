import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { millis } from "../../protocol/time.ts";
import { until } from "../../tests/support/until.ts";
import { createRealClock } from "../clock/real-clock.ts";
import { createBloodPressureCuff } from "../gatt/blood-pressure-cuff.ts";
import { childStdio } from "../pty/child-stdio.ts";
import { openPty, type Pty } from "../pty/pty.ts";
import { radioAddress } from "./address.ts";
import { createAir } from "./air.ts";
import { createVirtualController } from "./virtual-controller.ts";

const HUB = fileURLToPath(new URL("noble-hub.ts", import.meta.url));

const startHub = (pty: Pty) => {
  const child = spawn(process.execPath, [HUB, pty.path], { stdio: childStdio([pty], ["pipe", "pipe", "inherit"]) });
  const gone = new Promise((resolve) => child.once("exit", resolve));
  const lines: string[] = [];
  if (child.stdout !== null) createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  return {
    lines,
    goOn: () => child.stdin?.write("go on\n"),
    kill: async () => {
      child.kill("SIGKILL");
      await gone;
    },
  };
};

it("a hub that is killed in the middle of a session finds a clean line and the measurement when it is back", async () => {
  await using pty = await openPty();
  const air = createAir({ clock: createRealClock(), seed: 4 });
  await using controller = createVirtualController({ line: pty, air, address: radioAddress("00:00:5e:00:53:01") });
  await using cuff = createBloodPressureCuff({
    air,
    address: radioAddress("00:00:5e:00:53:10"),
    identity: { manufacturer: "A&D Medical", model: "UA-651BLE", serial: "1", firmware: "1" },
    interval: millis(20),
    afterwards: "stay",
  });
  const record = cuff.measure({ systolic: 124, diastolic: 86 });

  const first = startHub(pty);
  await until(() => first.lines.includes("connected"), "the first hub connected");
  await first.kill();
  expect(controller.links).toBe(1);

  const second = startHub(pty);
  await until(() => second.lines.includes("connected"), "the second hub connected");
  expect(cuff.connections).toBe(2);
  second.goOn();
  await until(() => second.lines.includes(record.valueHex), "the measurement arrived");
  await until(() => record.confirmedAt !== null, "it was confirmed");
  expect(record.sent).toBe(1);
  await second.kill();
});
