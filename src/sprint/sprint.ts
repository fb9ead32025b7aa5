/** Runs one sprint. It begins with a claim, and ends with a change for review or with a failure that has a class. */
import type { Reason } from '../core/reasons.ts'
import type { Issue, IssueRef, RepoRef } from '../core/nouns.ts'
import type { NewChange } from '../core/ports.ts'
import type { Backend, Failure, Sprint, TranscriptEntry, SprintStage, Usage } from '../core/sprint.ts'
import type { SprintFollowUp } from '../core/ledger/changes.ts'
import type { SprintEnd, SprintProgress } from '../core/ledger/sprints.ts'
import type { FleetState } from '../core/fleet-state.ts'
import type { Picked } from '../decide/pick.ts'
import type { Workspace } from '../git/places.ts'
import type { SprintContext } from './context.ts'
import type { CommentWriter } from './comment-writer.ts'
import type { Finished, WorkDone } from './work.ts'
import { messageOf } from '../core/errors.ts'
import { oneLine } from '../core/text.ts'
import { redactTexts } from '../host/redact.ts'
import { consequenceOf } from '../decide/failure.ts'
import { taskText } from '../decide/sprint-texts.ts'
import { pathsWith } from '../git/texts.ts'
import { removeWorkspace } from '../git/workspace.ts'
import type { Session } from '../observe/session.ts'
import { backOff } from '../claim/refusal.ts'
import { baseOf } from '../observe/repo-facts.ts'
import { settingsOf } from '../claim/prompts.ts'
import { findCheck } from './check.ts'
import { whileClaimed } from './claim-watch.ts'
import { SprintFailure } from './context.ts'
import { withTimeout, failureOfThrown } from './failure.ts'
import { keepChange } from './kept.ts'
import { protectedPaths } from './protect.ts'
import { commitChange, pushChange } from './publish.ts'
import { prepareWorkspace, type PreparedWorkspace } from './prepared-workspace.ts'
import { recordRepoFault, repoFaultForSprints } from './preflight.ts'
import { openTranscript, type Transcript } from './results.ts'
import { noUsage, addedUsage, work } from './work.ts'
import { sentence } from '../decide/wording.ts'

/** The minimum time (ms) that burn reserves to commit, push and open the change. */
const minPublishing = 30_000

/** An issue that this process has claimed for a sprint. */
export interface Claimed {
  readonly id: string
  readonly worker: string
  readonly picked: Picked
  /** The fleet's state when the issue was picked. */
  readonly state: FleetState
  /** The follow-up about an existing change that the sprint continues; absent for a new change. */
  readonly follow_up?: SprintFollowUp
  /** The usage of the earlier runs of the sprint; absent if this is the first one. */
  readonly spent?: Usage
}

/** Runs a claimed sprint to its end, and returns its row in the ledger. Throws only errors of the ledger. */
export async function runSprint(
  claimed: Claimed,
  { usable, comments }: { readonly usable: readonly Backend[]; readonly comments: CommentWriter },
  context: SprintContext,
  stop: AbortSignal,
): Promise<Sprint> {
  const { session, policy, redact } = context
  const transcript = await openTranscript(policy.dir, claimed.id, session.clock, redact).catch((thrown: unknown) => failureOfThrown(thrown))
  const run = new SprintRun(claimed, 'class' in transcript ? null : transcript, context)
  let end: SprintEnd
  try {
    if ('class' in transcript) throw new SprintFailure(transcript)
    end = await run.carryOut(usable, comments, stop)
  } catch (thrown) {
    const failure = redactTexts(await attributed(failureOfThrown(thrown), claimed.picked.issue.repo, context), redact)
    await backOffRefused(failure, thrown, claimed.picked.issue.ref, session)
    end = endOf(failure, claimed.follow_up)
    run.note({ kind: 'note', text: `ended: ${sentence(end.reason)}` })
  }
  await run.end(end)
  await comments.writePending()
  const [row] = await session.ledger.sprints({ ids: [claimed.id] })
  if (row === undefined) throw new SprintFailure({ class: 'internal', reason: `the ledger has no sprint ${claimed.id}` })
  return row
}

/**
 * Saves a back-off if the forge refused the issue or the repo after the claim. Otherwise the next sprint would fail for the same reason.
 */
async function backOffRefused({ class: failure, reason }: Failure, thrown: unknown, issue: IssueRef, session: Session): Promise<void> {
  if (thrown instanceof SprintFailure || (failure !== 'issue_refused' && failure !== 'repo_refused')) return
  await backOff({ scope: failure === 'issue_refused' ? 'issue' : 'repo', permanent: true, why: reason }, issue, session)
}

/**
 * Returns the failure with its true cause. If the remote refuses each push, or the forge each change, then the repo is the cause and not the
 * work. Stores a fault of the repo, so that the next sprint does not meet it.
 */
