/** Lets the backends work on an issue, one after another, until the repo's check passes. */
import type { Issue, WorkerId } from '../core/nouns.ts'
import type { TurnResult, Backend, BackendTask, Conversation, Failure, Tool, Usage } from '../core/sprint.ts'
import type { FileChange } from '../git/changes.ts'
import type { Workspace } from '../git/places.ts'
import type { Sandbox } from '../sandbox/open.ts'
import type { SprintContext } from './context.ts'
import { consequenceOf } from '../decide/failure.ts'
import { handOverText, failedCheckText, type ChangeText } from '../decide/sprint-texts.ts'
import { recordBaseline } from '../git/baseline.ts'
import { stageChanges } from '../git/changes.ts'
import { recordRun } from './abandoned-runs.ts'
import { holdAccount } from './account-limit.ts'
import { runCheck } from './check.ts'
import { SprintFailure } from './context.ts'
import { ProgressWatch } from './progress.ts'

/** The workspace and the task of a sprint, and the functions that its work needs. */
export interface WorkSite {
  readonly id: string
  readonly worker: WorkerId
  readonly issue: Issue
  readonly workspace: Workspace
  readonly sandbox: Sandbox
  readonly tools: readonly Tool[]
  /** The prompt of the first turn. */
  readonly task: string
  /** The command that checks the repo; null if burn found none. */
  readonly check: string | null
  readonly started_at: number
  readonly note: BackendTask['note']
  /** Saves the progress in the ledger. Throws SprintFailure if this process has lost the claim. */
  readonly record: (progress: WorkDone) => Promise<void>
}

/** The backend that worked last, and the total usage of all backends. */
export interface WorkDone {
  readonly backend: string
  readonly model: string | null
  readonly provider: string | null
  readonly usage: Usage
}

export interface Finished extends WorkDone {
  readonly summary: string
  readonly files: readonly FileChange[]
  /** Files that git cannot commit: nested repositories, and names that git rejects. */
  readonly left_out: readonly string[]
  readonly check: ChangeText['check']
}

/** The usage of a sprint that has not begun. */
export const noUsage: Usage = { turns: 0, tokens_in: 0, tokens_out: 0, cost: null }

/**
 * Returns the finished work of the first backend that succeeds. If none succeeds, throws SprintFailure with the failure of the last
 * backend.
 */
export async function work(site: WorkSite, usable: readonly Backend[], context: SprintContext, stop: AbortSignal): Promise<Finished> {
  let usage = noUsage
  let lastFailure: Failure = { class: 'backend_down', reason: 'no backend' }
  for (const [index, backend] of usable.entries()) {
    const task = usage === noUsage ? site.task : handOverText(site.task, lastFailure.reason)
    const isLast = index === usable.length - 1
    const result = await tryBackend({ backend, task, usedBefore: usage, isLast }, site, context, stop)
    if ('finished' in result) return result.finished
    usage = result.usage
    lastFailure = result.failure
    if (lastFailure.class === 'rate_limited')
      await holdAccount({ worker: site.worker, backend: backend.name, failure: lastFailure }, context.session)
    const next = consequenceOf(lastFailure.class).next_backend ? usable[index + 1] : undefined
    if (next === undefined) break
    site.note({ kind: 'note', text: `${backend.name}: ${lastFailure.class}: ${lastFailure.reason}; burn continues with ${next.name}` })
  }
  throw new SprintFailure(lastFailure)
}

type AttemptResult = { readonly finished: Finished } | { readonly failure: Failure; readonly usage: Usage }

/** An attempt by one backend: its task, and the usage of earlier backends. */
interface Attempt {
  readonly backend: Backend
  readonly task: string
  readonly usedBefore: Usage
  /** True if no other backend could continue the work. */
  readonly isLast: boolean
}

/** The part of the remaining time without progress after which burn tries the next backend. */
const stallShare = 1 / 3

