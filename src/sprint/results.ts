/** What remains of a sprint for people: a transcript, and results as comma-separated values. */
import type { Sprint, TranscriptEntry } from '../core/sprint.ts'
import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Time } from '../core/nouns.ts'
import type { Clock } from '../core/ports.ts'
import { ifCode, noSuchPath } from '../core/errors.ts'

const columns: readonly { readonly name: string; readonly of: (sprint: Sprint) => string | number | null }[] = [
  { name: 'id', of: ({ id }) => id },
  { name: 'issue', of: ({ issue }) => issue },
  { name: 'worker', of: ({ worker }) => worker },
  { name: 'host', of: ({ host }) => host },
  { name: 'started_at', of: ({ started_at }) => new Date(started_at).toISOString() },
  { name: 'ended_at', of: ({ ended_at }) => (ended_at === null ? null : new Date(ended_at).toISOString()) },
  { name: 'seconds', of: ({ started_at, ended_at }) => (ended_at === null ? null : ((ended_at - started_at) / 1000).toFixed(1)) },
  { name: 'backend', of: ({ backend }) => backend },
  { name: 'model', of: ({ model }) => model },
  { name: 'provider', of: ({ provider }) => provider },
  { name: 'turns', of: ({ turns }) => turns },
  { name: 'tokens_in', of: ({ tokens_in }) => tokens_in },
  { name: 'tokens_out', of: ({ tokens_out }) => tokens_out },
  { name: 'cost', of: ({ cost }) => cost },
  { name: 'outcome', of: ({ outcome }) => outcome },
  { name: 'failure', of: ({ failure }) => failure },
  { name: 'check_command', of: ({ check_command }) => check_command },
  { name: 'check_result', of: ({ check_result }) => check_result },
  { name: 'change_url', of: ({ change_url }) => change_url },
]

/** RFC 4180, with a head. What a spreadsheet would take for a formula is marked as text. */
export function resultsCsv(sprints: readonly Sprint[]): string {
  const lines = [columns.map(({ name }) => name), ...sprints.map((sprint) => columns.map(({ of }) => cell(of(sprint))))]
  return lines.map((line) => `${line.join(',')}\r\n`).join('')
}

function cell(value: string | number | null): string {
  if (value === null) return ''
  const text = typeof value === 'string' && /^[=+@\t\r-]/.test(value) ? `'${value}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** What the sprints of one model came to. */
export interface Total {
  readonly model: string
  readonly sprints: number
  readonly changes: number
  readonly tokens: number
  /** US dollars, of those whose price is known. */
  readonly cost: number
  /** Failures by their class, most first. */
  readonly failures: readonly (readonly [string, number])[]
}

/** By model, most sprints first; those that no model touched are under their backend, or `none`. */
export function totals(sprints: readonly Sprint[]): Total[] {
  const groups = Map.groupBy(sprints, ({ model, backend }) => model ?? backend ?? 'none')
  const all = [...groups].map(([model, rows]): Total => {
    const failures = Map.groupBy(
      rows.flatMap(({ failure }) => failure ?? []),
      (failure) => failure,
    )
    return {
      model,
      sprints: rows.length,
      changes: rows.filter(({ outcome }) => outcome === 'change').length,
      tokens: rows.reduce((sum, row) => sum + row.tokens_in + row.tokens_out, 0),
      cost: rows.reduce((sum, row) => sum + (row.cost ?? 0), 0),
      failures: [...failures].map(([failure, same]) => [failure, same.length] as const).toSorted((a, b) => b[1] - a[1]),
    }
  })
  return all.toSorted((a, b) => b.sprints - a.sprints || (a.model < b.model ? -1 : 1))
}

export type TranscriptLine = TranscriptEntry & { readonly at: Time }

export interface Transcript {
  add(note: TranscriptEntry): void
  /** Resolves when all that was added is written. Throws where the disk would not take it. */
  flush(): Promise<void>
}

export function transcriptFile(dir: string, id: string): string {
  return join(dir, 'transcripts', `${id}.jsonl`)
}

/** Lines are redacted as JSON, so that a secret is found however it is escaped. */
export async function openTranscript(dir: string, id: string, clock: Clock, redact: (text: string) => string): Promise<Transcript> {
  const file = transcriptFile(dir, id)
  await mkdir(join(dir, 'transcripts'), { recursive: true, mode: 0o700 })
  let writing: Promise<void> = Promise.resolve()
  return {
    add(note) {
      const line = `${redact(JSON.stringify({ at: clock.now(), ...note }))}\n`
      writing = writing.then(() => appendFile(file, line, { mode: 0o600 }))
      writing.catch(() => {
        // Whoever flushes is told; until then a failed write is nobody's rejection.
      })
    },
    flush: () => writing,
  }
}

/** Null where there is none: it was pruned, or the sprint ran on another machine. */
export async function readTranscript(dir: string, id: string): Promise<readonly TranscriptLine[] | null> {
  const text = await readFile(transcriptFile(dir, id), 'utf8').catch(ifCode(noSuchPath, null))
  if (text === null) return null
  // A process that was killed may have left half a line.
  // Lines are only appended by `add`.
  return text.split('\n').flatMap((line) => (line.endsWith('}') ? [JSON.parse(line) as TranscriptLine] : []))
}
