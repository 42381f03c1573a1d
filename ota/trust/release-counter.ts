import { HubError } from "../../protocol/errors.ts";
import { explainingFullDisk } from "../files/no-space.ts";
import type { MetadataStore } from "./metadata-store.ts";
import { readRole, readRoot } from "./verified-metadata.ts";
import { floorOf, raiseFloor } from "./version-floors.ts";

/** The counter of the newest release that was committed on this hub. */
export interface ReleaseCounter {
  /** 0 where none was, and where root has since rotated the keys of targets. */
  floor(): Promise<number>;
  /** Durable when it resolves. For a release that is committed: a trial that fails must not bar the way back. */
  raise(counter: number): Promise<void>;
}

export const createReleaseCounter = (store: MetadataStore): ReleaseCounter => {
  const rootInPlace = async () => {
    const root = readRoot((await store.installed("root.json")) ?? new Uint8Array());
    if (root !== null) return root;
    throw new HubError("update-untrusted", "release counter: root.json is damaged; check for updates, then try again");
  };
  return {
    floor: async () => {
      const { keysOf } = await rootInPlace();
      return floorOf((await store.floors.load()).floors, "counter", keysOf);
    },
    raise: (counter) =>
      explainingFullDisk("release counter", async () => {
        const root = await rootInPlace();
        const targets = readRole(root, "targets", (await store.installed("targets.json")) ?? new Uint8Array());
        if (targets === null) {
          const sentence = "release counter: no signed list of releases is in place; check for updates, then try again";
          throw new HubError("update-untrusted", sentence);
        }
        const { floors } = await store.floors.load();
        const raised = raiseFloor(floors, "counter", { value: counter, signers: targets.signers }, root.keysOf);
        if (raised !== floors) await store.floors.save(raised);
      }),
  };
};
