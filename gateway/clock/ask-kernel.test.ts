import { expect, it } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { minutes, seconds } from "../../protocol/time.ts";
import { createKernelClock, readAdjtimex } from "./ask-kernel.ts";

/** As busybox prints it. */
const printed = (status: number, maxError: number): string =>
  `    mode:         0\n-o  offset:       0 us\n    maxerror:     ${maxError}\n    esterror:     12\n    status:       ${status} (PLL)\n    return value: 0\n`;

it("takes the kernel's bound where a daemon keeps its clock", () => {
  expect(readAdjtimex(printed(1, 2500))).toMatchObject({
    tag: "synchronised",
    sync: { source: "kernel", boundMs: 2.5, reference: null, stratum: null },
  });
});

it("says so where none does", () => {
  expect(readAdjtimex(printed(0x40, 16_000_000))).toMatchObject({ tag: "unsynchronised" });
  expect(readAdjtimex(printed(0x41, 2500))).toMatchObject({ tag: "unsynchronised" });
});

it.each([
  "",
  "adjtimex: Operation not permitted",
  "maxerror: 2500",
  "status: 1\nmaxerror: -5",
  "status: x\nmaxerror: 1",
])("makes nothing of %j", (text) => {
  expect(readAdjtimex(text)).toMatchObject({ tag: "silent" });
});

it("starts a program every five minutes only, and lets the bound grow in between", async () => {
  const clock = createSimulatedClock();
  const run: string[] = [];
  const ask = createKernelClock(clock, async (file) => {
    run.push(file);
    return printed(1, 2500);
  });
  await ask();
  await clock.advance(seconds(299));
  expect(await ask()).toMatchObject({ sync: { boundMs: 18, ageMs: 299_000 } });
  expect(run).toEqual(["/bin/busybox"]);
  await clock.advance(seconds(1));
  expect(await ask()).toMatchObject({ sync: { boundMs: 3, ageMs: 0 } });
  expect(run).toHaveLength(2);
});

it("tries the next program where one is missing or cannot do it, and says what is wrong where none can", async () => {
  const failing = (code: string | number): Error => Object.assign(new Error(`failed with ${code}`), { code });
  const asked = createKernelClock(createSimulatedClock(), async (file) => {
    if (file === "/sbin/adjtimex") return printed(1, 1000);
    throw failing(file === "/bin/busybox" ? 127 : "ENOENT");
  });
  expect(await asked()).toMatchObject({ tag: "synchronised" });
  const absent = createKernelClock(createSimulatedClock(), () => Promise.reject(failing("ENOENT")));
  expect(await absent()).toEqual({ tag: "absent" });
  const clock = createSimulatedClock();
  const hangs = createKernelClock(clock, () => Promise.reject(failing("ETIMEDOUT")));
  expect(await hangs()).toEqual({ tag: "silent", why: "failed with ETIMEDOUT" });
  await clock.advance(minutes(5));
  expect(await hangs()).toMatchObject({ tag: "silent" });
});
