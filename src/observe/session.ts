/** The session of a command: its fleet and the ports to forge, machines and ledger. `cli/wire.ts` creates one per command. */
import type { ChangeSnapshot } from '../core/change-loop.ts'
import type { JobLedger } from '../core/ledger/jobs.ts'
import type { Notice } from '../core/events.ts'
import type { Ledger } from '../core/ledger.ts'
import type { Channel } from '../core/notify.ts'
import type { Fleet, RepoRef, Worker, WorkerId } from '../core/nouns.ts'
import type { Clock, Forge } from '../core/ports.ts'
import type { Machines } from '../core/pane-host.ts'
import type { PaneAgentOf } from '../agents/index.ts'
import { messageOf } from '../core/errors.ts'

/** A fleet, and the ports through which burn reaches its forge, its machines and its ledger. */
export interface Session {
  readonly fleet: Fleet
  readonly ledger: Ledger
  readonly forge: Forge
  readonly machines: Machines
  readonly clock: Clock
  /** The name of this process, as the owner of leases. */
  readonly owner: string
  readonly newId: () => string
  readonly kindOf: PaneAgentOf
  /** The absolute path of the spec. */
  readonly spec_file: string
  /** Returns the text of a template file. */
  readonly readTemplate: (path: string) => Promise<string>
  readonly notify: (notice: Notice) => void
  /** Returns the channel with this name, to which burn sends notifications. The spec must have the channel. */
  readonly channel: (name: string) => Promise<Channel>
  /** Reads the secrets that the spec names, so that burn can remove them from texts that it stores. */
  readonly secrets: () => Promise<KnownSecrets>
  /** Returns the root of the git work tree that would track a file at an absolute path; null if git tracks or ignores no such file. */
  readonly trackedBy: (path: string) => Promise<string | null>
  /**
   * Restarts the idle agents of these workers with the settings of the spec. The new agents continue the conversations of the old ones.
   * Returns the reason for each worker whose agent burn could not restart. Throws if the ledger fails.
   */
  readonly restart: (workers: readonly Worker[], why: string, stop: AbortSignal) => Promise<ReadonlyMap<WorkerId, string>>
  /** Returns the number of commits in the mirror of a repo on this computer; null if there is no mirror. */
  readonly countCommits: (repo: RepoRef) => Promise<number | null>
  /**
   * Brings the base into the branch of a change, and pushes the branch, if git can do so without a conflict. Returns null on success,
   * otherwise the reason. Throws BurnError `git_*`.
   */
  readonly resolveConflict: (change: ChangeSnapshot) => Promise<string | null>
  /**
   * Returns globs of the files that the CI definitions on a branch include or call, such as composite actions and reusable workflows. Throws
   * BurnError `git_*`.
   */
  readonly calledByCi: (repo: RepoRef, branch: string) => Promise<readonly string[]>
}

/** The secrets that burn could read, and the number of those that it could not read. */
export interface KnownSecrets {
  readonly known: readonly string[]
  readonly unread: number
}

/**
 * The type of a session that has only `Keys` and, as its ledger, `Ports`. Functions use this type to declare which parts of a session they
 * need.
 */
export type SessionPart<Ports, Keys extends keyof Session = never> = Pick<Session, Keys> & { readonly ledger: Ports }

/** Time (ms) after which a lease expires if its process does not renew it. Then the process counts as dead. */
export const leaseLength = 30_000
/** Interval between heartbeats (ms). */
const heartbeat = 8_000

/** Renews this process's leases while `work` runs, and releases them at its end. Returns the result of `work`. */
export async function withLeases<T>(session: SessionPart<JobLedger, 'clock' | 'owner' | 'notify'>, work: () => Promise<T>): Promise<T> {
  const stop = new AbortController()
  const renewing = renewUntil(session, stop.signal)
  try {
    return await work()
  } finally {
    stop.abort()
    await renewing
    await session.ledger.releaseLeases(session.owner)
  }
}

/**
 * Renews the leases of this process at each heartbeat, until `stop` is aborted. After a failed renewal it reports the error, and retries at
 * the next heartbeat. This is safe, because the ledger refuses writes that need an expired lease.
 */
async function renewUntil(
  { ledger, clock, owner, notify }: SessionPart<JobLedger, 'clock' | 'owner' | 'notify'>,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    await clock.sleep(heartbeat, stop)
    if (stop.aborted) return
    try {
      await ledger.renewLeases(owner, clock.now() + leaseLength)
    } catch (thrown) {
      notify({ kind: 'ledger.unrenewed', subject: 'ledger', payload: { why: messageOf(thrown) } })
    }
  }
}
