/** Publishes the work of a sprint: commits the work, pushes the branch, and opens a change for review. */
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

/** The pauses (ms) between attempts to open a change. */
const retryPauses = [500, 2_000, 8_000]

type Ports = Pick<SprintContext, 'session' | 'git'>

/**
 * Commits the staged changes in the workspace. Returns the change to open, and the tip of its branch. Contacts no server. Throws BurnError
 * `git_*`.
 */
export async function commitChange(
  workspace: Workspace,
  text: ChangeText,
  { git, policy }: Pick<SprintContext, 'git' | 'policy'>,
): Promise<{ change: NewChange; tip: string }> {
  const { commits } = policy
  const tip = await commitIndex(git, workspace, {
    message: commitMessage(text, commits.sign_off ? commits.committer : null),
    committing: commits,
  })
  const { branch, base } = workspace
  return { tip, change: { branch, base, title: changeTitle(text.issue), body: changeBody(text), issue: text.issue.ref } }
}

export interface PushRequest {
  readonly workspace: Workspace
  readonly repo: RepoRef
  readonly change: NewChange
  /** The commit that burn has checked, and that it pushes. */
  readonly tip: string
  /** Throws if this process has lost the claim. Called right before each write to the remote or the forge. */
  readonly assertClaimed: () => Promise<void>
}

/**
 * Pushes the branch, opens the change, and returns it. Throws SprintFailure `conflict` or `change_refused`, and BurnErrors of git and the
 * ledger.
 */
export async function pushChange({ workspace, repo, change, tip, assertClaimed }: PushRequest, context: Ports): Promise<Change> {
  const { git } = context
  const { merges, files } = await checkMerge(git, workspace, tip)
  if (merges === false)
    throw new SprintFailure({
      class: 'conflict',
      reason: `commits on ${workspace.base} conflict with this change in ${files.slice(0, 5).join(', ')}`,
    })
  await assertClaimed()
  await push(git, workspace, tip)
  await assertClaimed()
  return openChange(repo, change, context)
}

/**
 * Opens the change and returns it. Before each retry, checks whether an earlier request opened the change, although its response was lost.
 */
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
  { branch, base, issue }: NewChange,
  { forge, notify }: SprintContext['session'],
): Promise<Change | null> {
  try {
    return await forge.changeOf(repo, branch, base)
  } catch (thrown) {
    notify({ kind: 'issue.change_unknown', subject: issue, payload: { why: messageOf(thrown) } })
    return null
  }
}

/** Tells whether a retry may succeed. */
function isTransient(code: string): boolean {
  return ['forge_failed', 'forge_unavailable', 'forge_timeout', 'forge_rate_limited'].includes(code)
}
