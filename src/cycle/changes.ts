/**
 * Carries out the decisions about changes in review. burn records each step in the ledger first, and the ledger accepts a step only once.
 * So two dispatchers never take the same step at the same time. If a process is killed during a step, burn repeats the step after
 * `stepTimeout`. So each effect is idempotent: pushes and merges compare the head, and labels and comments are set once.
 */
import type { ChangeAction, FollowUpTarget } from '../core/actions.ts'
import type { ChangeDecision } from '../core/change-loop.ts'
import type { LogTail } from '../core/change-state.ts'
import type { NewStep } from '../core/ledger/changes.ts'
import type { Reason } from '../core/reasons.ts'
import type { Session } from '../observe/session.ts'
import { BurnError, isLedgerFailure, messageOf, messageWithHint } from '../core/errors.ts'
import { needsPersonLabel } from '../core/change-stages.ts'
import { settingsOf } from '../claim/prompts.ts'
import {
  checksProblem,
  conflictProblem,
  followUpText,
  longestLog,
  problemText,
  reviewProblem,
  type FollowUpInput,
  type Problem,
} from '../decide/change-texts.ts'
import { redactTexts, redactor } from '../host/redact.ts'
import { outcomeOf } from '../decide/change-outcome.ts'
import { syncChangeComment } from './change-comments.ts'

/** Saves the stages, and takes the next step for each change. Throws if the ledger fails. */
export async function applyChanges(actions: readonly ChangeAction[], session: Session): Promise<void> {
  if (actions.length === 0) return
  const { ledger, clock } = session
  await ledger.saveStages(
    actions.map(({ dispatch, decision: { stage, reason } }) => ({ dispatch, stage, reason })),
    clock.now(),
  )
  for (const action of actions) await takeStep(action, session)
}

/** Takes one step. A failure of the forge belongs to this change, and does not stop the others. */
async function takeStep(action: ChangeAction, session: Session): Promise<void> {
  try {
    await carryOut(action, session)
  } catch (thrown) {
    if (isLedgerFailure(thrown) || !(thrown instanceof BurnError)) throw thrown
    const what = `${action.snapshot.ref}: ${messageWithHint(thrown)}`
    session.notify({ kind: 'forge.skipped', subject: action.snapshot.repo, payload: { what } })
  }
}

async function carryOut(action: ChangeAction, session: Session): Promise<void> {
  const { decision, snapshot } = action
  const { sha, base } = snapshot.change
  const done = { outcome: 'done', reason: decision.reason } as const
  switch (decision.do) {
    case 'nothing':
      return
    case 'fix_checks':
    case 'address_review':
    case 'resolve_conflict':
      return followUp(action, decision, session)
    case 'rerun_checks':
      return effect(action, decision, session, async () => {
        const results = await Promise.all(decision.checks.map((check) => session.forge.rerun(snapshot.repo, check)))
        const refused = results.find((each) => each.result === 'not_possible')
        return refused === undefined ? done : failed({ code: 'merge_refused', result: 'rerun', why: refused.why })
      })
    case 'resolve_by_git':
      return effect(action, decision, session, async () => {
        const why = await session.resolveConflict(snapshot)
        return why === null ? done : failed({ code: 'git_resolves', why })
      })
    case 'update_branch':
      return effect(action, decision, session, async () =>
        outcomeOf(await session.forge.updateBranch(snapshot.ref, decision.head, decision.method, decision.onto), base, decision.reason),
      )
    case 'merge':
      return effect(action, decision, session, async () =>
        outcomeOf(
          await session.forge.merge(snapshot.ref, { sha, method: decision.method, delete_branch: decision.delete_branch }),
          base,
          decision.reason,
        ),
      )
    case 'escalate':
      return effect(action, decision, session, async () => {
        await callPerson(action, session)
        return done
      })
  }
}

type Acting = Exclude<ChangeDecision, { readonly do: 'nothing' }>

const stepOf = ({ dispatch, snapshot, to }: ChangeAction, decision: Acting): NewStep => {
  const { do: action, signature, attempt, reason } = decision
  const head = decision.do === 'update_branch' ? decision.head : snapshot.change.sha
  return { dispatch, action, signature, attempt, head, reason, worker: to?.worker ?? null }
}

type Outcome = ReturnType<typeof outcomeOf>

const failed = (reason: Reason): Outcome => ({ outcome: 'failed', reason })

