/** Counts the tokens that workers have used since their present states began. Pure. */
import type { Worker, WorkerId } from '../core/nouns.ts'
import type { Span } from '../core/span.ts'
import type { UsageRecord, UsageSource } from '../core/usage.ts'

/** The facts about the tokens of workers. */
export interface TokenFacts {
  /** The workers whose agents record tokens that burn can read. */
  readonly workers: readonly Worker[]
  /** The open spans of workers. */
  readonly spans: readonly Span[]
  readonly usage: readonly UsageRecord[]
  /** The last sample of usage of each machine: when burn read the records, and whether it could list all of them. */
  readonly samples: ReadonlyMap<string, Pick<UsageSource, 'read_at' | 'failure'>>
  /** The machines with a record that burn could not read at its last attempt. */
  readonly unread: ReadonlySet<string>
  /** The time (ms) without tokens that matters. */
  readonly no_tokens: number
}

/**
 * Returns the tokens of each worker since its open span began; null if unknown. The ledger has usage by the hour, so the number may contain
 * tokens from the hour in which the span began. But it is 0 only if no tokens were recorded since then. A worker has the number 0 only if
 * burn has counted tokens of the worker before, has read all records of its machine, and has read them `no_tokens` after the span began.
 */
export function tokensSinceBegin(facts: TokenFacts): Map<WorkerId, number | null> {
  const open = new Map(facts.spans.flatMap((span) => (span.ended_at === null ? [[span.subject, span] as const] : [])))
  return new Map(
    facts.workers.flatMap((worker) => {
      const span = open.get(worker.id)
      return span === undefined ? [] : [[worker.id, tokensSince(worker, span, facts)] as const]
    }),
  )
}

function tokensSince(worker: Worker, { began_at, machine }: Span, facts: TokenFacts): number | null {
  const own = facts.usage.filter((record) => record.worker === worker.id)
  const used = own.filter(({ last_at }) => last_at >= began_at)
  if (used.length > 0) return used.reduce((sum, record) => sum + tokensOf(record), 0)
  const sample = facts.samples.get(machine ?? '')
  const isRead = sample !== undefined && sample.failure === null && !facts.unread.has(machine ?? '')
  if (own.length === 0 || !isRead || sample.read_at - began_at < facts.no_tokens) return null
  // A record that several workers share may have the tokens of this worker.
  const isShared = facts.usage.some(({ worker: id, last_at }) => id === '' && last_at >= began_at)
  return isShared ? null : 0
}

function tokensOf({ input, cache_read, cache_write, output }: UsageRecord): number {
  return input + (cache_read ?? 0) + (cache_write ?? 0) + output
}
