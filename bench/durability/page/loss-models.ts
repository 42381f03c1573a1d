import type { LossModel } from "../../../tests/power-cut/disk-model.ts";
import { html, type Markup } from "./markup.ts";

interface Model {
  readonly title: string;
  readonly text: string;
  /** Class of the colour that it has in the plots. */
  readonly colour: "all" | "none" | "some";
}

export const MODELS: Readonly<Record<LossModel, Model>> = {
  "all-kept": {
    title: "Everything kept",
    text:
      "The power went just after the operation had reached the disk, and all before it as well. It shows whether the " +
      "files make sense between any two operations.",
    colour: "all",
  },
  "unsynced-lost": {
    title: "Unsynchronised lost",
    text:
      "Only what was synchronised is there: content after fsync of the file, a name after fsync of its folder. Whatever " +
      "was acknowledged too early is gone.",
    colour: "none",
  },
  "some-lost": {
    title: "Some lost, in any order",
    text:
      "Of what was not synchronised, some sectors of 512 bytes reached the disk and others did not, decided by the seed. " +
      "It makes torn pages, and journals with holes.",
    colour: "some",
  },
};

/** Order of the cards, the bars and the columns. */
export const MODEL_ORDER: readonly LossModel[] = ["all-kept", "unsynced-lost", "some-lost"];

const SECTORS = 14;
const SYNCED = 7;
/** Which of the later sectors a disk kept, in the picture of `some-lost`. */
const SOME = [true, false, true, true, false, false, true];

const isKept = (loss: LossModel, sector: number): boolean =>
  sector < SYNCED || loss === "all-kept" || (loss === "some-lost" && SOME[sector - SYNCED] === true);

/** Sectors as a strip: what was synchronised left of the mark, the rest right of it. */
const strip = (
  loss: LossModel,
): Markup => html`<svg viewBox="0 0 228 40" role="img" aria-label="Sectors on the disk: ${MODELS[loss].title.toLowerCase()}">
${Array.from({ length: SECTORS }, (_, i) => {
  const x = 2 + i * 15 + (i >= SYNCED ? 12 : 0);
  const colour = isKept(loss, i) ? (i < SYNCED ? "all" : MODELS[loss].colour) : "empty";
  return html`<rect x="${x}" y="4" width="12" height="16" rx="2" class="${colour}"/>`;
})}
<line x1="${2 + SYNCED * 15 + 4.5}" x2="${2 + SYNCED * 15 + 4.5}" y1="0" y2="26" class="sync"/>
<text x="${2 + SYNCED * 15 + 4.5}" y="38" text-anchor="middle">fsync</text>
</svg>`;

export const lossModels = (): Markup => html`<div class="cards">
${MODEL_ORDER.map((loss) => html`<section>${strip(loss)}<h3>${MODELS[loss].title}</h3><p>${MODELS[loss].text}</p></section>\n`)}</div>`;