/** Records a step, carries out its effect, and saves the outcome. */
async function effect(action: ChangeAction, decision: Acting, session: Session, run: () => Promise<Outcome>): Promise<void> {
  const { ledger, clock } = session
  const step = stepOf(action, decision)
  if (!(await ledger.beginStep(step, clock.now()))) return
  const { outcome, reason } = await run().catch((thrown: unknown) => {
    if (isLedgerFailure(thrown) || !(thrown instanceof BurnError)) throw thrown
    return failed({ code: 'merge_refused', result: decision.do, why: messageOf(thrown) })
  })
  await ledger.endStep(step, outcome, reason, clock.now())
  await syncChangeComment(action, session)
}

/** Plans the text for an agent. A sprint takes the text from the step. */
async function followUp(action: ChangeAction, decision: Acting, session: Session): Promise<void> {
  const { to, snapshot } = action
  if (to === null) return
  const { ledger, clock, newId } = session
  const problem = await problemOf(action, decision, session)
  const text = to.sprint
    ? { sprint_text: problemText(problem, { ref: snapshot.ref, nonce: newId() }) }
    : { text: { id: newId(), text: followUpText(await inputOf(action, to, session), problem), incarnation: to.incarnation } }
  const hand_over = to.slot === null ? {} : { hand_over: { worker: to.worker, slot: to.slot } }
  if (await ledger.beginStep({ ...stepOf(action, decision), ...text, ...hand_over }, clock.now())) await syncChangeComment(action, session)
}

/** Returns the failed checks, the requests of reviewers, or the files in conflict. Texts of the forge contain no secret that burn knows. */
async function problemOf({ dispatch, snapshot }: ChangeAction, decision: Acting, session: Session): Promise<Problem> {
  const { forge, ledger } = session
  const { sha, base } = snapshot.change
  const redact = redactor((await session.secrets()).known)
  if (decision.do === 'fix_checks') {
    const failed = await Promise.all(
      decision.checks.map(async (check) => {
        const log = await forge.logTail(snapshot.repo, check, longestLog * 4).catch((thrown: unknown) => ({ unknown: messageOf(thrown) }))
        return { check, log: 'unknown' in log ? log : redactLog(log, redact) }
      }),
    )
    return checksProblem(sha, failed)
  }
  if (decision.do === 'address_review') return redactTexts(reviewProblem(decision.reviews, decision.threads), redact)
  // Another dispatcher with a wrong clock may have recorded the attempt for an earlier head at a later time.
  const last = (await ledger.changeSteps([dispatch], 'resolve_by_git')).findLast(({ head }) => head === sha)
  return conflictProblem(base, last?.reason.code === 'git_resolves' ? (last.reason.why ?? '') : 'the forge reports a conflict')
}

async function inputOf({ dispatch, issue, snapshot }: ChangeAction, to: FollowUpTarget, session: Session): Promise<FollowUpInput> {
  const { forge, fleet, newId, ledger } = session
  const { branch, base, change } = snapshot.change
  const { check, clone_url } = settingsOf(fleet, snapshot.repo)
  return {
    dispatch,
    issue,
    ref: snapshot.ref,
    issue_url: (await ledger.issue(issue))?.issue.url ?? issue,
    change_url: change.url,
    branch: branch ?? `${fleet.dispatch.branch_prefix}${dispatch}`,
    base,
    clone_url: clone_url ?? forge.access(snapshot.repo, base).clone_url,
    check,
    knows: to.incarnation !== null,
    nonce: newId(),
  }
}

function redactLog({ text, truncated }: LogTail, redact: (text: string) => string): LogTail {
  return { text: redact(text), truncated }
}

/** Calls a person: a label on the issue, and the comment on the change. The ledger records the event together with the outcome. */
async function callPerson(action: ChangeAction, session: Session): Promise<void> {
  const { forge, notify } = session
  const { issue } = action
  // The label is a hint for people. If the token may not set labels, the event and the comment must do.
  await forge.addLabel(issue, needsPersonLabel).catch((thrown: unknown) => {
    if (isLedgerFailure(thrown) || !(thrown instanceof BurnError)) throw thrown
    notify({ kind: 'issue.comment_failed', subject: issue, payload: { why: messageWithHint(thrown), rests: null } })
  })
  // It is the last step, so no later step would write a comment that a crash lost.
  await syncChangeComment(action, session)
}
