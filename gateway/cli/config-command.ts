import { driverOf } from "../../drivers/registry.ts";
import { enrol } from "../config/enrol.ts";
import { type ConfigProblem, type ConfigResult, problemLine } from "../config/hub-config.ts";
import { loadConfig } from "../config/load-config.ts";
import { loadQuestionnaires } from "../entry/load-questionnaires.ts";
import { loadCatalogueOf } from "../updates/catalogue-place.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { Output } from "./output.ts";

/** Problems of the file, of the catalogue and the questionnaires that it names, and sensors that a hub would set aside. */
const problemsOf = async (result: ConfigResult): Promise<readonly ConfigProblem[]> => {
  if (result.tag === "invalid") return result.problems;
  const { config, source } = result;
  const { catalogue, trouble } = await loadCatalogueOf(config);
  const { setAside } = enrol(config, catalogue, driverOf);
  const place = source.valueAt(["catalogue", "folder"]);
  const questionnaires = await loadQuestionnaires(config.questionnaires);
  return [
    ...questionnaires.problems.map((message) => ({
      ...source.valueAt(["questionnaires"]),
      path: "questionnaires",
      message,
    })),
    ...(trouble === null ? [] : [{ ...place, path: "catalogue.folder", message: trouble }]),
    ...setAside.map(({ config: sensor, sentence }) => {
      const index = config.sensors.indexOf(sensor);
      return { ...source.valueAt(["sensors", index, "model"]), path: `sensors[${index}].model`, message: sentence };
    }),
  ];
};

/** `hemhub config check FILE`: every problem at once on standard error, exit 1 when there is one. */
export const configCheckCommand = async (
  file: string,
  { json = false }: { readonly json?: boolean },
  output: Output,
): Promise<ExitCode> => {
  const result = await loadConfig(file);
  const problems = await problemsOf(result);
  const ok = problems.length === 0;
  if (json) await output.write(`${JSON.stringify({ file, ok, problems })}\n`);
  else if (result.tag === "ok" && ok) {
    const { hub, sensors } = result.config;
    await output.write(`${file}: ok, hub ${hub.id}, ${sensors.length} sensor${sensors.length === 1 ? "" : "s"}\n`);
  } else for (const problem of problems) output.complain(problemLine(file, problem));
  return ok ? EXIT.ok : EXIT.checkFailed;
};
