/** Exit codes of every `hemhub` command (design operations.md). */
export const EXIT = {
  ok: 0,
  checkFailed: 1,
  usage: 2,
  notAuthorised: 3,
  unreachable: 4,
  busy: 5,
  restartNeeded: 10,
  /** The whole machine is to restart: packaging/launch/hemhub-launch sees to it. */
  machineRestartNeeded: 11,
  /** A broken invariant ended the process (EX_SOFTWARE of sysexits.h); the supervisor starts it again. */
  crashed: 70,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
