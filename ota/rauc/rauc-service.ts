import { HubError, messageOf } from "../../protocol/errors.ts";
import type { Clock } from "../../protocol/ports/clock.ts";
import { type Millis, minutes, seconds } from "../../protocol/time.ts";
import type { OpenRaucBus, RaucBus, RaucSignal } from "./rauc-bus.ts";
import { type RaucSlot, slotsOf } from "./rauc-slots.ts";
import { explainRefusal, explainSilence, isBusy, isSlip } from "./rauc-word.ts";

const SERVICE = "de.pengutronix.rauc";
const INSTALLER = `${SERVICE}.Installer`;
const PROPERTIES = "org.freedesktop.DBus.Properties";
const BUS = "org.freedesktop.DBus";

/** An answer may take the boot loader's tools on a slow card; D-Bus libraries commonly wait 25 s. */
const ANSWERS_WITHIN = seconds(30);
/** 512 MB, the largest image, at 150 kB/s: the slowest card that is still alive. */
const INSTALLS_WITHIN = minutes(60);
const LOOK_AGAIN = seconds(1);
/** Loop devices that come and go under RAUC's eyes, in a row: one is rare already. */
const MOST_SLIPS = 5;

/** How far RAUC is, as it says itself. */
export interface InstallProgress {
  readonly percent: number;
  readonly step: string;
}

/**
 * RAUC's service (src/de.pengutronix.rauc.Installer.xml of RAUC 1.8). Debian's `rauc install` and `rauc status mark-*` are
 * clients of it as well. Each method has a connection of its own, and waits while RAUC is at work for somebody, an hour at
 * most. Rejects with HubError `update-unreachable` where it does not answer, else with RAUC's own word.
 */
export interface RaucService {
  slots(signal: AbortSignal): Promise<readonly RaucSlot[]>;
  /** Name of the slot that is started next; null where the boot loader does not tell. */
  primary(signal: AbortSignal): Promise<string | null>;
  mark(state: "good" | "bad" | "active", slot: string, signal: AbortSignal): Promise<void>;
  /**
   * Resolves when all slots of the bundle are written and synchronised. RAUC has no way to stop: where `signal` aborts,
   * this rejects, and RAUC goes on by itself to its end.
   */
  install(bundle: string, onProgress: (progress: InstallProgress) => void, signal: AbortSignal): Promise<void>;
}

type OnSignal = (signal: RaucSignal) => void;

