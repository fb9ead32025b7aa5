/** Publishes a sprint's work: commits it, pushes the branch, and opens the change for review. */
import type { Change, RepoRef } from '../core/nouns.ts'
import type { NewChange } from '../core/ports.ts'
import type { ChangeText } from '../decide/sprint-texts.ts'
import type { Workspace } from '../git/places.ts'
import type { SprintContext } from './context.ts'
import { BurnError, messageOf } from '../core/errors.ts'
import { changeBody, changeTitle, commitMessage } from '../decide/sprint-texts.ts'
import { commitIndex } from '../git/changes.ts'
import { checkMerge, push } from '../git/push.ts'
import { SprintFailure } from './context.ts'

/** Pauses between attempts to open a change (ms). */
const retryPauses = [500, 2_000, 8_000]

type Ports = Pick<SprintContext, 'session' | 'git'>

const author = { name: 'burn', email: 'burn@localhost' }

/** Commits the staged changes on this machine, and returns the change to open. Throws BurnError `git_*`. */
export async function commitChange(workspace: Workspace, text: ChangeText, { git }: Pick<SprintContext, 'git'>): Promise<NewChange> {
  await commitIndex(git, workspace, { message: commitMessage(text), author })
  const { branch, base } = workspace
  return { branch, base, title: changeTitle(text.issue), body: changeBody(text), issue: text.issue.ref }
}

export interface PushRequest {
  readonly workspace: Workspace
  readonly repo: RepoRef
  readonly change: NewChange
  /** Throws if this process has lost the claim. It runs right before each step that leaves this machine. */
  readonly assertClaimed: () => Promise<void>
}

/** Pushes the branch and opens the change. Throws SprintFailure `conflict` or `change_refused`, and BurnError of git and the ledger. */
export async function pushChange({ workspace, repo, change, assertClaimed }: PushRequest, context: Ports): Promise<Change> {
  const { git } = context
  const { merges, files } = await checkMerge(git, workspace)
  if (merges === false)
    throw new SprintFailure({
      class: 'conflict',
      reason: `${workspace.base} has changed the same lines of ${files.slice(0, 5).join(', ')}`,
    })
  await assertClaimed()
  await push(git, workspace)
  await assertClaimed()
  return openChange(repo, change, context)
}

/** Opens the change. Before each retry, it checks whether a request with a lost response has already opened it. */
async function openChange(repo: RepoRef, change: NewChange, { session }: Ports): Promise<Change> {
  const { forge, clock } = session
  let lastError = ''
  for (const pause of [...retryPauses, null]) {
    try {
      return await forge.openChange(repo, change)
    } catch (thrown) {
      if (!(thrown instanceof BurnError) || !thrown.code.startsWith('forge_')) throw thrown
      lastError = thrown.message
      const existing = await findChange(repo, change, session)
      if (existing !== null) return existing
      if (!isTransient(thrown.code)) break
    }
    if (pause !== null) await clock.sleep(pause)
  }
  throw new SprintFailure({ class: 'change_refused', reason: lastError })
}

async function findChange(
  repo: RepoRef,
  { branch, issue }: NewChange,
  { forge, notify }: SprintContext['session'],
): Promise<Change | null> {
  try {
    return await forge.changeOf(repo, branch)
  } catch (thrown) {
    notify({ kind: 'issue.change_unknown', subject: issue, payload: { why: messageOf(thrown) } })
    return null
  }
}

/** Whether a retry may succeed. */
function isTransient(code: string): boolean {
  return ['forge_failed', 'forge_unavailable', 'forge_timeout', 'forge_rate_limited'].includes(code)
}
