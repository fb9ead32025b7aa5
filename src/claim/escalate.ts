/** Tells people about issues that used more than their budget: once per issue, with an event, a comment and a label. */
import type { EscalateAction } from '../core/actions.ts'
import type { HistoryLedger } from '../core/ledger/history.ts'
import type { Session, SessionPart } from '../observe/session.ts'
import { BurnError, isLedgerFailure, messageWithHint } from '../core/errors.ts'
import { overBudgetLabel } from '../core/budget.ts'
import { isOverBudgetComment, overBudgetComment } from '../decide/comment.ts'
import { sentence } from '../decide/wording.ts'

/** Returns the escalations that burn has not carried out yet. */
export async function newEscalations(
  actions: readonly EscalateAction[],
  { ledger }: SessionPart<Pick<HistoryLedger, 'events'>>,
): Promise<EscalateAction[]> {
  const found = await Promise.all(
    actions.map(async (action) => {
      const before = await ledger.events({ subject: action.issue, kinds: ['issue.over_budget'], limit: 1 })
      return before.length === 0 ? [action] : []
    }),
  )
  return found.flat()
}

/**
 * Escalates issues. The comment comes first, so that a crash before the event leads to a second look for the comment, not to a second
 * comment. The caller makes sure that one process at a time escalates. Throws if the ledger fails.
 */
export async function escalate(actions: readonly EscalateAction[], session: Session): Promise<void> {
  for (const action of await newEscalations(actions, session)) await escalateIssue(action, session)
}

async function escalateIssue({ issue, dispatch, worker, reason }: EscalateAction, session: Session): Promise<void> {
  const { forge, fleet, ledger, clock, notify } = session
  const refused = (thrown: unknown) => {
    if (!(thrown instanceof BurnError) || isLedgerFailure(thrown)) throw thrown
    notify({ kind: 'issue.comment_failed', subject: issue, payload: { why: messageWithHint(thrown), rests: null } })
    return false
  }
  const write = async () => {
    const { login } = await forge.whoami()
    const known = (await forge.comments(issue)).some(({ author, body }) => author === login && isOverBudgetComment(body, fleet.name))
    if (!known) await forge.comment(issue, overBudgetComment(fleet.name, dispatch, sentence(reason)))
    return true
  }
  if (!(await write().catch(refused))) return
  // The label is a hint for people. If the token may not set labels, the event and the comment must do.
  await forge.addLabel(issue, overBudgetLabel).catch(refused)
  const event = { kind: 'issue.over_budget', subject: issue, issue, worker, actor: 'burn', payload: { reason } } as const
  await ledger.noteEvents([{ event, since: 0 }], clock.now())
}