async function tryBackend(attempt: Attempt, site: WorkSite, context: SprintContext, stop: AbortSignal): Promise<AttemptResult> {
  const budget = budgetLeft(attempt.usedBefore, site.started_at, context)
  const { id, tools, workspace } = site
  const { policy, session } = context
  const { name } = attempt.backend
  const watch = new ProgressWatch(attempt.isLast ? Infinity : budget.time * stallShare, workspace.path, session.clock)
  const note: BackendTask['note'] = (entry) => {
    watch.noted()
    site.note(entry)
  }
  const saveRun: BackendTask['recordRun'] = (run) => recordRun(policy.dir, id, run === null ? null : { backend: name, run })
  const conversation = attempt.backend.begin({ id, dir: workspace.path, tools, budget, note, recordRun: saveRun })
  try {
    return await converse(conversation, attempt, site, { context, stop, watch })
  } finally {
    await conversation.close()
  }
}

/** Returns the part of the budget that `usage` and the time since `started` leave. */
function budgetLeft(usage: Usage, started: number, { policy, session }: SprintContext): BackendTask['budget'] {
  const { turns, tokens, time, money } = policy.budget
  return {
    turns: Math.max(0, turns - usage.turns),
    tokens: Math.max(0, tokens - usage.tokens_in - usage.tokens_out),
    time: Math.max(0, time - (session.clock.now() - started)),
    money: money === null ? null : Math.max(0, money - (usage.cost ?? 0)),
  }
}

async function converse(
  conversation: Conversation,
  { backend, task, usedBefore }: Attempt,
  site: WorkSite,
  { context, stop, watch }: { readonly context: SprintContext; readonly stop: AbortSignal; readonly watch: ProgressWatch },
): Promise<AttemptResult> {
  const { check, workspace, sandbox } = site
  const { check_retries } = context.policy
  let text = task
  for (let retries = 0; ; retries++) {
    const say = (stalled: AbortSignal) => conversation.say(text, AbortSignal.any([stop, sandbox.ended, stalled]))
    const { result: answer, stalled } = await sandbox.withQuota(() => watch.during(say))
    const done = workDoneBy(backend, answer, usedBefore)
    await site.record(done)
    const removed = await sandbox.cleanWorkspace()
    if (removed.length > 0)
      site.note({ kind: 'note', text: `burn removed special files (pipes, sockets and devices): ${removed.slice(0, 10).join(', ')}` })
    if (stalled && answer.failure?.class === 'stopped') return { failure: watch.failure(), usage: done.usage }
    if (answer.failure !== null) return { failure: answer.failure, usage: done.usage }
    const { files, empty, left_out } = await stageChanges(context.git, workspace)
    if (empty) return { failure: { class: 'no_change', reason: noChange(answer) }, usage: done.usage }
    const checkRun = check === null ? null : await runCheck({ ...site, command: check, files }, context, stop)
    if (check === null || checkRun === null || checkRun.passed) {
      const { pinned, changed } = checkRun ?? { pinned: [], changed: [] }
      const result = { command: check, result: check === null ? 'none' : 'passed', mends: retries, pinned, changed } as const
      return { finished: { ...done, summary: answer.text, files, left_out, check: result } }
    }
    if (stop.aborted) return { failure: { class: 'stopped', reason: 'the sprint was stopped while the check ran' }, usage: done.usage }
    if (retries >= check_retries)
      return { failure: { class: 'check_red', reason: `${check} still fails: ${lastLine(checkRun.output)}` }, usage: done.usage }
    await recordBaseline(context.git, workspace)
    text = failedCheckText(check, checkRun, check_retries - retries - 1)
  }
}

function noChange({ text }: TurnResult): string {
  return text.trim() === ''
    ? 'the backend ended without a change and without an answer'
    : `the backend ended without a change: ${text.trim().slice(0, 300)}`
}

function lastLine(output: string): string {
  return (output.trimEnd().split('\n').at(-1) ?? '').slice(0, 200)
}

function workDoneBy({ name }: Backend, { model, provider, usage }: TurnResult, usedBefore: Usage): WorkDone {
  return { backend: name, model, provider, usage: addedUsage(usedBefore, usage) }
}

/** Returns the sum of two usages. The cost is null if both costs are unknown. */
export function addedUsage(a: Usage, b: Usage): Usage {
  return {
    turns: a.turns + b.turns,
    tokens_in: a.tokens_in + b.tokens_in,
    tokens_out: a.tokens_out + b.tokens_out,
    cost: a.cost === null ? b.cost : b.cost === null ? a.cost : a.cost + b.cost,
  }
}
