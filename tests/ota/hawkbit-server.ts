import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TlsOptions } from "node:tls";

/** A software module's metadata, as an operator types it. */
export type Metadata = Readonly<Record<string, string>>;

/** What an operator assigns to the one target of this server. */
export interface Assignment {
  readonly metadata: Metadata;
  readonly download?: "skip" | "attempt" | "forced";
  readonly update?: "skip" | "attempt" | "forced";
  readonly maintenanceWindow?: "available" | "unavailable";
}

/** How the server sees an action, after the documentation's "State Machine Mapping". */
export type ActionStatus =
  | "waiting-for-confirmation"
  | "running"
  | "warning"
  | "canceling"
  | "canceled"
  | "finished"
  | "error";

export interface Action {
  readonly id: string;
  assignment: Assignment;
  status: ActionStatus;
  /** Goes up when what the device should see of it changes: the query parameter `c`. */
  revision: number;
  /** All feedback, in order: execution, finished, details. */
  readonly told: { readonly execution: string; readonly finished: string; readonly details: readonly string[] }[];
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | null;
  readonly ifNoneMatch: string | null;
  readonly body: unknown;
}

/** A fault: true where it has answered (or will never). */
export type Fault = (asked: Asked, response: ServerResponse) => boolean;

/**
 * A hawkBit with one tenant and one target, written from the documentation of its Direct Device Integration API
 * (https://eclipse.dev/hawkbit): one action is shown at a time, links hold the action and its revision, a cancellation has
 * to be confirmed or rejected, feedback to an action that is over is answered 410.
 */
export interface HawkbitServer extends AsyncDisposable {
  readonly url: string;
  readonly actions: readonly Action[];
  readonly asked: readonly Asked[];
  readonly attributes: Readonly<Record<string, string>>;
  /** `config.polling.sleep` from now on. */
  sleep: string;
  wantsConfig: boolean;
  fault: Fault;
  assign(assignment: Assignment, waitsForConfirmation?: boolean): Action;
  /** Another type or window of the same action. */
  change(action: Action, assignment: Partial<Assignment>): void;
  cancel(action: Action): void;
}

export interface HawkbitServerOptions {
  readonly tenant?: string;
  readonly controllerId?: string;
  /** Null: whoever connects is let in (the certificate has decided). */
  readonly token?: string | null;
  /** Of an HTTPS server; absent: HTTP. */
  readonly tls?: TlsOptions;
}

const OPEN: ReadonlySet<ActionStatus> = new Set(["waiting-for-confirmation", "running", "warning", "canceling"]);

const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text === "" ? null : JSON.parse(text);
};

