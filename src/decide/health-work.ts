/** Health rules about work: idle workers, turns, questions, changes, sprints and attempts. */
import type { HealthFacts, HealthRule, Judged } from '../core/health.ts'
import type { Span } from '../core/span.ts'
import { counted } from '../core/text.ts'
import { ageOf, judgeSpans, lasting, noData, ok, presentSpans, workersOf } from './health-parts.ts'

/** The smallest number of sprints that shows a rate. */
const leastSprints = 5

/** The rules. */
export const workRules: readonly HealthRule[] = [
  { name: 'workers', judge: workers },
  { name: 'idle', judge: idle },
  { name: 'tokens', judge: tokens },
  { name: 'turns', judge: turns },
  { name: 'questions', judge: questions },
  { name: 'limits', judge: limits },
  { name: 'changes', judge: changes },
  { name: 'sprints', judge: sprints },
  { name: 'attempts', judge: attempts },
]

function workers(facts: HealthFacts): Judged {
  const threshold = 'every agent runs, and its last turn succeeded'
  const spans = presentSpans(facts, 'worker')
  if (spans.length === 0) return noData(threshold)
  const found = spans.filter(({ state, detail }) => badStates.has(state) && !(state === 'error' && isLimit(detail)))
  if (found.length === 0) return ok(`${counted(spans.length, 'agent')} ${spans.length === 1 ? 'runs' : 'run'}`, threshold)
  const groups = Map.groupBy(found, ({ state }) => state)
  const parts = [...groups].map(([state, some]) => workersOf(some, badStates.get(state) ?? state))
  const since = Math.min(...found.map(({ began_at }) => began_at))
  const status = found.length * 2 > spans.length ? 'fail' : 'warn'
  return { status, evidence: parts.join('; '), threshold, since, remedy: 'run burn status' }
}

/** The states of workers that need a person, in words. An agent on an unreachable machine may still run. */
const badStates: ReadonlyMap<string, string> = new Map([
  ['dead', 'without a running agent'],
  ['error', 'whose last turn failed'],
  ['unreachable', 'on an unreachable machine'],
  ['unknown', 'in an unknown state'],
])

const isLimit = (detail: string | null) => detail === 'rate limit'

function idle(facts: HealthFacts): Judged {
  const threshold = `no worker idle for ${lasting(facts.settings.idle)} while its issues wait`
  const spans = presentSpans(facts, 'worker')
  if (spans.length === 0) return noData(threshold)
  if (facts.repos.length === 0) return noData(threshold, 'burn has read no repo yet')
  const known = new Map(facts.workers.map((worker) => [worker.id, worker]))
  const isServed = ({ subject }: Span) => {
    const worker = known.get(subject)
    return worker?.role === 'worker' && !facts.held.has(subject) && worker.repos.some((repo) => (facts.queued.get(repo) ?? 0) > 0)
  }
  const found = spans.filter((span) => span.state === 'idle' && ageOf(span, facts.now) >= facts.settings.idle && isServed(span))
  const remedy = 'run burn status, and burn explain with an issue of the repo'
  return judgeSpans(found, { status: 'warn', threshold, remedy }, 'idle while issues wait', 'no worker is idle while its issues wait')
}

function tokens(facts: HealthFacts): Judged {
  const threshold = `every turn of ${lasting(facts.settings.no_tokens)} uses tokens`
  const working = presentSpans(facts, 'worker').filter((span) => isWorking(span) && ageOf(span, facts.now) >= facts.settings.no_tokens)
  const all = presentSpans(facts, 'worker')
  if (all.length === 0) return noData(threshold)
  const known = working.filter(({ subject }) => (facts.tokens.get(subject) ?? null) !== null)
  const unknown = working.length - known.length
  if (working.length > 0 && known.length === 0) return noData(threshold, 'burn does not know the usage of the agents at work')
  const found = known.filter(({ subject }) => facts.tokens.get(subject) === 0)
  const use = `${counted(known.length, 'long turn')} ${known.length === 1 ? 'uses' : 'use'} tokens`
  const unsure = unknown === 0 ? '' : `; burn knows no usage of ${counted(unknown, 'agent')} at work`
  const well = working.length === 0 ? 'no agent is at work for long' : use + unsure
  return judgeSpans(found, { status: 'warn', threshold, remedy: 'look at the pane: burn attach' }, 'at work without tokens', well)
}

const isWorking = ({ state }: Span) => state === 'working'

