/** What happened in a sprint, a JSON object a line, without secrets: for people, afterwards. */
import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Time } from '../core/nouns.ts'
import type { SprintNote } from '../core/sprint.ts'
import type { Clock } from '../core/ports.ts'
import { ifCode, noSuchPath } from '../core/errors.ts'

export type TranscriptLine = SprintNote & { readonly at: Time }

export interface Transcript {
  add(note: SprintNote): void
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
