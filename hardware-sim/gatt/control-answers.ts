import { aborted, type Bell } from "./bell.ts";
import type { PeripheralConnection } from "./peripheral.ts";

/** The answers of a control point: one at a time, each after the response to its request, until it is confirmed. */
export interface ControlAnswers {
  /** An answer is on its way. */
  readonly busy: boolean;
  /** The central asked for indications of the control point. */
  isListening(): boolean;
  give(answer: Uint8Array): void;
  connect(connection: PeripheralConnection): void;
  serve(connection: PeripheralConnection): Promise<void>;
}

export const createControlAnswers = (characteristic: string, bell: Bell): ControlAnswers => {
  let waiting: Uint8Array | null = null;
  let connection: PeripheralConnection | null = null;
  return {
    get busy() {
      return waiting !== null;
    },
    isListening: () => connection?.gatt.subscription(characteristic) === "indicate",
    give: (answer) => {
      waiting = answer;
      bell.ring();
    },
    connect: (next) => {
      connection = next;
      waiting = null;
    },
    serve: async ({ gatt, link, over }) => {
      while (!over.aborted) {
        const changed = AbortSignal.any([over, bell.next()]);
        if (waiting === null) await aborted(changed);
        else {
          // After a transaction timeout the bearer may not be used again (Core Vol 3 Part F 3.3.3).
          if ((await gatt.indicate(characteristic, waiting)) === "timeout") link.disconnect();
          waiting = null;
        }
      }
    },
  };
};
