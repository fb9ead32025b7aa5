/** The words and numbers that all formats of a report share. */
import type { DispatchState } from '../core/lifecycle.ts'
import type { Time } from '../core/nouns.ts'
import type { PeriodReport, Reached, WorkerPeriod } from '../core/period-report.ts'
import { lasting } from './health-parts.ts'

/** Returns a time for people: `2026-11-27 06:05`, in UTC. */
export function minuteOf(time: Time): string {
  return new Date(time).toISOString().slice(0, 16).replace('T', ' ')
}

/** Returns an amount of money; empty if it is unknown. */
export function usd(amount: number | null): string {
  return amount === null ? '' : `$${amount.toFixed(2)}`
}

/** Returns a share as a percentage; empty if it is unknown. */
export function percent(share: number | null): string {
  return share === null ? '' : `${Math.round(share * 100)} %`
}

/** Returns a number of tokens for people: `950`, `12.3 k`, `4.5 M`. */
export function tokensOf(count: number): string {
  return count < 1000 ? String(count) : count < 1e6 ? `${(count / 1e3).toFixed(1)} k` : `${(count / 1e6).toFixed(1)} M`
}

/** Returns the line that accounts for all dispatches of the period. */
export function countsLine({ counts, since, pruned_before }: PeriodReport): string {
  const { before, claimed, done, failed, lost, released, now, balanced } = counts
  const ends = `${done} done + ${failed} failed + ${lost} lost + ${released} released + ${now} under way`
  const sum = `${before} under way before + ${claimed} claimed = ${ends}`
  if (pruned_before !== null && pruned_before > since) return `${sum}. ${prunedNote(pruned_before)}`
  return balanced ? sum : `${sum}. These counts do not agree: run burn ledger check`
}

/** Returns the sentence about history that the ledger no longer has. */
export function prunedNote(before: Time): string {
  return `The ledger has only a part of the history before ${minuteOf(before)}, because ended work was pruned.`
}

const trendStates: readonly DispatchState[] = ['claimed', 'review', 'done', 'failed', 'lost']

/** Returns the rows of the trend: the state, the last seven days, the seven days before. */
export function trendRows({ last, before }: PeriodReport['trend']): string[][] {
  const count = (reached: Reached | null, state: DispatchState) => (reached === null ? '' : String(reached[state] ?? 0))
  if (last === null && before === null) return []
  return trendStates.map((state) => [state === 'review' ? 'opened' : state, count(last, state), count(before, state)])
}

/** Returns the row of a worker: name, share of work, time in the most important states, idle while ready, opened, done, failed. */
export function workerRow({ worker, utilisation, states, idle_while_ready, opened, done, failed }: WorkerPeriod): string[] {
  const time = (ms: number) => (ms < 500 ? '' : lasting(ms))
  const bad = ['error', 'dead', 'unreachable', 'unknown'].reduce((sum, state) => sum + (states[state] ?? 0), 0)
  return [
    worker,
    percent(utilisation),
    time(states['working'] ?? 0),
    time(states['waiting'] ?? 0),
    time(bad),
    time(idle_while_ready ?? 0),
    String(opened),
    String(done),
    String(failed),
  ]
}

/** The headings of `workerRow`. */
export const workerHeads: readonly string[] = ['WORKER', 'BUSY', 'WORKED', 'WAITED', 'TROUBLE', 'IDLE*', 'OPENED', 'DONE', 'FAILED']
/** The note about the column `IDLE*`. */
export const idleNote = '* idle while issues of its repos waited'
