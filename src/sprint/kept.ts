/** A change that waits for a person: kept in its workspace, and published when one has seen it. */
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

export interface KeptChange {
  readonly sprint: Sprint
  readonly workspace: Workspace
  /** As it will be opened. */
  readonly change: NewChange
  /** All that its commits touch. */
  readonly paths: readonly string[]
  /** Those that a person must see. */
  readonly protected: readonly string[]
  /** What its commits make of these, as a patch. */
  readonly patch: string
}

/** Remembers what to open, beside the workspace's git directory, where no model writes. */
export async function keepChange({ git_dir }: Workspace, change: NewChange): Promise<void> {
  await writeFile(recordIn(git_dir), JSON.stringify(change))
}

const recordIn = (git_dir: string) => join(git_dir, 'burn-change.json')

/** Finds a kept change by its sprint's id. Throws BurnError `sprint_unknown`, `sprint_not_kept` or `sprint_elsewhere`, and `git_*`. */
export async function findKeptChange(id: string, ports: Ports): Promise<KeptChange> {
  const { session, policy, git, host } = ports
  const [sprint] = await session.ledger.sprints({ ids: [id] })
  if (sprint === undefined) throw new BurnError('sprint_unknown', `there is no sprint ${id}`, 'burn sprint list shows them', { exit: 2 })
  await refuseUnlessKept(sprint, ports)
  const workspace = (await listWorkspaces(policy.dir)).find((each) => each.id === id)
  if (workspace === undefined) {
    const hint = sprint.host === host ? `burn issue release ${sprint.issue} gives the issue back` : `run this on ${sprint.host}`
    throw new BurnError('sprint_elsewhere', `the workspace of sprint ${id} is not on this machine`, hint)
  }
  // `keep` wrote it, where no model can.
  const change = JSON.parse(await readFile(recordIn(workspace.git_dir), 'utf8')) as NewChange
  const found = await protectedPaths(git, workspace, policy)
  return {
    sprint,
    workspace,
    change,
    paths: await touchedPaths(git, workspace),
    protected: found,
    patch: await patchOf(git, workspace, found),
  }
}

async function refuseUnlessKept({ id, issue }: Sprint, { session }: Ports): Promise<void> {
  const dispatch = (await session.ledger.dispatches({ issue, limit: 100 })).find((each) => each.id === id)
  if (dispatch !== undefined && isKept(dispatch)) return
  const why = dispatch === undefined ? 'its dispatch is gone' : `${dispatch.state}: ${sentence(dispatch.state_reason)}`
  throw new BurnError('sprint_not_kept', `sprint ${id} keeps no change for a person (${why})`, `burn explain ${issue} says more`)
}

/** Pushes the branch and opens the change. Throws BurnError as `waitingChange`, `publish_running` or `publish_failed`, and `git_*`. */
export async function publishKeptChange({ sprint, workspace, change }: KeptChange, ports: Ports): Promise<Change> {
  const { session } = ports
  const { ledger, clock, forge } = session
  const done = await runJobAlone(`publish ${sprint.id}`, session, async () => {
    try {
      const issue = await forge.issue(sprint.issue)
      if (issue === null || issue.state === 'closed')
        throw new BurnError('publish_failed', `${sprint.issue} is closed`, `burn dispatch ends its dispatch; nothing was pushed`)
      const stillOurs = () => refuseUnlessKept(sprint, ports)
      const opened = await pushChange({ workspace, repo: repoOf(sprint.issue), change, stillOurs }, ports)
      await ledger.publishSprint(sprint.id, opened.url, clock.now())
      await syncComments(new Set(), session)
      await leave(workspace, ports)
      return opened
    } catch (thrown) {
      if (!(thrown instanceof SprintFailure)) throw thrown
      const hint = `the change is kept; burn issue release ${sprint.issue} gives the issue back`
      throw new BurnError('publish_failed', `${thrown.failure.class}: ${thrown.failure.reason}`, hint)
    }
  })
  if (done.ran) return done.result
  throw new BurnError('publish_running', `another process publishes sprint ${sprint.id}: ${done.job.owner}`, 'wait for it')
}

async function leave(workspace: Workspace, { git, session }: Ports): Promise<void> {
  try {
    await removeWorkspace(git, workspace, { force: false })
  } catch (thrown) {
    // The change is open: what is left here is for burn sprint prune.
    session.notify({ kind: 'sprint.workspace_kept', subject: workspace.id, payload: { why: messageOf(thrown) } })
  }
}