async function attributed(failure: Failure, repo: RepoRef, context: SprintContext): Promise<Failure> {
  if (failure.class === 'repo_unusable') await recordRepoFault(repo, failure.reason, context)
  if (failure.class !== 'push_refused' && failure.class !== 'change_refused') return failure
  const fault = await repoFaultForSprints(repo, context, { again: 'all' })
  return fault === null ? failure : { class: 'repo_unusable', reason: oneLine(`${failure.reason}: ${fault}`, 500) }
}

/** Returns the end of a failed sprint. The change of a follow-up stays in review. */
function endOf(failure: Failure, followUp: SprintFollowUp | undefined): SprintEnd {
  const { dispatch: state, hint } = consequenceOf(failure.class)
  const dispatch = followUp === undefined ? state : 'review'
  const reason: Reason = { code: 'sprint_failed', class: failure.class, why: failure.reason, hint }
  const checked = failure.class === 'check_red' ? { check_result: 'failed' as const } : {}
  return { outcome: state === 'failed' ? 'failed' : 'given_back', failure, dispatch, reason, ...checked }
}

class SprintRun {
  readonly #claimed: Claimed
  readonly #context: SprintContext
  readonly #transcript: Transcript | null
  readonly #started: number
  #stage: SprintStage = 'claimed'

  constructor(claimed: Claimed, transcript: Transcript | null, context: SprintContext) {
    this.#claimed = claimed
    this.#context = context
    this.#transcript = transcript
    this.#started = context.session.clock.now()
  }

  note(note: TranscriptEntry): void {
    this.#transcript?.add(note)
    this.#report(redactTexts(note, this.#context.redact))
  }

  async carryOut(usable: readonly Backend[], comments: CommentWriter, stop: AbortSignal): Promise<SprintEnd> {
    const { id, worker, picked, follow_up } = this.#claimed
    const { issue } = picked
    const { session } = this.#context
    this.#report(null)
    // A sprint that continues a change has its claim, and the comment of the claim.
    if (follow_up === undefined) await this.#announce(comments)
    const { check: configured, setup, copy } = settingsOf(session.fleet, issue.repo)
    const base = await baseOf(issue.repo, session)
    const branch = follow_up === undefined ? null : `${session.fleet.dispatch.branch_prefix}${id}`
    await this.#enterStage('workspace', {})
    const note = (each: TranscriptEntry) => this.note(each)
    // `await` is needed here. Without it, disposing of the workspace could delay the handling of a rejection, and Node would report the
    // rejection as unhandled.
    return await withTimeout(this.#timeLeft(), stop, this.#context, async (context, signal) => {
      await using prepared = await prepareWorkspace({ id, issue, base, setup, copy, branch, note }, context, signal)
      try {
        const check = configured ?? (await findCheck(context.git, prepared.workspace))
        await this.#enterStage('working', { check_command: check })
        const first = taskText({ id, issue, dir: prepared.workspace.path, check, nonce: session.newId() })
        const task = follow_up === undefined ? first : `${first}\n${follow_up.text}`
        const record = (worked: WorkDone) => this.#enterStage('working', this.#progressOf(worked))
        const site = { ...prepared, id, worker, issue, task, check, started_at: this.#started, note, record }
        const finished = await whileClaimed(id, session, signal, (claimSignal) => work(site, usable, context, claimSignal))
        await this.#enterStage('publishing', { ...this.#progressOf(finished), check_result: finished.check.result })
        // Neither the time limit nor Ctrl-C interrupts the push, so that finished work is not lost.
        const publishing = Math.max(minPublishing, this.#timeLeft())
        return await withTimeout(publishing, null, this.#context, (publisher) => this.#publish(finished, issue, prepared, publisher))
      } catch (thrown) {
        throw await this.#attribute(thrown, prepared)
      }
    })
  }

  /** Returns the remaining time (ms) of the budget. */
  #timeLeft(): number {
    const { policy, session } = this.#context
    return policy.budget.time - (session.clock.now() - this.#started)
  }

  /**
   * Returns the exception that explains a failure. If the sprint's own commands filled the disk, replaces `disk_full` with
   * `workspace_unusable`. Removes an unusable workspace, so that the disk does not stay full.
   */
  async #attribute(thrown: unknown, { workspace, sandbox }: PreparedWorkspace): Promise<unknown> {
    const { class: failure } = failureOfThrown(thrown)
    const quotaError = failure === 'disk_full' ? await sandbox.cleanWorkspace().catch((error: unknown) => error) : null
    const cause = quotaError instanceof Error && failureOfThrown(quotaError).class === 'workspace_unusable' ? quotaError : thrown
    if (failureOfThrown(cause).class === 'workspace_unusable') await this.#removeWorkspace(workspace, [])
    return cause
  }

  /** Writes the claim's comment to the forge before the work begins, so that other fleets see the claim. */
  async #announce(comments: CommentWriter): Promise<void> {
    const { id, picked, state } = this.#claimed
    const { ledger, clock, owner } = this.#context.session
    const failure = await comments.announceClaim(id, picked.issue.ref, state)
    if (failure !== null) throw new SprintFailure(failure)
    if (!(await ledger.handSprint(id, owner, clock.now()))) throw await this.#fenced()
  }

