/** The work itself: backends in their order, and the check that judges what they leave. */
import type { Issue } from '../core/nouns.ts'
import type { TurnResult, Backend, BackendTask, Conversation, Failure, Tool, Usage } from '../core/sprint.ts'
import type { FileChange } from '../git/changes.ts'
import type { Workspace } from '../git/places.ts'
import type { Sandbox } from '../sandbox/open.ts'
import type { SprintContext } from './context.ts'
import { consequenceOf } from '../decide/failure.ts'
import { handOverText, failedCheckText, type ChangeText } from '../decide/sprint-texts.ts'
import { stageChanges } from '../git/changes.ts'
import { runCheck } from './check.ts'
import { SprintFailure } from './context.ts'

export interface Site {
  readonly id: string
  readonly issue: Issue
  readonly workspace: Workspace
  readonly sandbox: Sandbox
  readonly tools: readonly Tool[]
  /** The first text. */
  readonly task: string
  /** Null where none is known. */
  readonly check: string | null
  readonly started_at: number
  readonly note: BackendTask['note']
  /** Records what is known by now; throws where the claim is no longer this process's. */
  readonly record: (progress: WorkDone) => Promise<void>
}

/** Who did it, and what it took, all backends together. */
export interface WorkDone {
  readonly backend: string
  readonly model: string | null
  readonly provider: string | null
  readonly usage: Usage
}

export interface Finished extends WorkDone {
  readonly summary: string
  readonly files: readonly FileChange[]
  /** What no change can hold: repositories of their own, names that git refuses. */
  readonly left_out: readonly string[]
  readonly check: ChangeText['check']
}

const nothing: Usage = { turns: 0, tokens_in: 0, tokens_out: 0, cost: null }

/** Throws SprintFailure with the last backend's reason where none of them did it. */
export async function work(site: Site, usable: readonly Backend[], context: SprintContext, stop: AbortSignal): Promise<Finished> {
  let used = nothing
  let last: Failure = { class: 'backend_down', reason: 'no backend' }
  for (const [index, backend] of usable.entries()) {
    const task = used === nothing ? site.task : handOverText(site.task, last.reason)
    const tried = await tryBackend({ backend, task, before: used }, site, context, stop)
    if ('finished' in tried) return tried.finished
    used = tried.usage
    last = tried.failure
    const next = consequenceOf(last.class).next_backend ? usable[index + 1] : undefined
    if (next === undefined) break
    site.note({ kind: 'note', text: `${backend.name}: ${last.class}: ${last.reason}; now ${next.name}` })
  }
  throw new SprintFailure(last)
}

type Tried = { readonly finished: Finished } | { readonly failure: Failure; readonly usage: Usage }

/** A turn of a backend: its task, and what was used before it. */
interface Attempt {
  readonly backend: Backend
  readonly task: string
  readonly before: Usage
}

async function tryBackend(attempt: Attempt, site: Site, context: SprintContext, stop: AbortSignal): Promise<Tried> {
  const budget = left(attempt.before, site.started_at, context)
  const { id, tools, note, workspace } = site
  const conversation = attempt.backend.begin({ id, dir: workspace.path, tools, budget, note })
  try {
    return await converse(conversation, attempt, site, { context, stop })
  } finally {
    await conversation.close()
  }
}

/** What the budget has left after what was used before. */
function left(used: Usage, started: number, { policy, session }: SprintContext): BackendTask['budget'] {
  const { turns, tokens, time, money } = policy.budget
  return {
    turns: Math.max(0, turns - used.turns),
    tokens: Math.max(0, tokens - used.tokens_in - used.tokens_out),
    time: Math.max(0, time - (session.clock.now() - started)),
    money: money === null ? null : Math.max(0, money - (used.cost ?? 0)),
  }
}

async function converse(
  conversation: Conversation,
  { backend, task, before }: Attempt,
  site: Site,
  { context, stop }: { readonly context: SprintContext; readonly stop: AbortSignal },
): Promise<Tried> {
  const { check, workspace, sandbox } = site
  const { check_retries } = context.policy
  let text = task
  for (let mended = 0; ; mended++) {
    const answer = await sandbox.withQuota(() => conversation.say(text, AbortSignal.any([stop, sandbox.ended])))
    const worked = workedBy(backend, answer, before)
    await site.record(worked)
    const special = await sandbox.cleanWorkspace()
    if (special.length > 0) site.note({ kind: 'note', text: `pipes, sockets and devices were removed: ${special.slice(0, 10).join(', ')}` })
    if (answer.failure !== null) return { failure: answer.failure, usage: worked.usage }
    const { files, empty, left_out } = await stageChanges(context.git, workspace)
    if (empty) return { failure: { class: 'no_change', reason: noChange(answer) }, usage: worked.usage }
    const checked = check === null ? null : await runCheck({ ...site, command: check, files }, context, stop)
    if (check === null || checked === null || checked.passed) {
      const { pinned, changed } = checked ?? { pinned: [], changed: [] }
      const result = { command: check, result: check === null ? 'none' : 'passed', mends: mended, pinned, changed } as const
      return { finished: { ...worked, summary: answer.text, files, left_out, check: result } }
    }
    if (stop.aborted) return { failure: { class: 'stopped', reason: 'stopped while the check ran' }, usage: worked.usage }
    if (mended >= check_retries)
      return { failure: { class: 'check_red', reason: `${check} still fails: ${lastLine(checked.output)}` }, usage: worked.usage }
    text = failedCheckText(check, checked, check_retries - mended - 1)
  }
}

function noChange({ text }: TurnResult): string {
  return text.trim() === '' ? 'it ended without a change, and said nothing' : `it ended without a change: ${text.trim().slice(0, 300)}`
}

function lastLine(output: string): string {
  return (output.trimEnd().split('\n').at(-1) ?? '').slice(0, 200)
}

function workedBy({ name }: Backend, { model, provider, usage }: TurnResult, before: Usage): WorkDone {
  return { backend: name, model, provider, usage: plus(before, usage) }
}

function plus(a: Usage, b: Usage): Usage {
  return {
    turns: a.turns + b.turns,
    tokens_in: a.tokens_in + b.tokens_in,
    tokens_out: a.tokens_out + b.tokens_out,
    cost: a.cost === null ? b.cost : b.cost === null ? a.cost : a.cost + b.cost,
  }
}
