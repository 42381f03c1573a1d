/*
 * What is lost of what was accepted: when the hub is killed under load again and again, and when the power is cut. The
 * release of the hub reads a scale on a serial line, and its log says what it has stored; each round has a region for one
 * half and none for the other. A cut: the process is killed, and the disk has what was synchronised by then and nothing
 * else (tests/power-cut).
 */
import type { Bench, Figure } from "../figure.ts";
import { cutHub, killHub, type Losses } from "./loss-hub.ts";
import { cutCarelessScript, killBridge } from "./loss-peers.ts";
import { openRegionEnd } from "./region-end.ts";
import { buildRelease } from "./release.ts";

const KILLS = { quick: 3, full: 20 };
const CUTS = { quick: 2, full: 10 };

const share = ({ accepted, lost }: Losses): number => (100 * lost) / accepted;

const figure = (what: string, ours: Losses, peer: Losses, peerName: string): Figure => ({
  what,
  ours: share(ours),
  peer: share(peer),
  peerName,
  unit: "% of what was accepted",
  ratio: null,
  goal: "0",
  met: ours.accepted > 0 && ours.lost === 0,
  note: `${ours.lost} of ${ours.accepted}; ${peerName} ${peer.lost} of ${peer.accepted}`,
});

export const bench: Bench = {
  name: "loss",
  run: async ({ quick }) => {
    const [kills, cuts] = quick ? [KILLS.quick, CUTS.quick] : [KILLS.full, CUTS.full];
    await using release = await buildRelease();
    await using killRegion = await openRegionEnd();
    const killed = await killHub(release, killRegion, kills);
    const { duplicatesInEffect } = killRegion.receiver.counts();
    const cut = await cutHub(release, cuts);
    const careless = await cutCarelessScript(killRegion.folder, cuts);
    const bridge = await killBridge(killRegion.folder, kills);
    return [
      figure(`lost after ${kills} kill -9 under load`, killed, bridge, "Mosquitto bridge"),
      {
        what: `twice in effect after ${kills} kill -9`,
        ours: duplicatesInEffect,
        peer: null,
        peerName: "",
        unit: "readings",
        ratio: null,
        goal: "0",
        met: duplicatesInEffect === 0,
      },
      figure(`lost after ${cuts} cuts of the power`, cut, careless, "script with synchronous=NORMAL"),
      figure(`the same, a bridge (killed ${kills} times)`, cut, bridge, "Mosquitto bridge"),
    ];
  },
};