  async #publish(finished: Finished, issue: Issue, { workspace, secrets }: PreparedWorkspace, context: SprintContext): Promise<SprintEnd> {
    const { session } = context
    const { id } = this.#claimed
    const current = await session.forge.issue(issue.ref)
    if (current === null || current.state === 'closed')
      throw new SprintFailure({ class: 'issue_gone', reason: 'the issue was closed during the sprint' })
    const text = { ...redactTexts(finished, context.redact), id, fleet: session.fleet.name, issue }
    const assertClaimed = () => this.#enterStage('publishing', {})
    const { change: newChange, tip } = await commitChange(workspace, text, context)
    const leaks = await pathsWith(context.git, workspace, tip, secrets)
    const protectedFound = [...leaks, ...(await protectedPaths(context.git, workspace, tip, context.policy))]
    if (protectedFound.length > 0) return this.#keepForPerson(workspace, newChange, protectedFound)
    const change = await pushChange({ workspace, repo: issue.repo, change: newChange, tip, assertClaimed }, context)
    this.note({ kind: 'note', text: `open for review: ${change.url}` })
    await this.#removeWorkspace(workspace, finished.left_out)
    return { outcome: 'change', failure: null, dispatch: 'review', reason: { code: 'change_for_review' }, change_url: change.url }
  }

  /** Ends the sprint without a push. Its claim and its workspace stay until a person publishes the change or releases the issue. */
  async #keepForPerson(workspace: Workspace, change: NewChange, paths: readonly string[]): Promise<SprintEnd> {
    await keepChange(workspace, change)
    const shownPaths = oneLine(`${paths.slice(0, 10).join(', ')}${paths.length > 10 ? ` and ${paths.length - 10} more` : ''}`, 600)
    const reason: Reason = { code: 'protected_paths', paths: shownPaths, sprint: this.#claimed.id }
    const text = sentence(reason)
    this.note({ kind: 'note', text: `kept for review by a person: ${text}` })
    return { outcome: 'kept', failure: { class: 'protected_paths', reason: text }, dispatch: 'review', reason }
  }

  /** Removes the workspace. Keeps the workspace if it has files that git cannot commit, so that a person can look at these files. */
  async #removeWorkspace(workspace: Workspace, left_out: readonly string[]): Promise<void> {
    if (left_out.length > 0)
      return this.note({
        kind: 'note',
        text: `burn keeps the workspace, because it has files that git cannot commit: ${left_out.join(', ')}`,
      })
    try {
      await removeWorkspace(this.#context.git, workspace, { force: true })
    } catch (thrown) {
      // `burn sprint prune` removes the workspace later.
      this.note({ kind: 'note', text: `burn could not remove the workspace: ${messageOf(thrown)}` })
    }
  }

  #progressOf({ backend, model, provider, usage }: WorkDone): SprintProgress {
    return { backend, model, provider, ...addedUsage(this.#claimed.spent ?? noUsage, usage) }
  }

  /** Saves the stage and the progress of the sprint. Throws SprintFailure if this process has lost the claim. */
  async #enterStage(stage: SprintStage, progress: SprintProgress): Promise<void> {
    const { ledger, clock, owner } = this.#context.session
    if (!(await ledger.saveSprint(this.#claimed.id, owner, { ...progress, stage }, clock.now()))) throw await this.#fenced()
    const hasChanged = stage !== this.#stage
    this.#stage = stage
    if (hasChanged) this.#report(null)
  }

  async #fenced(): Promise<SprintFailure> {
    const [row] = await this.#context.session.ledger.sprints({ ids: [this.#claimed.id] })
    const isClosed = row?.failure === 'issue_gone'
    return new SprintFailure({ class: isClosed ? 'issue_gone' : 'fenced', reason: row?.failure_text ?? 'another process ended the sprint' })
  }

  async end(end: SprintEnd): Promise<void> {
    const { ledger, clock, owner } = this.#context.session
    await ledger.endSprint(this.#claimed.id, owner, end, clock.now())
    this.#stage = 'ended'
    this.#report(null)
    await this.#transcript
      ?.flush()
      .catch((thrown: unknown) => this.#report({ kind: 'note', text: `burn could not write the transcript: ${String(thrown)}` }))
  }

  #report(note: TranscriptEntry | null): void {
    const { id, worker, picked } = this.#claimed
    this.#context.onUpdate({ id, issue: picked.issue.ref, worker, stage: this.#stage, note })
  }
}
