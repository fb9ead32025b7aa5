/** Output for people: transcripts of sprints, and results as CSV. */
import type { Sprint, TranscriptEntry } from '../core/sprint.ts'
import { appendFile, mkdir, open, readFile } from 'node:fs/promises'
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

/**
 * Returns the results as CSV (RFC 4180) with a header. If a spreadsheet would read a text as a formula, puts an apostrophe before the text.
 */
export function resultsCsv(sprints: readonly Sprint[]): string {
  const lines = [columns.map(({ name }) => name), ...sprints.map((sprint) => columns.map(({ of }) => csvCell(of(sprint))))]
  return lines.map((line) => `${line.join(',')}\r\n`).join('')
}

function csvCell(value: string | number | null): string {
  if (value === null) return ''
  const text = typeof value === 'string' && /^[=+@\t\r-]/.test(value) ? `'${value}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** The combined results of one model. */
export interface Total {
  readonly model: string
  readonly sprints: number
  readonly changes: number
  readonly tokens: number
  /** The total cost (US dollars) of the sprints whose cost is known; null if no cost is known. */
  readonly cost: number | null
  /** The number of failures of each class, the most frequent class first. */
  readonly failures: readonly (readonly [string, number])[]
}

/**
 * Returns the combined results of each model. Models with the most sprints come first. If a sprint has no model, its backend or `none`
 * stands in place of the model.
 */
export function totals(sprints: readonly Sprint[]): Total[] {
  const groups = Map.groupBy(sprints, ({ model, backend }) => model ?? backend ?? 'none')
  const results = [...groups].map(([model, rows]): Total => {
    const failures = Map.groupBy(
      rows.flatMap(({ failure }) => failure ?? []),
      (failure) => failure,
    )
    return {
      model,
      sprints: rows.length,
      changes: rows.filter(({ outcome }) => outcome === 'change').length,
      tokens: rows.reduce((sum, row) => sum + row.tokens_in + row.tokens_out, 0),
      cost: rows.reduce((sum: number | null, { cost }) => (cost === null ? sum : (sum ?? 0) + cost), null),
      failures: [...failures].map(([failure, group]) => [failure, group.length] as const).toSorted((a, b) => b[1] - a[1]),
    }
  })
  return results.toSorted((a, b) => b.sprints - a.sprints || (a.model < b.model ? -1 : 1))
}

export type TranscriptLine = TranscriptEntry & { readonly at: Time }

/** A transcript to which a running sprint adds entries. */
export interface Transcript {
  add(note: TranscriptEntry): void
  /** Resolves when all entries are on disk. Throws if a write failed. */
  flush(): Promise<void>
}

/** Returns the path of the file with a sprint's transcript. */
export function transcriptFile(dir: string, id: string): string {
  return join(dir, 'transcripts', `${id}.jsonl`)
}

/** Opens a sprint's transcript for appending. Each new entry is redacted after it is encoded as JSON, so that secrets with JSON escapes are found, too. */
export async function openTranscript(dir: string, id: string, clock: Clock, redact: (text: string) => string): Promise<Transcript> {
  const file = transcriptFile(dir, id)
  await mkdir(join(dir, 'transcripts'), { recursive: true, mode: 0o700 })
  let writing: Promise<void> = Promise.resolve()
  return {
    add(note) {
      const line = `${redact(JSON.stringify({ at: clock.now(), ...note }))}\n`
      writing = writing.then(() => appendFile(file, line, { mode: 0o600 }))
      writing.catch(() => {
        // `flush` throws this error later. Without this handler, Node would report an unhandled rejection.
      })
    },
    flush: () => writing,
  }
}

/** Reads a sprint's transcript. Returns null if the transcript was pruned, or if the sprint ran on another machine. */
export async function readTranscript(dir: string, id: string): Promise<readonly TranscriptLine[] | null> {
  const text = await readFile(transcriptFile(dir, id), 'utf8').catch(ifCode(noSuchPath, null))
  if (text === null) return null
  return text.split('\n').flatMap(entryOf)
}

/** Returns the entry of a line. A killed process may have left an incomplete line, which counts as none. */
function entryOf(line: string): TranscriptLine[] {
  // Only `add` writes lines, so complete lines have this type.
  return line.startsWith('{') && line.endsWith('}') ? [JSON.parse(line) as TranscriptLine] : []
}

/** The number of bytes at the end of a transcript that show the present. */
const tailLength = 256 * 1024

/** Returns the last entries of a sprint's transcript; none if this machine has no transcript of the sprint. */
export async function lastEntries(dir: string, id: string): Promise<readonly TranscriptLine[]> {
  const file = await open(transcriptFile(dir, id)).catch(ifCode(noSuchPath, null))
  if (file === null) return []
  try {
    const { size } = await file.stat()
    const start = Math.max(0, size - tailLength)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, tailLength)), 0, null, start)
    const lines = buffer.subarray(0, bytesRead).toString().split('\n')
    // The first line may be the end of a longer line.
    return (start === 0 ? lines : lines.slice(1)).flatMap(entryOf)
  } finally {
    await file.close()
  }
}
