import { HubError, type HubErrorCode, messageOf } from "../protocol/errors.ts";

/**
 * Load a module that needs a native part, when it is needed. Where the part is missing or does not fit this machine, the
 * HubError says so in one sentence, and only what needs the part goes without.
 */
export const loadNative = async <T>(what: string, code: HubErrorCode, load: () => Promise<T>): Promise<T> => {
  try {
    return await load();
  } catch (thrown) {
    // The loader lists every place that it looked at; the first sentence is for people, the rest is the cause.
    const [found] = messageOf(thrown).split(/\.\s/);
    const message = `${what}: the native part does not load here (${found}); reinstall the hub's packages on this machine`;
    throw new HubError(code, message, { cause: thrown });
  }
};
