/** Compares the section "needs you" with the truth: open changes that a person must merge, and troubles that health must name at the end. */
import type { Judgement } from './judge.ts'
import type { Night } from './night.ts'
import type { TrueDispatch } from './truth.ts'
import { judgeHealthProbes } from './judge-health.ts'

const minute = 60_000
/** The time in which burn notices on the forge what has changed. */
const cycleTime = 3 * minute

/** Compares the needs of a night. The rules of the simulated repos leave each merge to a person. */
export function judgeNeeds(night: Night): Judgement {
  const { report, truth, until } = night
  const known = lastKnown(night)
  const listed = new Set(report.needs_you.flatMap(({ kind, subject }) => (kind === 'change' ? [subject] : [])))
  const all = [...truth.dispatches.values()]
  const wrong: string[] = []
  for (const issue of listed)
    if (!all.some((each) => each.issue === issue && isOpenAt(each, known, until)))
      wrong.push(`the report says that a person must merge the change of ${issue}, but it is not open`)
  const owed = all.filter((each) => isOpenAt(each, until, until) && truth.wasSeenOpen(each, known) && each.opened! < known && !isLost(each))
  for (const { issue } of owed) if (!listed.has(issue)) wrong.push(`${issue}: its change is open, but the report does not list it`)
  const health = healthNeeds(night)
  return { wrong: [...wrong, ...health.wrong], explained: [], compared: listed.size + owed.length + health.compared }
}

/** Returns the needs other than changes to merge. A quiet night has none. */
export const otherNeeds = ({ report }: Night) => report.needs_you.filter(({ kind }) => kind !== 'change')

/** Returns the time of the last changes on the forge that burn knows at the end for sure. */
export function lastKnown({ troubles, until }: Night): number {
  const outages = troubles.filter(({ kind, at }) => ['forge', 'dispatcher', 'blackout'].includes(kind) && at < until)
  return Math.min(until, ...outages.filter(({ to }) => to > until - cycleTime).map(({ at }) => at)) - cycleTime
}

/** Returns true if the change of a dispatch was opened before `until`, and nobody had merged or closed it at a time. */
export function isOpenAt({ opened, causes }: TrueDispatch, at: number, until: number): boolean {
  const isEnd = ({ why }: TrueDispatch['causes'][number]) => why.startsWith('its change') || why.startsWith('its issue')
  return opened !== null && opened <= until && !causes.some((cause) => isEnd(cause) && cause.at <= at)
}

/** Returns true if burn may have ended the dispatch before it saw the change: its agent died, failed, or a person released the issue. */
export const isLost = ({ causes }: TrueDispatch) => causes.some(({ end }) => end !== 'done')

/** Judges the rules of health in "needs you" as a last judgement of health. A question stands for the rule `questions`. */
function healthNeeds(night: Night): Judgement {
  const { report, probes, until } = night
  const questions = report.needs_you.filter(({ kind }) => kind === 'question').map(({ subject }) => subject)
  const results = (probes.at(-1)?.results ?? []).map((each) => {
    const need = report.needs_you.find(({ kind, subject }) => kind === 'health' && subject === each.rule)
    const evidence = each.rule === 'questions' && questions.length > 0 ? questions.join(', ') : need?.text
    return evidence === undefined ? { ...each, status: 'ok' as const, evidence: '' } : { ...each, status: 'warn' as const, evidence }
  })
  const { wrong, compared } = judgeHealthProbes({ ...night, probes: [{ at: until - 1, results }] })
  return { wrong: wrong.map((line) => `needs you: ${line}`), explained: [], compared }
}
