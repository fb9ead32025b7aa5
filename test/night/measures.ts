/** Measures the cost of observing a fleet: the report, the samples, and the growth of the ledger. */
import { seeded } from '../../src/core/random.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { collectFleet, collectMachine } from '../../src/collect/collect.ts'
import { periodReport } from '../../src/decide/period-report.ts'
import { reportDocument } from '../../src/decide/report-document.ts'
import { reportHtml } from '../../src/decide/report-html.ts'
import { readReportFacts } from '../../src/observe/period.ts'
import type { Night } from './night.ts'

const day = 24 * 60 * 60_000

/** Returns the time and the CPU time that a report takes (ms), with its HTML. */
export async function reportTime({
  session,
  since,
  until,
}: Night): Promise<{ readonly ms: number; readonly cpu: number; readonly html: string }> {
  const started = performance.now()
  const used = process.cpuUsage()
  const clock = { now: () => until, sleep: () => new Promise<void>(() => {}) }
  const html = reportHtml(reportDocument(periodReport(await readReportFacts({ ...session, clock }, since, until))))
  const { user, system } = process.cpuUsage(used)
  return { ms: performance.now() - started, cpu: (user + system) / 1000, html }
}

/** Returns the CPU time (ms) of one sample of the whole fleet: the median of `times` samples. The simulated machines answer at once. */
export async function sampleCpu({ session, fleet, run }: Night, times = 15): Promise<number> {
  const used: number[] = []
  for (let index = 0; index < times; index++) {
    const before = process.cpuUsage()
    await run(Promise.all([...fleet.machines.map((machine) => collectMachine(machine, session)), collectFleet(session)]))
    const { user, system } = process.cpuUsage(before)
    used.push((user + system) / 1000)
  }
  return used.toSorted((a, b) => a - b)[Math.floor(times / 2)] ?? NaN
}

/**
 * Returns the bytes that a day of samples and of tokens adds to a ledger on SQLite: those of the night in a new ledger, extrapolated to a
 * day.
 */
export async function ledgerGrowth(
  { ledger, since, until }: Night,
  file: string,
): Promise<{ readonly samples: number; readonly usage: number }> {
  const [spans, measures, events] = await Promise.all([
    ledger.spans({ since, until }),
    ledger.measures({ since, until }),
    ledger.events({ kinds: ['worker.*', 'machine.*', 'job.*', 'dispatcher.*'], since, limit: 1e6 }),
  ])
  const copy = await openLedger(`sqlite:${file}`, { random: seeded(1) })
  const before = await copy.size()
  // The spans of a copy are closed, because only one span of a subject may be open.
  const closed = spans.map((span) => ({ ...span, ended_at: span.ended_at ?? span.seen_at }))
  await copy.saveSample({ spans: closed, measures, events: [] }, until)
  for (const { at, kind, subject, issue, worker, payload } of events)
    await copy.saveSample({ spans: [], measures: [], events: [{ kind, subject, issue, worker, actor: 'burn', payload } as never] }, at)
  const samples = (await copy.size()) - before
  await copy.addUsage(await ledger.usage({ since, until }), [])
  const usage = (await copy.size()) - before - samples
  await copy.close()
  const perDay = (bytes: number) => (bytes * day) / (until - since)
  return { samples: perDay(samples), usage: perDay(usage) }
}
