import { Readable } from "node:stream";
import type { IStore } from "mqtt";

/**
 * A message store that stores nothing. The MQTT client would keep a copy of each message in flight and send it again
 * on the next connection; here the outbox is the only queue, and a connection that is gone takes nothing with it.
 */
export const createEmptyStore = (): IStore => {
  const store: IStore = {
    put: (_packet, done) => {
      done();
      return store;
    },
    del: (_packet, done) => {
      done();
      return store;
    },
    get: (_packet, done) => {
      done(new Error("nothing is stored"));
      return store;
    },
    createStream: () => Readable.from([]) as unknown as ReturnType<IStore["createStream"]>,
    close: (done) => done(),
  };
  return store;
};
