import { rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openPty, type Pty } from "../../hardware-sim/pty/pty.ts";
import { until } from "../support/until.ts";
import { startHub, testHome } from "./support/test-hub.ts";

/** A technician with a terminal: what the screen shows, and keys. */
const technician = (pty: Pty) => {
  let screen = "";
  const reading = (async (): Promise<void> => {
    for await (const bytes of pty.incoming) screen += Buffer.from(bytes).toString();
  })();
  return {
    screen: () => screen,
    type: async (keys: string): Promise<void> => {
      await until(async () => (await pty.write(Buffer.from(keys))) === "written", "the hub takes the keys");
    },
    see: (text: string | RegExp): Promise<unknown> =>
      until(() => (typeof text === "string" ? screen.includes(text) : text.test(screen)), `the screen shows ${text}`),
    reading,
  };
};

describe("technician's console on a serial line", () => {
  it("greets without personal data, echoes, answers within 80 columns, and survives nonsense", async () => {
    await using pty = await openPty();
    const { screen, type, see } = technician(pty);
    await using hub = await startHub({ diagnostics: { socket: "./hemhub.sock", serial: { path: pty.path } } }, [pty]);
    await see(/Hemhub \d+\.\d+\.\d+\. Type help and press Enter\.\r\nhub-0042 \[0 waiting, offline\]> $/);
    expect(screen()).not.toContain("a-7f3c9b");

    await type("hel\u007f\u007felp\r");
    await see(/sensor list +the sensors of this home/);
    await type("status\r");
    await see(/clock {8}\d{4}-/);
    await type("sensor list\r");
    await see("no sensors configured");
    await type("statsu\r");
    await see('Error: unknown command "statsu" (did you mean status?)');
    await type("x".repeat(3000));
    await type(String.fromCharCode(...Array.from({ length: 500 }, (_, i) => (i * 37) % 256)));
    await until(async () => {
      await type("\u0003");
      return screen().endsWith("^C\r\nhub-0042 [0 waiting, offline]> ");
    }, "Ctrl-C brings the prompt back");
    await type("outbox\r");
    await see("waiting      0");
    const lines = screen()
      .split("\r\n")
      .filter((line) => !line.includes("]> ") && !line.includes("\u0007"));
    expect(lines.filter((line) => line.length > 80)).toEqual([]);

    hub.kill("SIGTERM");
    expect(await hub.ended()).toEqual({ exit: 0, signal: null });
  });

  it("says in the log that the cable was pulled, and serves whoever plugs in again", async () => {
    await using home = await testHome({ diagnostics: { socket: "./hemhub.sock", serial: { path: "./console" } } });
    const place = join(home.folder, "console");
    await using first = await openPty();
    await symlink(first.path, place);
    const before = technician(first);
    await using hub = await startHub(home, [first]);
    await before.see("]> ");
    await first.close();
    const line = await hub.logged("console not available");
    expect(line.reason).toMatch(/connect/);
    expect((await hub.ask("status")).exit).toBe(0);

    await using second = await openPty();
    await rm(place);
    await symlink(second.path, place);
    const after = technician(second);
    await after.see("]> ");
    await after.type("link\r");
    await after.see("settled by   the region's receipts");
  });
});
