/**
 * `burn sprint prune`: removes workspaces that are too old or too many, and transcripts that are too old. Without `force`, keeps workspaces
 * with unpushed work.
 */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sprint } from '../core/sprint.ts'
import type { Workspace } from '../git/places.ts'
import type { SprintContext } from './context.ts'
import { ifCode, noSuchPath } from '../core/errors.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { idPattern } from '../core/ids.ts'
import { isKept } from '../core/lifecycle.ts'
import { listWorkspaces } from '../git/places.ts'
import { isPushed } from '../git/pushed.ts'
import { removeWorkspace } from '../git/workspace.ts'

export interface PruneOptions {
  /** The number of workspaces to keep. */
  readonly workspaces: number
  /** The maximum age (ms) of workspaces and transcripts. */
  readonly age: number
  /** If true, burn also removes workspaces with unpushed work. */
  readonly force: boolean
  readonly dryRun: boolean
}

/** The ids of the removed workspaces and transcripts, and of the workspaces that were not removed. */
export interface SprintsPruned {
  readonly workspaces: readonly string[]
  readonly transcripts: readonly string[]
  /** The ids of workspaces that were not removed because they have unpushed work. */
  readonly kept: readonly string[]
}

type Ports = Pick<SprintContext, 'session' | 'policy' | 'git'>

/** Removes old workspaces and transcripts, and returns their ids. Skips live sprints and kept changes. */
export async function pruneSprints(options: PruneOptions, ports: Ports): Promise<SprintsPruned> {
  const { policy, session, git } = ports
  const workspaces = await listWorkspaces(policy.dir)
  const live = new Set((await session.ledger.sprints({ live: true })).map(({ id }) => id))
  const notLive = workspaces.filter(({ id }) => !live.has(id)).toSorted((a, b) => (a.id < b.id ? 1 : -1))
  const rows = await rowsOf(notLive, ports)
  const keptForPerson = await keptForPersonIn(rows, ports)
  const removable = notLive.filter(({ id }) => !keptForPerson.has(id))
  const now = session.clock.now()
  const due = removable.filter(({ id }, index) => index >= options.workspaces || hasElapsed(rows.get(id)?.ended_at ?? 0, options.age, now))
  const removed: string[] = []
  const kept: string[] = []
  for (const workspace of due) {
    if (!options.force && !(await isPushed(git, workspace))) {
      kept.push(workspace.id)
      continue
    }
    if (!options.dryRun) await removeWorkspace(git, workspace, { force: options.force })
    removed.push(workspace.id)
  }
  return { workspaces: removed, kept, transcripts: await pruneTranscripts(options, live, ports) }
}

async function rowsOf(workspaces: readonly Workspace[], { session }: Ports): Promise<Map<string, Sprint>> {
  const rows = await session.ledger.sprints({ ids: workspaces.map(({ id }) => id) })
  return new Map(rows.map((row) => [row.id, row]))
}

/** Returns the ids of sprints whose change waits for a person. burn keeps the workspaces of these sprints, even with `force`. */
async function keptForPersonIn(rows: ReadonlyMap<string, Sprint>, { session }: Ports): Promise<Set<string>> {
  const issues = [...rows.values()].flatMap(({ outcome, issue }) => (outcome === 'kept' ? [issue] : []))
  const dispatches = await Promise.all(issues.map((issue) => session.ledger.dispatches({ issue, limit: 100 })))
  return new Set(dispatches.flat().flatMap((dispatch) => (isKept(dispatch) ? [dispatch.id] : [])))
}

async function pruneTranscripts({ age, dryRun }: PruneOptions, live: ReadonlySet<string>, { policy, session }: Ports): Promise<string[]> {
  const folder = join(policy.dir, 'transcripts')
  const names = await readdir(folder).catch(ifCode(noSuchPath, []))
  const pruned: string[] = []
  for (const name of names) {
    const id = name.replace(/\.jsonl$/, '')
    if (!name.endsWith('.jsonl') || !idPattern.test(id) || live.has(id)) continue
    const { mtimeMs } = await stat(join(folder, name))
    if (!hasElapsed(mtimeMs, age, session.clock.now())) continue
    if (!dryRun) await rm(join(folder, name), { force: true })
    pruned.push(id)
  }
  return pruned
}
