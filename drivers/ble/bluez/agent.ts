import type { PairingPerson } from "../security/pairing-person.ts";
import { type DbusAnswer, refusal } from "./dbus.ts";

export const AGENT_PATH = "/hemhub/agent";

/** One pairing that a person allowed. */
export interface AgentWindow {
  /** Object of the device that is being paired. */
  readonly device: string;
  readonly person: PairingPerson;
  /** The pairing gets on. */
  progress(): void;
}

/**
 * org.bluez.Agent1: where BlueZ asks whether it may pair. It may only while a window is open, and only the device that
 * the window is for; everything else that anybody asks is rejected.
 */
export interface PairingAgent {
  /** Answer a call of BlueZ. Rejects with the D-Bus error for BlueZ. */
  asked(member: string, body: readonly unknown[]): Promise<DbusAnswer>;
  /** One window at a time. */
  open(window: AgentWindow): {
    /** A passkey or a comparison protected the pairing against a third party. */
    readonly authenticated: boolean;
    close(): void;
  };
}

const NOTHING: DbusAnswer = { signature: "", body: [] };
const rejected = (): Error => refusal("org.bluez.Error.Rejected", "not in a pairing window of the hub");

export const createPairingAgent = (): PairingAgent => {
  let current: AgentWindow | null = null;
  let asking = new AbortController();
  let shown: unknown = null;
  let authenticated = false;

  const withdraw = (): void => {
    asking.abort();
    asking = new AbortController();
  };

  const answer = async ({ person }: AgentWindow, member: string, number: unknown): Promise<DbusAnswer> => {
    switch (member) {
      case "DisplayPasskey":
        // Again and again, with the count of digits that the other side has typed.
        if (typeof number === "number" && number !== shown) person.showPasskey(number);
        shown = number;
        authenticated = true;
        return NOTHING;
      case "RequestPasskey": {
        const passkey = await person.askPasskey(asking.signal);
        if (passkey === null) throw rejected();
        authenticated = true;
        return { signature: "u", body: [passkey] };
      }
      case "RequestConfirmation":
        if (typeof number !== "number" || !(await person.compare(number, asking.signal))) throw rejected();
        authenticated = true;
        return NOTHING;
      case "RequestAuthorization":
        // Just Works: nobody can tell a third party from the sensor.
        if (person.mitm) throw rejected();
        return NOTHING;
      default:
        // Service authorization and PIN codes belong to BR/EDR, which no sensor of the hub speaks.
        throw rejected();
    }
  };

  return {
    asked: async (member, [device, number]) => {
      if (member === "Cancel" || member === "Release") {
        withdraw();
        return NOTHING;
      }
      const window = current;
      if (window === null || window.device !== device) throw rejected();
      window.progress();
      try {
        return await answer(window, member, number);
      } catch {
        throw rejected();
      } finally {
        window.progress();
      }
    },
    open: (window) => {
      current = window;
      shown = null;
      authenticated = false;
      return {
        get authenticated() {
          return authenticated;
        },
        close: () => {
          current = null;
          withdraw();
        },
      };
    },
  };
};
