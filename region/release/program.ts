import { generateKeyPairSync } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Key } from "@tufjs/models";
import { Command, CommanderError } from "commander";
import { addCampaignCommands } from "../campaign/commands.ts";
import type { BuiltTarget } from "./build.ts";
import { readPublished } from "./published.ts";
import { type Draft, type OfflineRole, openReleaseRepository, type TrustSettings } from "./repository.ts";
import { openSigner, readPublicKey } from "./signer.ts";
import { draftLine, statusLines } from "./status.ts";

const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const sayDraft = (draft: Draft): void => say(draftLine(draft));

const repositoryAt = (folder: string) => openReleaseRepository(folder, () => new Date());

interface TrustOptions {
  readonly root: readonly string[];
  readonly rootThreshold: string;
  readonly targets: readonly string[];
  readonly targetsThreshold: string;
  readonly online: readonly string[];
}

const trustOf = (options: TrustOptions): TrustSettings => {
  const role = (name: string, files: readonly string[], threshold: string) => {
    const keys: readonly Key[] = files.map(readPublicKey);
    const needed = Number(threshold);
    if (!Number.isInteger(needed) || needed < 1 || needed > keys.length) {
      throw new Error(`release: ${name} has ${keys.length} keys, so its threshold cannot be ${threshold}`);
    }
    return { keys, threshold: needed };
  };
  return {
    root: role("root", options.root, options.rootThreshold),
    targets: role("targets", options.targets, options.targetsThreshold),
    online: role("online", options.online, "1"),
  };
};

const withTrust = (command: Command): Command =>
  command
    .requiredOption("--root <public key...>", "public keys of root, PEM")
    .requiredOption("--root-threshold <n>", "how many of them must sign")
    .requiredOption("--targets <public key...>", "public keys of the list of releases, PEM")
    .requiredOption("--targets-threshold <n>", "how many of them must sign")
    .requiredOption("--online <public key...>", "public keys of snapshot and timestamp, PEM");

const keygen = async (file: string): Promise<void> => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const options = { mode: 0o600, flag: "wx" } as const;
  await writeFile(file, privateKey.export({ type: "pkcs8", format: "pem" }), options);
  await writeFile(`${file}.pub`, publicKey.export({ type: "spki", format: "pem" }), { flag: "wx" });
  say(`${file}: Ed25519 private key, keep it offline; ${file}.pub: what root lists`);
};

/** What `release build` leaves for `release add`: paths count from the file's own folder. */
const readBuilt = async (file: string): Promise<readonly BuiltTarget[]> => {
  const { targets } = JSON.parse(await readFile(file, "utf8")) as { targets: readonly BuiltTarget[] };
  return targets.map((target) => ({ ...target, file: path.resolve(path.dirname(file), target.file) }));
};

/** A file that is not a release, such as a catalogue: `catalogue/1.json=FILE`. */
const readTarget = (text: string): BuiltTarget => {
  const at = text.indexOf("=");
  if (at < 1) throw new Error(`release add: ${text}: use PATH=FILE`);
  return { path: text.slice(0, at), file: text.slice(at + 1), custom: {} };
};

const offlineRole = (role: string, command: string): OfflineRole => {
  if (role === "root" || role === "targets") return role;
  throw new Error(`release ${command}: ${role} is no offline role; use root or targets`);
};

