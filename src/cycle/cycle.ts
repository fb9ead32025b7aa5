/** One turn of the loop: view, decide, apply, record. */
import type { Ledger } from '../core/ledger.ts'
import type { Backlog, Resting, Verdict } from '../core/ledger/backlog.ts'
import type { Delivery, Dispatch } from '../core/lives.ts'
import type { Machine } from '../core/nouns.ts'
import type { View } from '../core/view.ts'
import type { DispatchPlan } from '../decide/dispatch.ts'
import type { Session } from '../observe/session.ts'
import type { ViewResult } from '../observe/view.ts'
import { liveStates } from '../core/lives.ts'
import { planDispatch } from '../decide/dispatch.ts'
import { rulesMark } from '../decide/eligible.ts'
import { openDesks } from '../decide/route.ts'
import { resumeText } from '../decide/prompts.ts'
import { canBeTold, planSettle } from '../decide/settle.ts'
import { planResumes } from '../decide/trouble.ts'
import { claimAll, withoutForeign } from '../claim/claims.ts'
import { giveBack, syncComments } from '../claim/comments.ts'
import { disregard } from './mangled.ts'
import { pump } from '../deliver/pump.ts'
import { withRights } from '../observe/rights.ts'
import { leaseLength } from '../observe/session.ts'
import { yieldClaims } from '../claim/yield.ts'
import { readView, withIssues } from '../observe/view.ts'

/** A delivery that waits for a person (a question is open, somebody is typing) keeps a cycle this long; the next one goes on with it. */
const patience = 2_000

export interface CycleResult {
  readonly claimed: readonly Dispatch[]
  /** Steps of dispatches that were under way: done, in review, lost, or given back because the forge does not take their comment. */
  readonly settled: readonly Dispatch[]
  /** Issues and repos that are left alone for now. */
  readonly resting: readonly Resting[]
  /** Deliveries of this process, as they now are. */
  readonly deliveries: readonly Delivery[]
  readonly verdicts: readonly Verdict[]
  readonly backlog: Backlog
  readonly view: ViewResult
}

/** Looks and decides about every open issue, and changes nothing but what is kept of the forge's issues and of others' claims on them. */
export async function dryCycle(
  machines: readonly Machine[],
  session: Session,
): Promise<Pick<CycleResult, 'backlog' | 'view' | 'resting'> & { plan: DispatchPlan }> {
  const { ledger, clock } = session
  const looked = await readView(machines, session)
  const plan = planDispatch(await withIssues(looked.view, await ledger.open(), session))
  const assignments = await withoutForeign(plan.assignments, looked.view, session)
  const given = new Set(assignments.map(({ issue }) => issue.ref))
  const kept = new Set(plan.assignments.map(({ issue }) => issue.ref).filter((ref) => !given.has(ref)))
  const reason = 'claimed by another fleet or ledger, or its comments could not be read'
  const verdicts = plan.verdicts.map((verdict) => (kept.has(verdict.issue) ? { ...verdict, eligible: false, reason } : verdict))
  const known = { resting: await ledger.resting(clock.now()), backlog: await ledger.backlog() }
  return { plan: { ...plan, assignments, verdicts }, view: looked, ...known }
}

/** Decided after what was settled: about what came back, and the front of each repo's queue, as far as there is room. */
async function planSettled(view: View, settled: readonly Dispatch[], session: Session): Promise<{ plan: DispatchPlan; view: View }> {
  const moved = new Map(settled.map((dispatch) => [dispatch.id, dispatch]))
  const dispatches = view.dispatches.map((each) => moved.get(each.id) ?? each).filter(({ state }) => liveStates.includes(state))
  const first = await planFronts({ ...view, dispatches }, session)
  const repos = first.plan.assignments.map(({ issue }) => issue.repo)
  const sure = await withRights(repos, first.view, session)
  // Who lost a right has had its issues judged again: they are read anew.
  return sure === first.view ? first : planFronts(sure, session)
}

async function planFronts(view: View, session: Session): Promise<{ plan: DispatchPlan; view: View }> {
  const { ledger, clock } = session
  const now = { ...view, now: clock.now() }
  const desks = openDesks(now)
  const whole = await withIssues(now, [...(await ledger.unjudged()), ...(await ledger.queued(desks.free()))], session)
  return { plan: planDispatch(whole, desks), view: whole }
}

/** Those that are new with this look. */
async function saveStates({ states, now }: View, ledger: Ledger): Promise<void> {
  const fresh = [...states]
    .filter(([, { since }]) => since === now)
    .map(([worker, { state }]) => ({ worker, state, anew: state === 'error' }))
  if (fresh.length > 0) await ledger.saveReadings(fresh, now)
}

/** Has agents told to go on whose turn failed, once each for a failure, whoever else decides the same. */
async function resume(view: View, settled: readonly Dispatch[], { ledger, clock, owner, newId }: Session): Promise<void> {
  const moved = new Set(settled.map(({ id }) => id))
  const due = planResumes(
    view.dispatches.filter((dispatch) => !moved.has(dispatch.id) && !view.mangled.has(dispatch.id) && canBeTold(dispatch, view)),
    view,
  )
  const texts = due.map(({ dispatch: { id, issue, worker, incarnation }, before }) => {
    const about = { dispatch: id, issue, before }
    return { id: newId(), kind: 'resume' as const, worker, text: resumeText({ id, issue }), about, incarnation }
  })
  await ledger.plan(texts, owner, clock.now() + leaseLength, clock.now())
}

export async function cycle(machines: readonly Machine[], session: Session, stop: AbortSignal): Promise<CycleResult> {
  const { ledger, clock, owner } = session
  const looked = await readView(machines, session)
  await saveStates(looked.view, ledger)
  const ended = await ledger.moveDispatches(planSettle(looked.view, session.newId), clock.now())
  const settled = [...ended, ...(await disregard(looked.view, ended, session))]
  await resume(looked.view, settled, session)
  await ledger.saveChangesSeen(looked.forge.changes_at)
  await ledger.judgeBy(rulesMark(session.fleet))
  const { plan, view } = await planSettled(looked.view, settled, session)
  await ledger.saveVerdicts(plan.verdicts, clock.now())
  await ledger.saveWaiting(plan.waiting)
  const claimed = stop.aborted ? [] : await claimAll(plan.assignments, view, session)
  await ledger.takeOver(owner, clock.now() + leaseLength, clock.now())
  const refused = await giveBack(await syncComments(new Set(claimed.map(({ id }) => id)), session), session)
  const unsure = await yieldClaims(view, session)
  const deliveries = await pump(machines, session, stop, { patience, placed_patience: patience, unsure })
  const late = await giveBack(await syncComments(new Set(), session), session)
  const given = { claimed, settled: [...settled, ...refused, ...late], deliveries, verdicts: plan.verdicts }
  return { ...given, resting: await ledger.resting(clock.now()), backlog: await ledger.backlog(), view: looked }
}
