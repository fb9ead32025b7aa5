/** Keeps burn's one comment on a change up to date with the steps that burn took. */
import type { ChangeAction } from '../core/actions.ts'
import type { Session } from '../observe/session.ts'
import { BurnError, isLedgerFailure, messageWithHint } from '../core/errors.ts'
import { changeComment, isChangeComment } from '../decide/change-comment.ts'

/** Writes the comment on a change, or edits it. If the forge refuses, burn reports it, and edits the comment after the next step. */
export async function syncChangeComment({ dispatch, issue, snapshot, decision }: ChangeAction, session: Session): Promise<void> {
  const { forge, fleet, ledger, notify } = session
  try {
    const steps = await ledger.changeSteps([dispatch])
    const body = changeComment({ fleet: fleet.name, dispatch, stage: decision.stage, reason: decision.reason, steps })
    const comments = await forge.comments(snapshot.ref)
    const own = comments.find((each) => each.author === snapshot.login && isChangeComment(each.body, fleet.name, dispatch))
    if (own === undefined) await forge.comment(snapshot.ref, body)
    else if (own.body !== body) await forge.editComment(snapshot.ref, own.id, body)
  } catch (thrown) {
    if (isLedgerFailure(thrown) || !(thrown instanceof BurnError)) throw thrown
    notify({ kind: 'issue.comment_failed', subject: issue, payload: { why: messageWithHint(thrown), rests: null } })
  }
}
