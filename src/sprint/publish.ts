/** From the files as the model left them to a change for review: commit, push, open, and look whether it is there. */
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

/** Pauses between tries to open a change, milliseconds. */
const pauses = [500, 2_000, 8_000]

type Ports = Pick<SprintContext, 'session' | 'git'>

const author = { name: 'burn', email: 'burn@localhost' }

/** Commits what `changesIn` last saw; nothing leaves this machine. Throws BurnError `git_*`. */
export async function commitChange(workspace: Workspace, text: ChangeText, { git }: Pick<SprintContext, 'git'>): Promise<NewChange> {
  await commitIndex(git, workspace, { message: commitMessage(text), author })
  const { branch, base } = workspace
  return { branch, base, title: changeTitle(text.issue), body: changeBody(text), issue: text.issue.ref }
}

export interface Pushing {
  readonly workspace: Workspace
  readonly repo: RepoRef
  readonly change: NewChange
  /** Throws where the claim is no longer this process's: asked right before anything leaves the machine. */
  readonly stillOurs: () => Promise<void>
}

/** Throws SprintFailure, and BurnError of git and the ledger. */
export async function pushChange({ workspace, repo, change, stillOurs }: Pushing, context: Ports): Promise<Change> {
  const { git } = context
  const { merges, files } = await checkMerge(git, workspace)
  if (merges === false)
    throw new SprintFailure({
      class: 'conflict',
      reason: `${workspace.base} went on meanwhile, in the same lines of ${files.slice(0, 5).join(', ')}`,
    })
  await stillOurs()
  await push(git, workspace)
  await stillOurs()
  return open(repo, change, context)
}

/** Whether a lost answer was a lost request is looked up before it is asked again: there must be one change, not two. */
async function open(repo: RepoRef, change: NewChange, { session }: Ports): Promise<Change> {
  const { forge, clock } = session
  let why = ''
  for (const pause of [...pauses, null]) {
    try {
      return await forge.openChange(repo, change)
    } catch (thrown) {
      if (!(thrown instanceof BurnError) || !thrown.code.startsWith('forge_')) throw thrown
      why = thrown.message
      const there = await found(repo, change, session)
      if (there !== null) return there
      if (!isTransient(thrown.code)) break
    }
    if (pause !== null) await clock.sleep(pause)
  }
  throw new SprintFailure({ class: 'change_refused', reason: why })
}

async function found(repo: RepoRef, { branch, issue }: NewChange, { forge, notify }: SprintContext['session']): Promise<Change | null> {
  try {
    return await forge.changeOf(repo, branch)
  } catch (thrown) {
    notify({ kind: 'issue.change_unknown', subject: issue, payload: { why: messageOf(thrown) } })
    return null
  }
}

/** Asking again may help. */
function isTransient(code: string): boolean {
  return ['forge_failed', 'forge_unavailable', 'forge_timeout', 'forge_rate_limited'].includes(code)
}