const createProgram = (): Command => {
  const program = new Command("hemhub release").description("Build, sign and publish releases for hubs");
  program.exitOverride().configureOutput({ writeErr: (text) => process.stderr.write(text) });

  program.command("keygen <file>").description("make a key pair, for a region without an HSM").action(keygen);

  withTrust(program.command("init <repository>").description("set up an empty repository")).action(
    async (folder: string, options: TrustOptions) => {
      const repository = repositoryAt(folder);
      await repository.initialise(trustOf(options));
      for (const draft of await repository.drafts()) sayDraft(draft);
    },
  );

  withTrust(program.command("trust <repository>").description("draft a root with other keys or thresholds")).action(
    async (folder: string, options: TrustOptions) => {
      const repository = repositoryAt(folder);
      await repository.changeTrust(trustOf(options));
      for (const draft of await repository.drafts()) sayDraft(draft);
    },
  );

  program
    .command("add <repository>")
    .description("list a built release, or other files, in the next version")
    .option("--built <file>", "built.json of a release")
    .option("--target <path=file...>", "another file", [])
    .action(async (folder: string, { built, target }: { built?: string; target: readonly string[] }) => {
      const targets = [...(built === undefined ? [] : await readBuilt(built)), ...target.map(readTarget)];
      if (targets.length === 0) throw new Error("release add: nothing to add; give --built or --target");
      const repository = repositoryAt(folder);
      await repository.add(targets);
      for (const { path: name } of targets) say(`listed ${name}`);
      for (const draft of await repository.drafts()) sayDraft(draft);
    });

  program
    .command("withdraw <repository> <path...>")
    .description("take targets off the next version of the list")
    .action(async (folder: string, paths: readonly string[]) => {
      const repository = repositoryAt(folder);
      await repository.withdraw(paths);
      for (const draft of await repository.drafts()) sayDraft(draft);
    });

  program
    .command("sign <repository>")
    .description("add a signature to a draft")
    .requiredOption("--role <role>", "root or targets")
    .requiredOption("--key <key>", "private key, PEM, or a PKCS #11 URI (PIN in HEMHUB_PKCS11_PIN)")
    .action(async (folder: string, { role, key }: { role: string; key: string }) => {
      sayDraft(await repositoryAt(folder).sign(offlineRole(role, "sign"), openSigner(key)));
    });

  program
    .command("status <repository>")
    .description("what hubs get and until when, and who still has to sign")
    .option("--json", "for programs")
    .action(async (folder: string, { json }: { json?: true }) => {
      const [published, drafts] = [await readPublished(folder), await repositoryAt(folder).drafts()];
      if (json) say(JSON.stringify({ ...published, drafts }));
      else for (const line of statusLines(published, drafts, Date.now())) say(line);
    });

  program
    .command("recount <repository> <target>")
    .description("list a release again with a higher counter, so that hubs go back to it")
    .requiredOption("--counter <n>", "above all that are listed")
    .option("--as <path>", "path of the new target; default: the old one with the counter in it")
    .action(async (folder: string, target: string, { counter, as }: { counter: string; as?: string }) => {
      const repository = repositoryAt(folder);
      const to = as ?? target.replace(/(\.counter-\d+)?(\.sqfs\.zst|\.[^./]*)?$/, `.counter-${counter}$2`);
      await repository.recount(target, Number(counter), to);
      say(`listed ${to}`);
      for (const draft of await repository.drafts()) sayDraft(draft);
    });

  program
    .command("renew <repository>")
    .description("draft the next version of a role with the same content, before it expires")
    .requiredOption("--role <role>", "root or targets")
    .action(async (folder: string, { role }: { role: string }) => {
      const repository = repositoryAt(folder);
      await repository.renew(offlineRole(role, "renew"));
      for (const draft of await repository.drafts()) sayDraft(draft);
    });

  program
    .command("refresh <repository>")
    .description("sign snapshot and timestamp again; daily, also while a draft waits for signatures")
    .requiredOption("--key <key>", "the online key, PEM, or a PKCS #11 URI")
    .action(async (folder: string, { key }: { key: string }) => {
      await repositoryAt(folder).refresh(openSigner(key));
      say("snapshot and timestamp are signed again");
    });

  program
    .command("publish <repository>")
    .description("put signed drafts in place, and sign what is online about them")
    .requiredOption("--key <key>", "the online key, PEM, or a PKCS #11 URI")
    .action(async (folder: string, { key }: { key: string }) => {
      await repositoryAt(folder).publish(openSigner(key));
      say(`published; serve ${path.join(folder, "metadata")} and ${path.join(folder, "targets")} as they are`);
    });

  addCampaignCommands(program, () => Date.now());
  return program;
};

/** `hemhub release ...`: gives the exit code, 0 ok, 1 failed, 2 wrong use. */
export const releaseProgram = async (args: readonly string[]): Promise<number> => {
  try {
    await createProgram().parseAsync([...args], { from: "user" });
    return EXIT.ok;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
    process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    return EXIT.failed;
  }
};
