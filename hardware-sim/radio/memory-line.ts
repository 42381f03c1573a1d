import type { HostLine } from "./virtual-controller.ts";

export interface MemoryLine {
  /** For the controller. */
  readonly device: HostLine;
  /** Everything that the controller has sent and nobody has taken yet. */
  take(): Uint8Array;
  /** Bytes from the host. */
  send(bytes: Uint8Array): void;
  close(): void;
}

/** A host line without a terminal, for hosts in the same process. */
export const createMemoryLine = (): MemoryLine => {
  const toDevice: Uint8Array[] = [];
  let toHost: Uint8Array[] = [];
  let open = true;
  let wake: (() => void) | null = null;

  async function* incoming(): AsyncGenerator<Uint8Array> {
    while (open || toDevice.length > 0) {
      const chunk = toDevice.shift();
      if (chunk !== undefined) yield chunk;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const stir = (): void => {
    wake?.();
    wake = null;
  };

  return {
    device: {
      incoming: incoming(),
      waiting: 0,
      write: async (bytes) => {
        toHost.push(bytes);
      },
    },
    take: () => {
      const all = Buffer.concat(toHost);
      toHost = [];
      return Uint8Array.from(all);
    },
    send: (bytes) => {
      toDevice.push(bytes);
      stir();
    },
    close: () => {
      open = false;
      stir();
    },
  };
};
