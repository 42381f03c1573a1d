import { expect, it, vi } from "vitest";
import { createSimulatedClock } from "../../hardware-sim/clock/simulated-clock.ts";
import { silentLogger } from "../../tests/support/test-loggers.ts";
import { createNobleRadio } from "./noble-radio.ts";

vi.mock("noble/lib/hci-socket/bindings.js", () => {
  throw new Error("No native build was found for platform=linux arch=riscv64");
});

it("is absent, with a sentence, on a machine where the Bluetooth stack does not load", async () => {
  const clock = createSimulatedClock();
  const adapter = { type: "uart", path: "/dev/ttyUSB0", baudRate: 115_200 } as const;
  const radio = createNobleRadio({ adapter, clock, time: clock, logger: silentLogger });
  await expect(radio.start(new AbortController().signal)).rejects.toMatchObject({ code: "adapter-absent" });
  expect(radio.state).toBe("absent");
  expect(radio.trouble).toContain("the Bluetooth stack does not load here");
});
