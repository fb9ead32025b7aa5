/** One sprint: from a claim to a change for review, or to one clearly classed failure. */
import type { Reason } from '../core/reasons.ts'
import type { Issue, IssueRef } from '../core/nouns.ts'
import type { NewChange } from '../core/ports.ts'
import type { Backend, Failure, Sprint, TranscriptEntry, SprintStage } from '../core/sprint.ts'
import type { SprintEnd, SprintProgress } from '../core/ledger/sprints.ts'
import type { FleetState } from '../core/fleet-state.ts'
import type { Picked } from '../decide/pick.ts'
import type { Workspace } from '../git/places.ts'
import type { SprintContext } from './context.ts'
import type { CommentWriter } from './comment-writer.ts'
import type { Finished, WorkDone } from './work.ts'
import { messageOf } from '../core/errors.ts'
import { oneLine } from '../core/text.ts'
import { consequenceOf } from '../decide/failure.ts'
import { taskText } from '../decide/sprint-texts.ts'
import { removeWorkspace } from '../git/workspace.ts'
import type { Session } from '../observe/session.ts'
import { backOff } from '../claim/refusal.ts'
import { settingsOf } from '../claim/prompts.ts'
import { findCheck } from './check.ts'
import { whileClaimed } from './claim-watch.ts'
import { SprintFailure } from './context.ts'
import { withTimeout, failureOfThrown } from './failure.ts'
import { keepChange } from './kept.ts'
import { protectedPaths } from './protect.ts'
import { commitChange, pushChange } from './publish.ts'
import { prepareWorkspace, type PreparedWorkspace } from './prepared-workspace.ts'
import { openTranscript, type Transcript } from './results.ts'
import { work } from './work.ts'
import { sentence } from '../decide/wording.ts'

/** The least time that commit, push and change get, milliseconds. */
const leastPublishing = 30_000

/** A claim that was won. */
export interface Claimed {
  readonly id: string
  readonly worker: string
  readonly picked: Picked
  /** What it was decided from. */
  readonly state: FleetState
}

/** Carries it out to its end, whatever that is, and returns the row of its result. */
export async function runSprint(
  claimed: Claimed,
  { usable, speaker }: { readonly usable: readonly Backend[]; readonly speaker: CommentWriter },
  context: SprintContext,
  stop: AbortSignal,
): Promise<Sprint> {
  const { session, policy, redact } = context
  const transcript = await openTranscript(policy.dir, claimed.id, session.clock, redact).catch((thrown: unknown) => failureOfThrown(thrown))
  const run = new Run(claimed, 'class' in transcript ? null : transcript, context)
  let end: SprintEnd
  try {
    if ('class' in transcript) throw new SprintFailure(transcript)
    end = await run.carryOut(usable, speaker, stop)
  } catch (thrown) {
    const failure = failureOfThrown(thrown)
    await backOffRefused(failure, thrown, claimed.picked.issue.ref, session)
    end = failed(failure)
    run.note({ kind: 'note', text: `ended: ${sentence(end.reason)}` })
  }
  await run.end(end)
  await speaker.writePending()
  const [row] = await session.ledger.sprints({ ids: [claimed.id] })
  if (row === undefined) throw new SprintFailure({ class: 'internal', reason: `the ledger has no sprint ${claimed.id}` })
  return row
}

/** What the forge refused after the claim was said rests, too: the same issue would come to the same at once. */
async function backOffRefused({ class: failure, reason }: Failure, thrown: unknown, issue: IssueRef, session: Session): Promise<void> {
  if (thrown instanceof SprintFailure || (failure !== 'issue_refused' && failure !== 'repo_refused')) return
  await backOff({ scope: failure === 'issue_refused' ? 'issue' : 'repo', permanent: true, why: reason }, issue, session)
}

function failed(failure: Failure): SprintEnd {
  const { dispatch, hint } = consequenceOf(failure.class)
  const reason: Reason = { code: 'sprint_failed', class: failure.class, why: failure.reason, hint }
  const checked = failure.class === 'check_red' ? { check_result: 'failed' as const } : {}
  return { outcome: dispatch === 'failed' ? 'failed' : 'given_back', failure, dispatch, reason, ...checked }
}

