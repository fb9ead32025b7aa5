/**
 * Carries out the steps of delegations: assigns issues on the forge, writes one comment for each assignment, and removes assignments. The
 * caller makes sure that one process at a time does so.
 */
import type { DelegateAction } from '../core/actions.ts'
import type { Delegation, DelegationStep } from '../core/delegation.ts'
import type { IssueRef } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import { BurnError, codeOf, isLedgerFailure, messageWithHint } from '../core/errors.ts'
import { liveDelegations } from '../core/delegation.ts'
import { delegationComment, isDelegationComment } from '../decide/comment.ts'
import { delegationRules } from '../decide/delegation.ts'
import { sentence } from '../decide/wording.ts'

/** A step that burn carried out. */
export type DoneDelegation = Pick<DelegateAction, 'issue' | 'agent' | 'login' | 'reason'> & { readonly step: DelegationStep | 'refused' }

/**
 * Carries out these steps, and returns those that took effect. After `stop` it begins no new step. A failure of the forge stops only its
 * own step. Throws if the ledger fails.
 */
export async function applyDelegations(
  actions: readonly DelegateAction[],
  session: Session,
  stop: AbortSignal,
): Promise<readonly DoneDelegation[]> {
  const { ledger, clock, fleet } = session
  const done: DoneDelegation[] = []
  const left = actions.flatMap(({ step, issue, revision, reason }) =>
    step === 'left' && revision !== null ? [{ issue, revision, reason }] : [],
  )
  await ledger.leaveIssues(left, delegationRules(fleet), clock.now())
  for (const action of actions) {
    if (stop.aborted) break
    const step = action.step === 'left' ? 'left' : await takeStep(action, session)
    if (step !== null) done.push({ issue: action.issue, agent: action.agent, login: action.login, reason: action.reason, step })
  }
  return done
}

/** Takes one step. Returns the step that took effect; null if there is none. */
async function takeStep(action: DelegateAction, session: Session): Promise<DoneDelegation['step'] | null> {
  const { issue, login, step } = action
  try {
    switch (step) {
      case 'assigned':
        return await assign(action, session)
      case 'expired':
        return await unassign(action, session)
      case 'commented':
        return (await writeComment(action, true, session)) ? step : null
      default:
        return step === 'left' ? null : await move(action, step, session)
    }
  } catch (thrown) {
    if (!(thrown instanceof BurnError) || isLedgerFailure(thrown)) throw thrown
    // The issue stays as it is, and the next cycle retries.
    session.notify({ kind: 'delegation.failed', subject: issue, payload: { login, why: messageWithHint(thrown) } })
    return null
  }
}

/** Writes the new state of a delegation. Returns the state; null if another process changed the delegation. */
async function move<S extends Exclude<DelegationStep, 'commented' | 'left'> | 'refused'>(
  { issue, login, agent, reason }: DelegateAction,
  to: S,
  { ledger, clock }: Session,
): Promise<S | null> {
  return (await ledger.moveDelegation({ issue, login, agent, reason, from: liveDelegations, to }, clock.now())) ? to : null
}

/** The errors by which the forge refuses an assignment because of the repo or the account. A retry does not help. */
const refusals: readonly string[] = ['forge_unassignable', 'forge_forbidden', 'forge_archived']

async function assign(action: DelegateAction, session: Session): Promise<DoneDelegation['step'] | null> {
  const { issue, login, agent, reason, deadline, revision } = action
  const { ledger, forge, clock } = session
  if (revision !== null && !(await ledger.beginDelegation({ issue, login, agent, reason, deadline }, revision, clock.now()))) return null
  try {
    if (!(await forge.assign(issue, [], [login]))) return await changed(action, session)
  } catch (thrown) {
    const code = codeOf(thrown)
    if (code === 'forge_not_found') return move({ ...action, reason: { code: 'issue_closed' } }, 'closed', session)
    if (!refusals.includes(code)) throw thrown
    session.notify({ kind: 'delegation.failed', subject: issue, payload: { login, why: messageWithHint(thrown) } })
    return move({ ...action, reason: { code: 'not_assignable', login, repo: issue.slice(0, issue.lastIndexOf('#')) } }, 'refused', session)
  }
  const moved = await move(action, 'assigned', session)
  if (moved !== null) await writeComment(action, false, session)
  return moved
}

async function unassign(action: DelegateAction, session: Session): Promise<DoneDelegation['step'] | null> {
  const { issue, login } = action
  if (!(await session.forge.assign(issue, [login], []))) return changed(action, session)
  const moved = await move(action, 'expired', session)
  if (moved !== null) await editComment(action, session)
  return moved
}

/** Ends a delegation because somebody else changed the assignees first. */
async function changed(action: DelegateAction, session: Session): Promise<'changed' | null> {
  const assignees = (await session.forge.issue(action.issue))?.assignees ?? []
  return move({ ...action, reason: { code: 'assignees_changed', assignees } }, 'changed', session)
}

/**
 * Writes the comment about an assignment, and saves its id. `mayExist`: looks for the comment first. Returns whether the comment exists. If
 * the forge refuses the comment because of the issue or the account, burn does not retry.
 */
async function writeComment(action: DelegateAction, mayExist: boolean, session: Session): Promise<boolean> {
  const { issue, login } = action
  const { forge, fleet, ledger, notify } = session
  try {
    const body = delegationComment(fleet.name, worded(action), 'assigned')
    const known = mayExist ? await ownComment(issue, login, session) : null
    // The comment may be that of an earlier assignment to the same login.
    if (known !== null) await forge.editComment(issue, known, body)
    await ledger.saveDelegationComment(issue, login, known ?? (await forge.comment(issue, body)).id)
    return true
  } catch (thrown) {
    if (!(thrown instanceof BurnError) || isLedgerFailure(thrown)) throw thrown
    if (['forge_forbidden', 'forge_not_found', 'forge_archived'].includes(thrown.code)) await ledger.saveDelegationComment(issue, login, '')
    notify({ kind: 'issue.comment_failed', subject: issue, payload: { why: messageWithHint(thrown), rests: null } })
    return false
  }
}

async function editComment(action: DelegateAction, session: Session): Promise<void> {
  const { issue, login } = action
  const { forge, fleet, notify } = session
  try {
    const id = await ownComment(issue, login, session)
    if (id !== null) await forge.editComment(issue, id, delegationComment(fleet.name, worded(action), 'expired'))
  } catch (thrown) {
    if (!(thrown instanceof BurnError) || isLedgerFailure(thrown)) throw thrown
    notify({ kind: 'issue.comment_failed', subject: issue, payload: { why: messageWithHint(thrown), rests: null } })
  }
}

const worded = ({ login, deadline, reason }: Pick<Delegation, 'login' | 'deadline' | 'reason'>) => ({
  login,
  deadline,
  reason: sentence(reason),
})

/** Returns the id of burn's own comment about an assignment; null if there is none. */
async function ownComment(issue: IssueRef, agent: string, { forge, fleet }: Session): Promise<string | null> {
  const { login } = await forge.whoami()
  const own = (await forge.comments(issue)).find(({ author, body }) => author === login && isDelegationComment(body, fleet.name, agent))
  return own?.id ?? null
}
