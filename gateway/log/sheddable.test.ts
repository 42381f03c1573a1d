import { expect, it } from "vitest";
import { createKeepingLogger, type LogLine } from "../../tests/support/test-loggers.ts";
import { sheddable } from "./sheddable.ts";

it("writes only warnings and errors while it sheds, also through the loggers that came of it before", () => {
  const lines: LogLine[] = [];
  const { logger, shed } = sheddable(createKeepingLogger(lines));
  const part = logger.with({ part: "sensors" });
  const all = (): void => {
    part.debug("a");
    part.info("b");
    part.warn("c");
    logger.error("d");
  };
  all();
  shed(true);
  all();
  shed(false);
  part.info("e");
  expect(lines.map(({ message }) => message)).toEqual(["a", "b", "c", "d", "c", "d", "e"]);
});
