import { HubError, type HubErrorCode, messageOf } from "../../protocol/errors.ts";

/** Words of RAUC 1.8 (LastError), and what they come to. The first that fits. */
const MEANINGS: readonly { readonly word: RegExp; readonly code: HubErrorCode; readonly next: string }[] = [
  {
    word: /no space left/i,
    code: "update-no-space",
    next: "the slot or the disk is too small for it; compare the image with the partition",
  },
  {
    word: /compatible mismatch/i,
    code: "update-unfit",
    next: "it is for another kind of machine; ask the region for a bundle for this one",
  },
  {
    word: /signature|invalid bundle|certificate|squashfs|failed mounting bundle|manifest/i,
    code: "update-untrusted",
    next: "nothing of it was kept; see that RAUC's keyring knows who signed it",
  },
];

const FURTHER = "nothing of it is started; look at `journalctl -u rauc`";

/** Why RAUC did not install a bundle, with its own word in the sentence. */
export const explainRefusal = (lastError: string): HubError => {
  const { code, next } = MEANINGS.find(({ word }) => word.test(lastError)) ?? {
    code: "update-unfit" as const,
    next: FURTHER,
  };
  const said = lastError.replaceAll(/\s+/g, " ").trim();
  return new HubError(code, `update: RAUC could not install the bundle (${said === "" ? "no reason" : said}); ${next}`);
};

/** RAUC does one thing at a time, and says so where it is asked for a second. */
export const isBusy = (thrown: unknown): boolean => /already processing a different method/i.test(messageOf(thrown));

/**
 * RAUC 1.8 looks at every loop device that is mounted, and fails where one goes at that moment (`determine_slot_states`):
 * asked again it finds the next state.
 */
export const isSlip = (word: string): boolean => /getting loop backing_file/i.test(word);

/** Errors of the bus itself are named so (D-Bus specification, "Error names"): RAUC was never asked. */
const isOfTheBus = (thrown: unknown): boolean => {
  const type: unknown = typeof thrown === "object" && thrown !== null ? Reflect.get(thrown, "type") : null;
  return typeof type !== "string" || type.startsWith("org.freedesktop.DBus.Error.");
};

/** Why a call came to nothing. */
export const explainSilence = (attempted: string, thrown: unknown): HubError => {
  if (thrown instanceof HubError) return thrown;
  const found = messageOf(thrown);
  return isOfTheBus(thrown)
    ? new HubError(
        "update-unreachable",
        `update: ${attempted}: RAUC's service does not answer on the system's bus (${found}); look at \`systemctl status rauc\``,
        { cause: thrown },
      )
    : new HubError(
        "update-unfit",
        `update: ${attempted}: RAUC could not (${found}); look at \`rauc status\` and \`journalctl -u rauc\``,
        { cause: thrown },
      );
};
