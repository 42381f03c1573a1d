import manifest from "../package.json" with { type: "json" };

/** Version of the hub software, as it stands in every reading's provenance and in `state`. */
export const HUB_VERSION: string = manifest.version;
