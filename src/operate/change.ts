/** `burn change`: a person looks at changes in review, merges one, or updates its branch from the base. */
import type { ChangeStep } from '../core/change-loop.ts'
import type { ChangeRef, ChangeState, MergeResult, Protection, UpdateResult } from '../core/change-state.ts'
import type { MergeMethod, StepAction } from '../core/change-stages.ts'
import type { DispatchInReview, WatchedChange } from '../core/ledger/changes.ts'
import type { RepoRef } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'
import type { Session } from '../observe/session.ts'
import { BurnError } from '../core/errors.ts'
import { repoOf } from '../core/refs.ts'
import { nearest } from '../core/suggest.ts'
import { checksVerdict } from '../decide/change-checks.ts'
import { newRequests } from '../decide/change-reviews.ts'
import { nextStepAttempt } from '../decide/change.ts'
import { deletesBranch } from '../decide/change-merge.ts'
import { outcomeOf } from '../decide/change-outcome.ts'
import { changePolicy } from '../decide/change-policy.ts'

/** A change in review, as burn last read it. */
export interface ListedChange {
  readonly dispatch: DispatchInReview
  /** Null if burn has not read the change yet. */
  readonly watched: WatchedChange | null
  /** The steps that burn took, oldest first. */
  readonly steps: readonly ChangeStep[]
}

/** The stages in which burn does nothing until a person acts. */
const forPerson = ['escalated', 'foreign']

/**
 * Returns all changes in review from the ledger: first those that need a person, then those that waited longest in their stage. Makes no
 * request to the forge.
 */
export async function listChanges({ ledger }: Session): Promise<readonly ListedChange[]> {
  const { dispatches, steps } = await ledger.reviewView()
  const own = Map.groupBy(steps, ({ dispatch }) => dispatch)
  const found = dispatches.map((dispatch) => ({ dispatch, watched: dispatch.watched, steps: own.get(dispatch.id) ?? [] }))
  const needsPerson = ({ watched }: ListedChange) => Number(forPerson.includes(watched?.stage ?? ''))
  const since = ({ dispatch, watched }: ListedChange) => watched?.staged_at ?? dispatch.changed_at
  return found.toSorted((a, b) => needsPerson(b) - needsPerson(a) || since(a) - since(b))
}

/**
 * Returns the change with this name: `owner/repo!12` or `repo!12`, or the name of its issue. Throws BurnError `change_unknown` (exit 2).
 */
export async function changeNamed(text: string, session: Session): Promise<ListedChange> {
  // A name copied from a report may contain the gap that keeps it from working there (`core/forge-text.ts`).
  const name = text.replaceAll('\u200b', '')
  const all = await listChanges(session)
  const wanted = name.includes('/') ? name : `${session.fleet.forge.owner}/${name}`
  const found = all.find(({ dispatch, watched }) => watched?.ref === wanted || dispatch.issue === wanted || dispatch.change_url === name)
  if (found !== undefined) return found
  const near = nearest(
    wanted,
    all.flatMap(({ dispatch, watched }) => [dispatch.issue, ...(watched === null ? [] : [watched.ref])]),
  )
  const hint = near === null ? 'to list the changes in review: burn change list' : `did you mean ${near}?`
  throw new BurnError('change_unknown', `no change in review has the name ${name}`, hint, { exit: 2 })
}

/** The current facts about a change, and what burn would ask the forge to do. */
export interface ChangeOrder {
  readonly repo: RepoRef
  readonly ref: ChangeRef
  readonly state: ChangeState
  readonly protection: Protection
  readonly method: MergeMethod | null
}

/**
 * Reads a change for a merge or an update. Throws BurnError `change_ended` if the change is not open, and `change_blocked` if an agent works
 * on it, its base does not exist, or the repo does not allow the method.
 */