export const startHawkbitServer = async (options: HawkbitServerOptions = {}): Promise<HawkbitServer> => {
  const { tenant = "DEFAULT", controllerId = "hub-0001", token = "TargetToken secret-of-hub-0001", tls } = options;
  const actions: Action[] = [];
  const asked: Asked[] = [];
  let attributes: Record<string, string> = {};
  const root = `/${tenant}/controller/v1/${controllerId}`;

  const deploymentOf = ({ assignment }: Action) => ({
    download: assignment.download ?? "attempt",
    update: assignment.update ?? assignment.download ?? "attempt",
    ...(assignment.maintenanceWindow === undefined ? {} : { maintenanceWindow: assignment.maintenanceWindow }),
    chunks: [
      {
        part: "os",
        version: "1",
        name: "hub",
        artifacts: [],
        metadata: Object.entries(assignment.metadata).map(([key, value]) => ({ key, value })),
      },
    ],
  });

  const baseOf = () => {
    const open = actions.find(({ status }) => OPEN.has(status));
    // As behind a proxy that does not say who it is: the host of links is none that a device reaches.
    const link = (relation: string, path: string) => ({ [relation]: { href: `http://inside:8080${root}/${path}` } });
    const relation =
      open?.status === "waiting-for-confirmation"
        ? "confirmationBase"
        : open?.status === "canceling"
          ? "cancelAction"
          : "deploymentBase";
    const query = relation === "cancelAction" ? "" : `?c=${open?.revision}`;
    return {
      config: { polling: { sleep: server.sleep } },
      _links: {
        ...(open === undefined ? {} : link(relation, `${relation}/${open.id}${query}`)),
        ...(server.wantsConfig ? link("configData", "configData") : {}),
      },
    };
  };

  /** The state that a feedback leads to. */
  const statusAfter = (action: Action, execution: string, finished: string): ActionStatus => {
    if (execution === "closed") return finished === "failure" ? "error" : "finished";
    if (action.status === "canceling") return "canceling";
    if (execution === "canceled") return "canceled";
    return execution === "rejected" ? "warning" : "running";
  };

  const feedback = (action: Action, channel: string, body: unknown): number => {
    const { confirmation, status } = body as {
      readonly confirmation?: string;
      readonly status?: { execution: string; result: { finished: string }; details?: string[] };
    };
    if (channel === "confirmationBase") {
      action.status = confirmation === "confirmed" ? "running" : "waiting-for-confirmation";
      return 200;
    }
    if (!OPEN.has(action.status)) return 410;
    if (status === undefined) return 400;
    const { execution, result, details = [] } = status;
    action.told.push({ execution, finished: result.finished, details });
    if (channel === "deploymentBase") action.status = statusAfter(action, execution, result.finished);
    else if (execution === "closed") action.status = result.finished === "failure" ? "error" : "canceled";
    else if (execution === "rejected") action.status = "running";
    return 200;
  };

  const json = (response: ServerResponse, content: unknown, headers: Readonly<Record<string, string>> = {}) =>
    response.writeHead(200, { "content-type": "application/hal+json", ...headers }).end(JSON.stringify(content));

  const answer = (one: Asked, response: ServerResponse): unknown => {
    const { method, path, ifNoneMatch } = one;
    if (token !== null && one.authorization !== token) return response.writeHead(401).end();
    if (!path.startsWith(root)) return response.writeHead(404).end();
    const [channel = "", id, part] =
      path
        .slice(root.length + 1)
        .split("?")[0]
        ?.split("/") ?? [];
    if (channel === "") {
      const content = baseOf();
      const etag = `"${createHash("sha256").update(JSON.stringify(content)).digest("hex")}"`;
      return ifNoneMatch === etag ? response.writeHead(304).end() : json(response, content, { etag });
    }
    if (channel === "configData" && method === "PUT") {
      attributes = { ...attributes, ...(one.body as { data: Record<string, string> }).data };
      server.wantsConfig = false;
      return response.writeHead(200).end();
    }
    const action = actions.find((known) => known.id === id);
    if (action === undefined) return response.writeHead(404).end();
    if (part === "feedback") return response.writeHead(feedback(action, channel, one.body)).end();
    if (channel === "cancelAction" && action.status === "canceling") {
      return json(response, { id: action.id, cancelAction: { stopId: action.id } });
    }
    const isWaiting = action.status === "waiting-for-confirmation";
    if (channel === "confirmationBase" && isWaiting) {
      return json(response, { id: action.id, confirmation: deploymentOf(action) });
    }
    if (channel === "deploymentBase" && OPEN.has(action.status) && !isWaiting && action.status !== "canceling") {
      return json(response, { id: action.id, deployment: deploymentOf(action) });
    }
    return response.writeHead(404).end();
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { authorization = null, "if-none-match": ifNoneMatch = null } = request.headers;
    const { method = "", url: path = "" } = request;
    const one: Asked = { method, path, authorization, ifNoneMatch, body: await bodyOf(request) };
    asked.push(one);
    if (!server.fault(one, response)) answer(one, response);
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    serve(request, response).catch(() => response.destroy());
  };
  const web = tls === undefined ? createServer(onRequest) : createTlsServer(tls, onRequest);
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  const { port } = web.address() as AddressInfo;

  const server: HawkbitServer = {
    url: tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`,
    actions,
    asked,
    get attributes() {
      return attributes;
    },
    sleep: "00:05:00",
    wantsConfig: false,
    fault: () => false,
    assign: (assignment, waitsForConfirmation = false) => {
      const status = waitsForConfirmation ? "waiting-for-confirmation" : "running";
      const action: Action = { id: String(actions.length + 1), assignment, status, revision: 1, told: [] };
      // A new assignment asks that the one before be cancelled.
      for (const one of actions) if (OPEN.has(one.status)) one.status = "canceling";
      actions.push(action);
      return action;
    },
    change: (action, changed) => {
      action.assignment = { ...action.assignment, ...changed };
      action.revision += 1;
    },
    cancel: (action) => {
      action.status = "canceling";
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        web.closeAllConnections();
        web.close(() => resolve());
      }),
  };
  return server;
};