class Run {
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
    this.#tell(note)
  }

  async carryOut(usable: readonly Backend[], speaker: CommentWriter, stop: AbortSignal): Promise<SprintEnd> {
    const { id, picked } = this.#claimed
    const { issue } = picked
    const { session } = this.#context
    this.#tell(null)
    await this.#begin(speaker)
    const { check: written, base, setup } = settingsOf(session.fleet.repos, issue.repo)
    await this.#enter('workspace', {})
    const note = (each: TranscriptEntry) => this.note(each)
    // Not returned as a promise: leaving the workplace takes a moment, in which nobody would hear of its failure.
    return await withTimeout(this.#left(), stop, this.#context, async (context, ends) => {
      await using place = await prepareWorkspace({ id, issue, base, setup, note }, context, ends)
      try {
        const check = written ?? (await findCheck(context.git, place.workspace))
        await this.#enter('working', { check_command: check })
        const task = taskText({ id, issue, dir: place.workspace.path, check, nonce: session.newId() })
        const record = (worked: WorkDone) => this.#enter('working', progressOf(worked))
        const site = { ...place, id, issue, task, check, started_at: this.#started, note, record }
        const finished = await whileClaimed(id, session, ends, (until) => work(site, usable, context, until))
        await this.#enter('publishing', { ...progressOf(finished), check_result: finished.check.result })
        // Work that is done in time is not lost for the seconds that a push takes; nor for a Ctrl-C.
        const publishing = Math.max(leastPublishing, this.#left())
        return await withTimeout(publishing, null, this.#context, (publisher) => this.#publish(finished, issue, place.workspace, publisher))
      } catch (thrown) {
        throw await this.#charged(thrown, place)
      }
    })
  }

  /** Milliseconds of its budget. */
  #left(): number {
    const { policy, session } = this.#context
    return policy.budget.time - (session.clock.now() - this.#started)
  }

  /** A disk that its own commands filled is its own failure. What is unusable goes: it would fill the disk until somebody prunes. */
  async #charged(thrown: unknown, { workspace, sandbox }: PreparedWorkspace): Promise<unknown> {
    const { class: failure } = failureOfThrown(thrown)
    const over = failure === 'disk_full' ? await sandbox.cleanWorkspace().catch((error: unknown) => error) : null
    const found = over instanceof Error && failureOfThrown(over).class === 'workspace_unusable' ? over : thrown
    if (failureOfThrown(found).class === 'workspace_unusable') await this.#leave(workspace, [])
    return found
  }

  /** The comment first, as for a pane: without it nobody outside knows that the issue is taken. */
  async #begin(speaker: CommentWriter): Promise<void> {
    const { id, picked, state } = this.#claimed
    const { ledger, clock, owner } = this.#context.session
    const unsaid = await speaker.announceClaim(id, picked.issue.ref, state)
    if (unsaid !== null) throw new SprintFailure(unsaid)
    if (!(await ledger.handSprint(id, owner, clock.now()))) throw await this.#fenced()
  }

  async #publish(finished: Finished, issue: Issue, workspace: Workspace, context: SprintContext): Promise<SprintEnd> {
    const { session } = context
    const { id } = this.#claimed
    const now = await session.forge.issue(issue.ref)
    if (now === null || now.state === 'closed')
      throw new SprintFailure({ class: 'issue_gone', reason: 'it was closed while it was worked on' })
    const text = { ...finished, id, fleet: session.fleet.name, issue }
    const stillOurs = () => this.#enter('publishing', {})
    const made = await commitChange(workspace, text, context)
    const seen = await protectedPaths(context.git, workspace, context.policy)
    if (seen.length > 0) return this.#keep(workspace, made, seen)
    const change = await pushChange({ workspace, repo: issue.repo, change: made, stillOurs }, context)
    this.note({ kind: 'note', text: `open for review: ${change.url}` })
    await this.#leave(workspace, finished.left_out)
    return { outcome: 'change', failure: null, dispatch: 'review', reason: { code: 'change_for_review' }, change_url: change.url }
  }

  /** The issue stays taken, and its workspace stays, until a person publishes the change or gives the issue back. */
  async #keep(workspace: Workspace, change: NewChange, paths: readonly string[]): Promise<SprintEnd> {
    await keepChange(workspace, change)
    const named = oneLine(`${paths.slice(0, 10).join(', ')}${paths.length > 10 ? ` and ${paths.length - 10} more` : ''}`, 600)
    const reason: Reason = { code: 'protected_paths', paths: named, sprint: this.#claimed.id }
    const text = sentence(reason)
    this.note({ kind: 'note', text: `kept for a person: ${text}` })
    return { outcome: 'kept', failure: { class: 'protected_paths', reason: text }, dispatch: 'review', reason }
  }

  /** What was just pushed need not be looked at again; what could not be committed stays, for a person to look at. */
  async #leave(workspace: Workspace, left_out: readonly string[]): Promise<void> {
    if (left_out.length > 0)
      return this.note({ kind: 'note', text: `its workspace stays, with what no change can hold: ${left_out.join(', ')}` })
    try {
      await removeWorkspace(this.#context.git, workspace, { force: true })
    } catch (thrown) {
      // What is left here is for burn sprint prune.
      this.note({ kind: 'note', text: `its workspace stays: ${messageOf(thrown)}` })
    }
  }

  /** Throws where the claim is no longer this process's. */
  async #enter(stage: SprintStage, progress: SprintProgress): Promise<void> {
    const { ledger, owner } = this.#context.session
    if (!(await ledger.saveSprint(this.#claimed.id, owner, { ...progress, stage }))) throw await this.#fenced()
    const moved = stage !== this.#stage
    this.#stage = stage
    if (moved) this.#tell(null)
  }

  async #fenced(): Promise<SprintFailure> {
    const [row] = await this.#context.session.ledger.sprints({ ids: [this.#claimed.id] })
    const gone = row?.failure === 'issue_gone'
    return new SprintFailure({ class: gone ? 'issue_gone' : 'fenced', reason: row?.failure_text ?? 'somebody else ended it' })
  }

  async end(end: SprintEnd): Promise<void> {
    const { ledger, clock, owner } = this.#context.session
    await ledger.endSprint(this.#claimed.id, owner, end, clock.now())
    this.#stage = 'ended'
    this.#tell(null)
    await this.#transcript
      ?.flush()
      .catch((thrown: unknown) => this.#tell({ kind: 'note', text: `its transcript could not be written: ${String(thrown)}` }))
  }

  #tell(note: TranscriptEntry | null): void {
    const { id, worker, picked } = this.#claimed
    this.#context.hear({ id, issue: picked.issue.ref, worker, stage: this.#stage, note })
  }
}

function progressOf({ backend, model, provider, usage }: WorkDone): SprintProgress {
  return { backend, model, provider, ...usage }
}
