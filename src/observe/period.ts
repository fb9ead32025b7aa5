/** Reads the facts of `burn report` from the ledger. */
import type { Dispatch } from '../core/lifecycle.ts'
import type { Time } from '../core/nouns.ts'
import type { ReportFacts } from '../decide/period-report.ts'
import type { Session } from './session.ts'
import { periodCosts } from '../decide/costs.ts'
import { countReached, week } from '../decide/period-report.ts'
import { hour } from '../decide/roll-up.ts'
import { troubleEvents } from '../decide/period-troubles.ts'
import { readHealthFacts } from './health.ts'
import { readNeeds } from './needs.ts'
import { readUsage, workersWithoutTokens } from './usage.ts'

/** The events of dispatches that the report counts. The others are half of all events of a night. */
const moveEvents = (['claimed', 'review', 'done', 'failed', 'lost', 'released'] as const).map((state) => `dispatch.${state}` as const)
/** Maximum number of events of a period. A fleet of 112 workers writes some 20,000 in a night. */
const maxEvents = 500_000

/** Returns the facts of the period from `since` until `until`. Throws BurnError `ledger_*`. */
export async function readReportFacts(session: Session, since: Time, until: Time): Promise<ReportFacts> {
  const { ledger, fleet } = session
  const [health, events, view, touched, spans, measures, sprints, last, before, { oldest }, usage, needs, prunes] = await Promise.all([
    readHealthFacts(session),
    ledger.events({ kinds: [...moveEvents, 'change.stage', 'change.approved', ...troubleEvents], since, limit: maxEvents }),
    ledger.view(),
    ledger.dispatches({ since }),
    ledger.spans({ since, until }),
    ledger.measures({ since, until }),
    ledger.sprints({ live: false, since }),
    ledger.reached(until - week, until),
    ledger.reached(until - 2 * week, until - week),
    ledger.queues(),
    readUsage(session, { since, until }),
    readNeeds(session),
    ledger.events({ kinds: ['ledger.pruned'], subject: 'ledger', limit: 100 }),
  ])
  const without_tokens = await workersWithoutTokens(session, { records: usage.records, since })
  const dispatches = new Map<string, Dispatch>([...touched, ...view.dispatches].map((dispatch) => [dispatch.id, dispatch]))
  return {
    fleet: fleet.name,
    since,
    until,
    health,
    events: events.filter(({ at }) => at < until),
    dispatches,
    spans,
    measures,
    sprints,
    workers: health.workers,
    needs,
    titles: await ledger.titles([...dispatches.values()].map(({ issue }) => issue)),
    usage: {
      since: Math.floor(since / hour) * hour,
      unread: usage.unread.length,
      unrecorded: usage.unrecorded.length,
      without_tokens: without_tokens.length,
      costs: periodCosts(usage.records, usage.lanes, usage.costFor),
    },
    trend: { last: countReached(last), before: countReached(before) },
    pruned_before: prunes.reduce<Time | null>((latest, { payload }) => {
      return 'before' in payload && typeof payload.before === 'number' ? Math.max(latest ?? 0, payload.before) : latest
    }, null),
    waiting: oldest === null ? null : { issue: oldest.issue, since: oldest.created_at },
  }
}
