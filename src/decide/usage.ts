/** Assigns recorded tokens to agent processes and issues by their time, and sums them by hour. */
import type { Dispatch } from '../core/lifecycle.ts'
import type { IssueRef, Time, WorkerId } from '../core/nouns.ts'
import type { LastUse } from '../core/model-use.ts'
import type { Span } from '../core/span.ts'
import type { Sprint } from '../core/sprint.ts'
import type { Tokens, UsageRecord, Use } from '../core/usage.ts'
import { liveStates } from '../core/lifecycle.ts'
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
  /** The dispatches of the deliveries that are not the first text of a dispatch, by their ids; null for an identity prompt. */
  readonly deliveries?: ReadonlyMap<string, string | null>
}

/** Returns the usage by worker, agent process, issue, model and hour. */
export function sumUsage(uses: readonly WorkerUse[], { spans, dispatches, deliveries }: WorkerHistory): UsageRecord[] {
  const spansOf = Map.groupBy(spans, ({ subject }) => subject)
  const dispatchesOf = Map.groupBy(dispatches, ({ worker }) => worker)
  const byId = new Map(dispatches.map((dispatch) => [dispatch.id, dispatch]))
  const issueOf = ({ prompt, worker, at }: WorkerUse, span: Span | undefined): IssueRef => {
    const about = prompt === undefined ? undefined : deliveries?.get(prompt)
    if (about === null) return ''
    const asked = prompt === undefined ? undefined : byId.get(about ?? prompt)
    if (asked === undefined) return issueByTime(dispatchesOf.get(worker) ?? [], span, at)
    return hasLeft(asked, at) ? '' : asked.issue
  }
  const records = uses.map((use): UsageRecord => {
    const { ids: _ids, key: _key, session: _session, aside: _aside, record: _record, prompt: _prompt, at, ...used } = use
    const span = spanAt(spansOf.get(use.worker) ?? [], at)
    const issue = issueOf(use, span)
    return { ...used, source: 'pane', incarnation: span?.incarnation ?? '', issue, hour: Math.floor(at / hour) * hour, last_at: at }
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

/** The time (ms) after the end of a dispatch in which its agent may still write about it. Later requests are those of a person. */
const afterEnd = hour

/** Returns true if a dispatch ended long before a time. */
function hasLeft({ state, changed_at }: WorkerHistory['dispatches'][number], at: Time): boolean {
  return !liveStates.includes(state) && at - changed_at > afterEnd
}

/**
 * Returns the issue of a request whose record shows no prompt; empty if it belongs to none. The issue is that of the sample at this time,
 * unless its dispatch had ended: a span may outlast it, for example if the agent stays in an error. Otherwise the first dispatch counts that
 * the worker had and had not finished, because an agent works on its prompts in order.
 */
function issueByTime(dispatches: WorkerHistory['dispatches'], span: Span | undefined, at: Time): IssueRef {
  const handed = dispatches.filter(({ handed_at }) => handed_at !== null && handed_at <= at).toSorted(byPrompt)
  const isLeft = ({ state, changed_at }: (typeof handed)[number]) => state === 'handed' || at <= changed_at
  const last = handed.findLast(({ issue }) => issue === span?.issue)
  const isOver = last !== undefined && !liveStates.includes(last.state) && last.changed_at < at
  return (isOver ? null : span?.issue) ?? handed.find(isLeft)?.issue ?? ''
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