export async function readChange(
  name: string,
  method: MergeMethod | null,
  session: Session,
): Promise<ChangeOrder & { readonly dispatch: string }> {
  const { dispatch, watched } = await changeNamed(name, session)
  if (watched === null)
    throw new BurnError('change_blocked', `burn has not read the change of ${dispatch.issue} yet`, 'run burn dispatch, then try again')
  const { ref } = watched
  if (dispatch.state === 'handed') {
    const who = dispatch.sprint ? 'a sprint' : dispatch.worker.slice(dispatch.worker.lastIndexOf('/') + 1)
    throw new BurnError('change_blocked', `${who} works on ${ref}`, `wait for the end of its work: burn explain ${dispatch.issue}`)
  }
  const state = await session.forge.changeState(ref)
  if (state === null || state.change.state !== 'open')
    throw new BurnError('change_ended', `${ref} is no longer open`, 'run burn dispatch: burn then ends the dispatch')
  const protection = await session.forge.protection(repoOf(dispatch.issue), state.base)
  if (protection === null)
    throw new BurnError('change_blocked', `the base branch ${state.base} of ${ref} does not exist`, 'change the base of the change')
  const wanted = method ?? protection.methods[0] ?? null
  if (wanted === null || !protection.methods.includes(wanted))
    throw new BurnError(
      'change_blocked',
      `the repo does not allow the method ${wanted ?? 'merge'}`,
      `allowed: ${protection.methods.join(', ') || 'none'}`,
    )
  return { repo: repoOf(dispatch.issue), ref, state, protection, method: wanted, dispatch: dispatch.id }
}

/** Returns what speaks against a merge now. The forge may merge nevertheless, for example if no check is required. */
export function mergeWarnings({ state, protection }: ChangeOrder): readonly Reason[] {
  const { checks, mergeable, draft, base, behind } = state
  const authors = [...state.reviews.map(({ author }) => author), ...state.threads.flatMap(({ comments }) => comments[0]?.author ?? [])]
  const { reviews, threads } = newRequests({ change: state, writers: new Set(authors), login: '' }, { bots: [] }, new Set())
  const by = [...reviews.map(({ author }) => author), ...threads.flatMap(({ comments }) => comments[0]?.author ?? [])]
  const verdict = checksVerdict(checks, protection)
  const warnings: readonly (Reason | null)[] = [
    draft ? { code: 'change_draft' } : null,
    mergeable === 'no' ? { code: 'change_conflict', base } : null,
    'names' in verdict ? { code: 'checks_not_green', is: verdict.is, checks: verdict.names } : null,
    by.length > 0 ? { code: 'review_asks', by: [...new Set(by)], threads: threads.length } : null,
    behind === true ? { code: 'base_moved', base } : null,
  ]
  return warnings.filter((each) => each !== null)
}

/** Merges the head that burn has just read. Records the step. Throws BurnError `change_blocked` if the forge does not merge. */
export async function mergeChange(order: ChangeOrder & { readonly dispatch: string }, session: Session): Promise<void> {
  const { ref, state, method, protection } = order
  const delete_branch = deletesBranch(state, protection, changePolicy(session.fleet, order.repo))
  await carryOut(order, 'merge', session, () => session.forge.merge(ref, { sha: state.sha, method: method ?? 'merge', delete_branch }))
}

/**
 * Brings the base into the branch of the change. Returns false if the branch already has all commits of the base. Throws BurnError
 * `change_blocked` if the forge does not update the branch.
 */
export async function updateChange(order: ChangeOrder & { readonly dispatch: string }, session: Session): Promise<boolean> {
  const { ref, state, protection } = order
  const method = protection.may_rebase && !protection.methods.includes('merge') ? 'rebase' : 'merge'
  const { result } = await carryOut(order, 'update_branch', session, () => session.forge.updateBranch(ref, state.sha, method))
  return result === 'updated'
}

async function carryOut(
  { dispatch, ref, state }: ChangeOrder & { readonly dispatch: string },
  action: StepAction & ('merge' | 'update_branch'),
  { ledger, clock }: Session,
  run: () => Promise<MergeResult | UpdateResult>,
): Promise<MergeResult | UpdateResult> {
  const before = await ledger.changeSteps([dispatch], action)
  const signature = `person ${state.sha}`
  const reason: Reason = { code: 'merge_policy', policy: 'person' }
  const attempt = nextStepAttempt(before, action, signature, clock.now()) ?? before.length + 1
  const step = { dispatch, action, signature, attempt, head: state.sha, worker: null, reason }
  if (!(await ledger.beginStep(step, clock.now())))
    throw new BurnError(
      'change_blocked',
      `${ref} is not in review, or another process acts on it`,
      'wait for the next cycle, then try again',
    )
  const result = await run()
  const ended = outcomeOf(result, state.base, reason)
  await ledger.endStep(step, ended.outcome, ended.reason, clock.now())
  if ('why' in result)
    throw new BurnError(
      'change_blocked',
      `${ref}: ${result.result.replaceAll('_', ' ')}: ${result.why}`,
      'to see checks and reviews: burn change show',
    )
  return result
}