function turns(facts: HealthFacts): Judged {
  const threshold = `no turn longer than ${lasting(facts.settings.turn)}`
  const spans = presentSpans(facts, 'worker')
  if (spans.length === 0) return noData(threshold)
  const found = spans.filter((span) => isWorking(span) && ageOf(span, facts.now) >= facts.settings.turn)
  return judgeSpans(found, { status: 'warn', threshold, remedy: 'look at the pane: burn attach' }, 'in a long turn', 'no turn is too long')
}

function questions(facts: HealthFacts): Judged {
  const threshold = `an answer within ${lasting(facts.settings.waiting)}`
  const spans = presentSpans(facts, 'worker')
  if (spans.length === 0) return noData(threshold)
  const found = spans.filter((span) => span.state === 'waiting' && ageOf(span, facts.now) >= facts.settings.waiting)
  return judgeSpans(found, { status: 'warn', threshold, remedy: 'run burn answer' }, 'waiting for an answer', 'no agent waits for long')
}

function limits(facts: HealthFacts): Judged {
  const threshold = 'no agent at its usage limit'
  const spans = presentSpans(facts, 'worker')
  const remedy = 'wait until the usage limit resets, or give the workers another account'
  const found = spans.filter(({ state, detail }) => state === 'error' && isLimit(detail))
  const shown = judgeSpans(found, { status: 'warn', threshold, remedy }, 'at the usage limit', 'no agent is at its limit')
  const [first] = facts.limited.toSorted((a, b) => a.created_at - b.created_at)
  if (first === undefined) return spans.length === 0 ? noData(threshold) : shown
  const held = `${counted(facts.limited.length, 'account')} at the usage limit: ${facts.limited.map(({ name }) => name).join(', ')}`
  const since = Math.min(first.created_at, shown.since ?? Infinity)
  return { status: 'warn', evidence: found.length === 0 ? held : `${held}; ${shown.evidence}`, threshold, since, remedy }
}

function changes(facts: HealthFacts): Judged {
  const { spans, now, settings } = facts
  const threshold = `a change or a commit in ${lasting(settings.no_change)} of work`
  const last_change = Math.max(facts.last_change ?? 0, facts.last_commit ?? 0) || null
  const what = last_change === facts.last_change ? 'change' : 'commit'
  const start = now - settings.no_change
  const worked = spans.filter(({ kind, state, began_at, ended_at, seen_at }) => {
    return kind === 'worker' && state === 'working' && (ended_at ?? seen_at) > start && began_at <= now
  })
  if (worked.length === 0 && presentSpans(facts, 'worker').length === 0) return noData(threshold)
  if (worked.length === 0) return ok(`no agent worked in the last ${lasting(settings.no_change)}`, threshold)
  if (last_change !== null && last_change >= start) return ok(`the last ${what} came ${lasting(now - last_change)} ago`, threshold)
  const first = Math.min(...worked.map(({ began_at }) => began_at))
  if (first > start) return ok(`agents have worked for ${lasting(now - first)}`, threshold)
  const evidence = last_change === null ? 'no change came yet' : `the last ${what} came ${lasting(now - last_change)} ago`
  return { status: 'warn', evidence, threshold, since: last_change, remedy: 'run burn status, and look at a pane: burn attach' }
}

function sprints({ sprints: ended, settings }: HealthFacts): Judged {
  const percent = (share: number) => `${Math.round(share * 100)} %`
  const threshold = `${percent(settings.sprint_success)} of sprints end with a change`
  // The ledger knows all sprints, so few sprints are no lack of data. Many fleets run none.
  if (ended.length < leastSprints) return ok(`${counted(ended.length, 'sprint')} ended, too few to judge`, threshold)
  const share = ended.filter(({ outcome }) => outcome === 'change').length / ended.length
  const evidence = `${percent(share)} of the last ${ended.length} sprints`
  if (share >= settings.sprint_success) return ok(evidence, threshold)
  return { status: share === 0 ? 'fail' : 'warn', evidence, threshold, since: null, remedy: 'run burn sprint results' }
}

function attempts({ attempts: failed, max_attempts }: HealthFacts): Judged {
  const threshold = `no issue fails ${max_attempts} times`
  const bad = failed.filter((each) => each.attempts >= max_attempts)
  if (bad.length === 0)
    return ok(failed.length === 0 ? 'no open issue failed' : `${counted(failed.length, 'issue')} failed before`, threshold)
  const names = bad.slice(0, 5).map(({ issue }) => issue)
  const evidence = `${counted(bad.length, 'issue')} failed ${max_attempts} times: ${names.join(', ')}`
  return { status: 'warn', evidence, threshold, since: null, remedy: `run burn explain ${names[0]}` }
}
