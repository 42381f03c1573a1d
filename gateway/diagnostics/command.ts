/** JSON that a command answers with. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/**
 * One piece of an answer. `text`: a line for people, at most 80 columns. `data`: the same for programs. A command gives
 * both and the asker shows one kind. `exit` other than 0 says that what was asked about is not well.
 */
export type Line =
  | { readonly tag: "text"; readonly text: string }
  | { readonly tag: "data"; readonly data: Json }
  | { readonly tag: "exit"; readonly code: 0 | 1 };

/** Words after the command's name. Only a command with a `usage` gets any. */
export type Args = readonly string[];

/**
 * A question that a technician or a program can ask a running hub, over the local socket or the serial console.
 * `view` commands change nothing.
 */
export interface DiagnosticCommand {
  /** One or two words: `status`, `sensor list`. */
  readonly name: string;
  readonly summary: string;
  /** Words that follow the name, as help shows them: `<id> [cancel]`. Without it the command takes none. */
  readonly usage?: string;
  readonly role: "view" | "service";
  /** Throws HubError with the next step (`invalid-argument`: wrong usage); anything else is a broken invariant. */
  run(args: Args, signal: AbortSignal): AsyncIterable<Line>;
}

export const text = (line: string): Line => ({ tag: "text", text: line });
export const data = (json: Json): Line => ({ tag: "data", data: json });
