// What the sources compile when a hub starts (protocol/schema-check.ts), compiled when it is bundled: an esbuild plugin
// that puts Ajv's own standalone code in the place of every `*-schema-check.ts`.
import { pathToFileURL } from "node:url";
import standaloneCode from "ajv/dist/standalone/index.js";
import { ajvOf } from "../protocol/schema-check.ts";

/** The one check and the one function that a file exports. */
const partsOf = (exported, file) => {
  const checks = Object.values(exported).filter((value) => typeof value === "object");
  const names = Object.keys(exported).filter((name) => typeof exported[name] === "function");
  if (checks.length !== 1 || names.length !== 1) {
    throw new Error(`${file}: exports ${Object.keys(exported)}; a schema check exports one check and one function`);
  }
  return { check: checks[0], name: names[0] };
};

export const compiledChecks = {
  name: "compiled-checks",
  setup: (build) => {
    build.onLoad({ filter: /-schema-check\.ts$/ }, async ({ path }) => {
      const { check, name } = partsOf(await import(pathToFileURL(path).href), path);
      const ajv = ajvOf({ ...check, options: { ...check.options, code: { source: true, esm: true } } });
      const contents = `${standaloneCode.default(ajv, ajv.compile(check.schema))}\nexport const ${name} = () => validate;\n`;
      return { contents, loader: "js" };
    });
  },
};
