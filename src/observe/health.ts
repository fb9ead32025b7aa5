/** Reads the facts that `burn health` judges. It reads the ledger only, so it works while machines and forge are unreachable. */
import type { HealthFacts } from '../core/health.ts'
import type { Measure, Span } from '../core/span.ts'
import type { Time } from '../core/nouns.ts'
import type { Session } from './session.ts'
import { heldBy, isInForce } from '../decide/holds.ts'
import { tokensSinceBegin } from '../decide/worker-tokens.ts'

const hour = 60 * 60_000
/** The number of ended sprints that show the present success rate. */
const recentSprints = 20

/** Returns the facts at this time. Throws BurnError `ledger_*`. */
export async function readHealthFacts(session: Session): Promise<HealthFacts> {
  const { ledger, fleet, clock } = session
  const now = clock.now()
  const { health: settings, telemetry, machines, dispatch } = fleet
  const since = now - Math.max(settings.no_change, settings.dispatcher, hour)
  const [view, spans, measures, { queued, attempts }, sprints, changes, ledger_bytes] = await Promise.all([
    ledger.view(),
    ledger.spans({ since }),
    ledger.measures({ since: now - settings.no_change, until: now + telemetry.interval }),
    ledger.queues(),
    ledger.sprints({ live: false, limit: recentSprints }),
    ledger.events({ kinds: ['dispatch.review', 'dispatch.done'], limit: 1 }),
    ledger.size(),
  ])
  const workers = machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  const holds = heldBy(view.holds, now, fleet.accounts)
  return {
    now,
    settings,
    interval: telemetry.interval,
    workers,
    held: new Set(workers.flatMap(({ id }) => (holds.worker(id) === null ? [] : [id]))),
    spans,
    measures: [...new Map(measures.map((measure) => [measure.subject, measure])).values()].filter(
      ({ subject, at }) => subject.startsWith('machine ') && now - at <= 3 * telemetry.interval,
    ),
    repos: view.repos,
    queued,
    attempts,
    max_attempts: dispatch.max_attempts,
    last_change: changes[0]?.at ?? null,
    last_commit: lastCommit(measures),
    limited: view.holds.filter((hold) => hold.scope === 'account' && hold.code === 'limit' && isInForce(hold, now)),
    sprints: sprints.filter(({ ended_at }) => ended_at !== null),
    tokens: await readTokens(spans, session),
    ledger_bytes,
  }
}

/** Returns the time of the last sample that found more commits than the one before; null if there is none. `measures`: oldest first. */
function lastCommit(measures: readonly Measure[]): Time | null {
  const counts = new Map<string, number>()
  let last: Time | null = null
  for (const { subject, at, numbers } of measures) {
    const { commits } = numbers
    if (commits === undefined) continue
    if (commits > (counts.get(subject) ?? Infinity)) last = at
    counts.set(subject, commits)
  }
  return last
}

/** The time (ms) before a turn in which tokens of a worker show that burn can read the worker's records. */
const day = 24 * hour

/** Returns the tokens of the workers that have been at work for long. */
async function readTokens(spans: readonly Span[], { ledger, fleet, clock, kindOf }: Session): Promise<HealthFacts['tokens']> {
  const { no_tokens } = fleet.health
  const long = spans.filter(({ kind, state, began_at, ended_at }) => {
    return kind === 'worker' && state === 'working' && ended_at === null && clock.now() - began_at >= no_tokens
  })
  if (long.length === 0) return new Map()
  const since = Math.min(...long.map(({ began_at }) => began_at)) - day
  const [usage, failed, sources] = await Promise.all([
    ledger.usage({ since }),
    ledger.failedUsageSources(),
    Promise.all(fleet.machines.map(async ({ name }) => [name, (await ledger.usageSources(name, ['']))[0]] as const)),
  ])
  return tokensSinceBegin({
    workers: fleet.machines
      .flatMap(({ windows }) => windows.flatMap((window) => window.workers))
      .filter(({ agent }) => kindOf(agent).usage !== undefined),
    spans: long,
    usage,
    samples: new Map(sources.flatMap(([name, source]) => (source === undefined ? [] : [[name, source] as const]))),
    unread: new Set(failed.map(({ machine }) => machine)),
    no_tokens,
  })
}
