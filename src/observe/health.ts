/** Reads the facts that `burn health` judges. It reads the ledger only, so it works while machines and forge are unreachable. */
import type { HealthFacts } from '../core/health.ts'
import type { Session } from './session.ts'
import { heldBy } from '../decide/holds.ts'

const hour = 60 * 60_000
/** The number of ended sprints that show the present success rate. */
const recentSprints = 20

/** Returns the facts at this time. Throws BurnError `ledger_*`. */
export async function readHealthFacts({ ledger, fleet, clock }: Session): Promise<HealthFacts> {
  const now = clock.now()
  const { health: settings, telemetry, machines, dispatch } = fleet
  const since = now - Math.max(settings.no_change, settings.dispatcher, hour)
  const [view, spans, measures, { queued, attempts }, sprints, changes, ledger_bytes] = await Promise.all([
    ledger.view(),
    ledger.spans({ since }),
    ledger.measures({ since: now - 3 * telemetry.interval }),
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
    measures: [...new Map(measures.map((measure) => [measure.subject, measure])).values()].filter(({ subject }) =>
      subject.startsWith('machine '),
    ),
    repos: view.repos,
    queued,
    attempts,
    max_attempts: dispatch.max_attempts,
    last_change: changes[0]?.at ?? null,
    sprints: sprints.filter(({ ended_at }) => ended_at !== null),
    tokens: new Map(),
    ledger_bytes,
  }
}