export const createRaucService = (openBus: OpenRaucBus, clock: Clock): RaucService => {
  /** Rejects with the signal's reason, or when `limit` has passed; the timer ends with the work. */
  const within = async <T>(limit: Millis, attempted: string, work: Promise<T>, signal: AbortSignal): Promise<T> => {
    const done = new AbortController();
    const late = clock.sleep(limit, AbortSignal.any([signal, done.signal])).then(() => {
      throw new HubError(
        "update-unreachable",
        `update: ${attempted}: RAUC has not come to an end in ${limit / 1000} s; look at \`journalctl -u rauc\``,
      );
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      done.abort();
    }
  };

  const connected = async <T>(
    attempted: string,
    onSignal: OnSignal,
    signal: AbortSignal,
    work: (bus: RaucBus, gone: Promise<never>) => Promise<T>,
  ): Promise<T> => {
    const gone = Promise.withResolvers<never>();
    gone.promise.catch(() => undefined);
    let bus: RaucBus | null = null;
    try {
      bus = openBus({ signal: onSignal, asked: () => null, lost: gone.reject });
      await within(ANSWERS_WITHIN, attempted, bus.ready, signal);
      return await work(bus, gone.promise);
    } catch (thrown) {
      signal.throwIfAborted();
      throw explainSilence(attempted, thrown);
    } finally {
      bus?.close();
    }
  };

  const ask = async (
    bus: RaucBus,
    attempted: string,
    member: string,
    given: { readonly signature: string; readonly body: readonly unknown[] },
    signal: AbortSignal,
  ): Promise<readonly unknown[]> => {
    const began = clock.elapsed();
    for (let slips = 0; ; ) {
      const call = { destination: SERVICE, path: "/", iface: INSTALLER, member, ...given };
      try {
        return (await within(ANSWERS_WITHIN, attempted, bus.call(call), signal)).body;
      } catch (thrown) {
        const isAtWork = isBusy(thrown) && clock.elapsed() - began < INSTALLS_WITHIN;
        if (!isAtWork && !(isSlip(messageOf(thrown)) && slips < MOST_SLIPS)) throw thrown;
        if (!isAtWork) slips += 1;
        await clock.sleep(LOOK_AGAIN, signal);
      }
    }
  };

  const nothing = { signature: "", body: [] };
  const ignore: OnSignal = () => undefined;

  const install: RaucService["install"] = async (bundle, onProgress, signal) => {
    const attempted = "installing a bundle";
    let completed = Promise.withResolvers<number>();
    const died = Promise.withResolvers<never>();
    died.promise.catch(() => undefined);
    const onSignal: OnSignal = ({ iface, member, body }) => {
      if (iface === INSTALLER && member === "Completed") completed.resolve(Number(body[0]));
      if (iface === BUS && member === "NameOwnerChanged" && body[0] === SERVICE && body[2] === "") {
        died.reject(new Error("it ended in the middle of an installation"));
      }
      const progress = iface === PROPERTIES && member === "PropertiesChanged" ? progressIn(body) : null;
      if (progress !== null) onProgress(progress);
    };
    await connected(attempted, onSignal, signal, async (bus, gone) => {
      for (const rule of [
        `sender='${SERVICE}',path='/'`,
        `sender='${BUS}',member='NameOwnerChanged',arg0='${SERVICE}'`,
      ]) {
        const body = [`type='signal',${rule}`];
        const match = { destination: BUS, path: "/org/freedesktop/DBus", iface: BUS, member: "AddMatch" };
        await within(ANSWERS_WITHIN, attempted, bus.call({ ...match, signature: "s", body }), signal);
      }
      for (let slips = 0; ; slips += 1) {
        // RAUC 1.8 takes its own word back that it is at work when it is asked for a second installation meanwhile.
        await ask(bus, attempted, "GetSlotStatus", nothing, signal);
        completed = Promise.withResolvers();
        await ask(bus, attempted, "InstallBundle", { signature: "sa{sv}", body: [bundle, {}] }, signal);
        const ended = Promise.race([completed.promise, died.promise, gone]);
        if ((await within(INSTALLS_WITHIN, attempted, ended, signal)) === 0) return;
        const last = { destination: SERVICE, path: "/", iface: PROPERTIES, member: "Get", signature: "ss" };
        const lastError = bus.call({ ...last, body: [INSTALLER, "LastError"] });
        const word = String((await within(ANSWERS_WITHIN, attempted, lastError, signal)).body[0] ?? "");
        if (!isSlip(word) || slips >= MOST_SLIPS) throw explainRefusal(word);
      }
    });
  };

  return {
    install,
    slots: (signal) =>
      connected("asking for the slots", ignore, signal, async (bus) => {
        const [slots] = await ask(bus, "asking for the slots", "GetSlotStatus", nothing, signal);
        return slotsOf(slots);
      }),
    primary: (signal) =>
      connected("asking what is started next", ignore, signal, async (bus) => {
        const [name] = await ask(bus, "asking what is started next", "GetPrimary", nothing, signal);
        return typeof name === "string" ? name : null;
      }).catch((thrown: unknown) => {
        // The boot loader `noop` has no such thing.
        if (thrown instanceof HubError && thrown.code === "update-unfit") return null;
        throw thrown;
      }),
    mark: async (state, slot, signal) => {
      const attempted = `marking slot ${slot} as ${state}`;
      const given = { signature: "ss", body: [state, slot] };
      await connected(attempted, ignore, signal, (bus) => ask(bus, attempted, "Mark", given, signal));
    },
  };
};

/** What a change of RAUC's properties says of its progress, of type (isi); null where nothing. */
const progressIn = ([iface, changed]: readonly unknown[]): InstallProgress | null => {
  if (iface !== INSTALLER || typeof changed !== "object" || changed === null) return null;
  const progress: unknown = Reflect.get(changed, "Progress");
  const [percent, step] = Array.isArray(progress) ? (progress as unknown[]) : [];
  return typeof percent === "number" && typeof step === "string" ? { percent, step } : null;
};
