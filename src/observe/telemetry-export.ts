/** Reads telemetry from the ledger for an export. */
import { createHash } from 'node:crypto'
import type { EventFilter } from '../core/events.ts'
import type { Time } from '../core/nouns.ts'
import type { Session } from './session.ts'
import { csvLine, eventRecord, exportFields, jsonLine, measureRecords, spanRecord, type ExportRecord } from '../decide/telemetry-export.ts'

/** What to export. `samples`: also spans and measures. */
export interface ExportOptions {
  readonly format: 'jsonl' | 'csv'
  readonly samples: boolean
  readonly since: Time
  readonly filter: EventFilter
}

/** Number of events per query. */
const pageSize = 1000

/** Yields the lines of an export: events, then spans, then measures, each oldest first. */
export async function* exportLines({ ledger }: Pick<Session, 'ledger'>, options: ExportOptions): AsyncGenerator<string> {
  const { format, samples, since, filter } = options
  const line = (record: ExportRecord) => (format === 'jsonl' ? jsonLine(record) : csvLine(Object.values(record)))
  if (format === 'csv') yield csvLine(Object.keys(exportFields))
  const until = await ledger.horizon()
  for (let after = '0.0'; ;) {
    const events = await ledger.events({ ...filter, since, after, until, limit: pageSize })
    for (const event of events) yield line(eventRecord(event, hashOf))
    if (events.length < pageSize) break
    after = events.at(-1)?.cursor ?? until
  }
  if (!samples) return
  for (const span of await ledger.spans({ since })) yield line(spanRecord(span, hashOf))
  for (const measure of await ledger.measures({ since })) for (const record of measureRecords(measure)) yield line(record)
}

/** Returns 12 hexadecimal digits of the text's SHA-256 hash. */
function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}
