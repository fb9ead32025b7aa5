/** Assigns recorded tokens to agent processes and issues by their time, and sums them by hour. */
import type { Dispatch } from '../core/lifecycle.ts'
import type { Time, WorkerId } from '../core/nouns.ts'
import type { LastUse } from '../core/model-use.ts'
import type { Span } from '../core/span.ts'
import type { Sprint } from '../core/sprint.ts'
import type { Tokens, UsageRecord, Use } from '../core/usage.ts'
import { byPrompt } from './present-issue.ts'
import { hour } from './roll-up.ts'

/** A use with its worker. `worker` is empty if several workers share the record. */
export interface WorkerUse extends Use {
  readonly worker: WorkerId
  readonly agent: string
  /** The path of the file or database with the use. */
  readonly record: string
}

/** The history by which burn assigns tokens. */
export interface WorkerHistory {
  /** The spans of workers that overlap the time of the uses. */
  readonly spans: readonly Span[]
  readonly dispatches: readonly Pick<Dispatch, 'id' | 'worker' | 'issue' | 'state' | 'handed_at' | 'changed_at'>[]
}

/** Returns the usage by worker, agent process, issue, model and hour. */
export function sumUsage(uses: readonly WorkerUse[], { spans, dispatches }: WorkerHistory): UsageRecord[] {
  const spansOf = Map.groupBy(spans, ({ subject }) => subject)
  const dispatchesOf = Map.groupBy(dispatches, ({ worker }) => worker)
  const records = uses.map(({ ids: _ids, key: _key, session: _session, aside: _aside, record: _record, at, ...use }): UsageRecord => {
    const span = spanAt(spansOf.get(use.worker) ?? [], at)
    const issue = span?.issue ?? issueAt(dispatchesOf.get(use.worker) ?? [], issueBefore(spansOf.get(use.worker) ?? [], at), at)
    return {
      ...use,
      source: 'pane',
      incarnation: span?.incarnation ?? '',
      issue: issue ?? '',
      hour: Math.floor(at / hour) * hour,
      last_at: at,
    }
  })
  const groups = Map.groupBy(
    records,
    ({ worker, incarnation, issue, agent, provider, model_asked, model_answered, subscription, hour: at }) =>
      JSON.stringify([worker, incarnation, issue, agent, provider, model_asked, model_answered, subscription, at]),
  )
  return [...groups.values()].map((group) =>
    group.reduce((sum, each) => ({ ...sum, ...addTokens(sum, each), last_at: Math.max(sum.last_at, each.last_at) })),
  )
}

/** Returns the last use of a model in each conversation of each worker. Leaves out sub-agents and titles, and records that several workers share. */
export function lastModels(uses: readonly WorkerUse[], spans: readonly Span[]): LastUse[] {
  const last = new Map<string, WorkerUse>()
  for (const use of uses) {
    const isOwn = use.worker !== '' && use.aside !== true && (use.model_asked !== '' || use.model_answered !== '')
    const name = `${use.worker} ${use.session ?? ''}`
    if (isOwn && use.at >= (last.get(name)?.at ?? 0)) last.set(name, use)
  }
  return [...last.values()].map(({ worker, session = '', at, provider, model_asked, model_answered, record }) => {
    const own = spans.filter(({ subject }) => subject === worker)
    const span = spanAt(own, at)
    // If burn took samples, but none at that time, no sample shows that the agent worked.
    const by = { incarnation: span?.incarnation ?? '', idle: span === undefined ? own.length > 0 : span.state === 'idle' }
    return { worker, session, at, provider, model_asked, model_answered, record, ...by }
  })
}

/** Returns the sums of two sets of tokens. A sum with an unknown part is unknown. */
export function addTokens(a: Tokens, b: Tokens): Tokens {
  const plus = (one: number | null, other: number | null) => (one === null || other === null ? null : one + other)
  return {
    calls: a.calls + b.calls,
    input: a.input + b.input,
    output: a.output + b.output,
    cache_read: plus(a.cache_read, b.cache_read),
    cache_write: plus(a.cache_write, b.cache_write),
    reasoning: plus(a.reasoning, b.reasoning),
    reported_cost: plus(a.reported_cost, b.reported_cost),
  }
}

/** Returns the span at a time. Between two samples, the earlier span counts. */
function spanAt(spans: readonly Span[], at: Time): Span | undefined {
  return spans.findLast(({ began_at, ended_at }) => began_at <= at && (ended_at === null || at < ended_at))
}

/** Returns the last issue that a span before this time shows. */
function issueBefore(spans: readonly Span[], at: Time): string | null {
  return spans.findLast(({ began_at, issue }) => began_at <= at && issue !== null)?.issue ?? null
}

/**
 * Returns the first issue that the worker had at this time and had not finished, because an agent works on its prompts in order. It decides
 * about times of which no span shows an issue. `before`: the last issue that a span shows; the agent has finished those that it got earlier.
 */
function issueAt(dispatches: WorkerHistory['dispatches'], before: string | null, at: Time): string | undefined {
  const handed = dispatches.filter(({ handed_at }) => handed_at !== null && handed_at <= at).toSorted(byPrompt)
  const known = handed.findLastIndex(({ issue }) => issue === before)
  return handed.slice(Math.max(0, known)).find(({ state, changed_at }) => state === 'handed' || at <= changed_at)?.issue
}

/** Returns the tokens that a sprint used between two states of its row. The input contains the parts that a cache served. */
export function newSprintUsage(before: Sprint, now: Sprint, at: Time): UsageRecord[] {
  const added = { calls: now.turns - before.turns, input: now.tokens_in - before.tokens_in, output: now.tokens_out - before.tokens_out }
  if (added.calls === 0 && added.input === 0 && added.output === 0) return []
  const model = now.model ?? ''
  return [
    {
      source: 'sprint',
      worker: now.worker,
      incarnation: '',
      issue: now.issue,
      agent: now.backend ?? '',
      provider: now.provider ?? '',
      model_asked: model,
      model_answered: model,
      subscription: null,
      hour: Math.floor(at / hour) * hour,
      last_at: at,
      ...added,
      cache_read: null,
      cache_write: null,
      reasoning: null,
      reported_cost: now.cost === null ? null : now.cost - (before.cost ?? 0),
    },
  ]
}
