import type { ChannelId } from "../../../protocol/ids.ts";
import type { HubTime } from "../../../protocol/ports/clock.ts";
import type { Received } from "../../../protocol/ports/transport.ts";
import { createValueInbox, INBOX_LIMIT, type RawValue } from "../value-inbox.ts";
import { type BluezCharacteristic, tellsValues } from "./gatt-table.ts";

/** Objects that have values; see ENTRY_LIMIT of the characteristics. Values of further ones are nobody's. */
const PATHS_LIMIT = 256;

/** Values of one device, by the object path that BlueZ reports them under. */
export interface Values {
  /** False where there are more than the hub can hold: the value is not kept. */
  put(path: string, bytes: Uint8Array): boolean;
  /**
   * The hub reads the characteristic at `path`. BlueZ reports what a read brought like a notification, before it answers
   * the read: call the result with that answer (null for an error), and its echo is taken out.
   */
  reading(path: string): (answer: Uint8Array | null) => void;
  open(characteristics: readonly BluezCharacteristic[]): void;
  end(): void;
  readonly incoming: AsyncIterable<Received>;
}

/** BlueZ has confirmed an indication to the sensor before anybody sees it: there is nothing left to do. */
const confirmedByBluez = (): void => undefined;

const areEqual = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

export const createValues = (time: HubTime): Values => {
  const inbox = createValueInbox();
  const numbers = new Map<string, number>();
  let held: { readonly handle: number; readonly values: RawValue[] } | null = null;

  /** The inbox knows characteristics by number. */
  const numberOf = (path: string): number | null => {
    const known = numbers.get(path);
    if (known !== undefined) return known;
    if (numbers.size >= PATHS_LIMIT) return null;
    numbers.set(path, numbers.size);
    return numbers.size - 1;
  };

  return {
    put: (path, bytes) => {
      const handle = numberOf(path);
      if (handle === null) return true;
      const value: RawValue = { handle, bytes, at: time.stamp(), confirm: confirmedByBluez };
      if (held?.handle !== handle) return inbox.put(value);
      return held.values.push(value) <= INBOX_LIMIT;
    },
    reading: (path) => {
      const mine = { handle: numberOf(path) ?? -1, values: [] as RawValue[] };
      held = mine;
      return (answer) => {
        const echo = answer === null ? -1 : mine.values.findIndex(({ bytes }) => areEqual(bytes, answer));
        held = null;
        for (const [i, value] of mine.values.entries()) if (i !== echo) inbox.put(value);
      };
    },
    open: (characteristics) => {
      const channels = new Map<number, ChannelId>();
      for (const one of characteristics) {
        const handle = numberOf(one.path);
        if (handle !== null && tellsValues(one)) channels.set(handle, one.channel);
      }
      inbox.open((handle) => channels.get(handle) ?? null);
    },
    end: inbox.end,
    incoming: inbox.incoming,
  };
};
