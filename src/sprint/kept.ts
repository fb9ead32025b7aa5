/** Keeps a change in its workspace if a person must review the change, and publishes a kept change after the review. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Change } from '../core/nouns.ts'
import type { NewChange } from '../core/ports.ts'
import type { Sprint } from '../core/sprint.ts'
import type { Workspace } from '../git/places.ts'
import type { SprintContext } from './context.ts'
import { BurnError, messageOf } from '../core/errors.ts'
import { isKept } from '../core/lifecycle.ts'
import { repoOf } from '../core/refs.ts'
import { tipOf } from '../git/changes.ts'
import { listWorkspaces } from '../git/places.ts'
import { patchOf, touchedPaths } from '../git/push.ts'
import { removeWorkspace } from '../git/workspace.ts'
import { syncComments } from '../claim/comments.ts'
import { runJobAlone } from '../jobs/run.ts'
import { SprintFailure } from './context.ts'
import { protectedPaths } from './protect.ts'
import { pushChange } from './publish.ts'
import { sentence } from '../decide/wording.ts'

type Ports = Pick<SprintContext, 'session' | 'policy' | 'git' | 'host'>

/** A change that waits until a person reviews it. */
export interface KeptChange {
  readonly sprint: Sprint
  readonly workspace: Workspace
  /** The tip of its branch, which burn pushes. */
  readonly tip: string
  /** The change to open on the forge. */
  readonly change: NewChange
  /** All paths that the commits of the change touch. */
  readonly paths: readonly string[]
  /** Those of `paths` that are protected. */
  readonly protected: readonly string[]
  /** The patch of the protected paths, for the person who reviews the change. */
  readonly patch: string
}

/** Saves the change in the workspace's git directory, because models cannot write there. */
export async function keepChange({ git_dir }: Workspace, change: NewChange): Promise<void> {
  await writeFile(recordPath(git_dir), JSON.stringify(change))
}

const recordPath = (git_dir: string) => join(git_dir, 'burn-change.json')

/** Returns the kept change of a sprint. Throws BurnError `sprint_unknown`, `sprint_not_kept` or `sprint_elsewhere`, and `git_*`. */
export async function findKeptChange(id: string, ports: Ports): Promise<KeptChange> {
  const { session, policy, git, host } = ports
  const [sprint] = await session.ledger.sprints({ ids: [id] })
  if (sprint === undefined)
    throw new BurnError('sprint_unknown', `sprint ${id} does not exist`, 'list all sprints: burn sprint list', { exit: 2 })
  await assertKept(sprint, ports)
  const workspace = (await listWorkspaces(policy.dir)).find((each) => each.id === id)
  if (workspace === undefined) {
    const hint =
      sprint.host === host ? `release the issue: burn issue release ${sprint.issue}` : `run this command on the machine ${sprint.host}`
    throw new BurnError('sprint_elsewhere', `the workspace of sprint ${id} is not on this machine`, hint)
  }
  // Only `keepChange` writes this file, and models cannot write to its folder, so the content has this type.
  const change = JSON.parse(await readFile(recordPath(workspace.git_dir), 'utf8')) as NewChange
  const tip = await tipOf(git, workspace)
  const protectedFiles = await protectedPaths(git, workspace, tip, policy)
  return {
    sprint,
    workspace,
    tip,
    change,
    paths: await touchedPaths(git, workspace, tip),
    protected: protectedFiles,
    patch: await patchOf(git, workspace, tip, protectedFiles),
  }
}

async function assertKept({ id, issue }: Sprint, { session }: Ports): Promise<void> {
  const dispatch = (await session.ledger.dispatches({ issue, limit: 100 })).find((each) => each.id === id)
  if (dispatch !== undefined && isKept(dispatch)) return
  const reason = dispatch === undefined ? 'the dispatch no longer exists' : `${dispatch.state}: ${sentence(dispatch.state_reason)}`
  throw new BurnError('sprint_not_kept', `sprint ${id} has no kept change (${reason})`, `for details: burn explain ${issue}`)
}

/**
 * Pushes the branch, opens the change on the forge, and returns it. Throws the errors of `findKeptChange`, and BurnError `publish_running`,
 * `publish_failed` and `git_*`.
 */
export async function publishKeptChange({ sprint, workspace, tip, change }: KeptChange, ports: Ports): Promise<Change> {
  const { session } = ports
  const { ledger, clock, forge } = session
  const job = await runJobAlone(`publish ${sprint.id}`, session, async () => {
    try {
      const issue = await forge.issue(sprint.issue)
      if (issue === null || issue.state === 'closed')
        throw new BurnError(
          'publish_failed',
          `${sprint.issue} is closed`,
          `burn pushed nothing; the next run of "burn dispatch" ends the dispatch of this issue`,
        )
      const assertKeptNow = () => assertKept(sprint, ports)
      const opened = await pushChange({ workspace, repo: repoOf(sprint.issue), change, tip, assertClaimed: assertKeptNow }, ports)
      await ledger.publishSprint(sprint.id, opened.url, clock.now())
      await syncComments(new Set(), session)
      await removeOrReport(workspace, ports)
      return opened
    } catch (thrown) {
      if (!(thrown instanceof SprintFailure)) throw thrown
      const hint = `the change is still kept; to release the issue: burn issue release ${sprint.issue}`
      throw new BurnError('publish_failed', `${thrown.failure.class}: ${thrown.failure.reason}`, hint)
    }
  })
  if (job.ran) return job.result
  throw new BurnError(
    'publish_running',
    `another process is publishing sprint ${sprint.id}: ${job.job.owner}`,
    'wait until the other process ends',
  )
}

async function removeOrReport(workspace: Workspace, { git, session }: Ports): Promise<void> {
  try {
    await removeWorkspace(git, workspace, { force: false })
  } catch (thrown) {
    // The change is already open, so the failed removal of the workspace is not a failure of the sprint. `burn sprint prune` removes the
    // workspace later.
    session.notify({ kind: 'sprint.workspace_kept', subject: workspace.id, payload: { why: messageOf(thrown) } })
  }
}
