import type { Logger } from "../../protocol/ports/logger.ts";

export interface Sheddable {
  readonly logger: Logger;
  /** While true, only warnings and errors are written: on a full disk, lines must not take the place of readings. */
  shed(isOn: boolean): void;
}

/** A logger, and all that come of it by `with`, that can be told to say less. */
export const sheddable = (given: Logger): Sheddable => {
  let isShedding = false;
  const wrap = (inner: Logger): Logger => ({
    debug: (message, fields) => {
      if (!isShedding) inner.debug(message, fields);
    },
    info: (message, fields) => {
      if (!isShedding) inner.info(message, fields);
    },
    warn: (message, fields) => inner.warn(message, fields),
    error: (message, fields) => inner.error(message, fields),
    with: (fields) => wrap(inner.with(fields)),
  });
  return {
    logger: wrap(given),
    shed: (isOn) => {
      isShedding = isOn;
    },
  };
};
