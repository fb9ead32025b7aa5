/** Prepares the line that burn types for a delivery. If the text is long, burn first writes it to a file, and the line names that file. */
import type { Reason } from '../core/reasons.ts'
import { createHash } from 'node:crypto'
import type { PaneAgent } from '../core/agent.ts'
import type { Delivery } from '../core/lifecycle.ts'
import type { Worker } from '../core/nouns.ts'
import type { PaneHost } from '../core/pane-host.ts'
import { messageOf } from '../core/errors.ts'
import { fileOf, isTyped, lineFor, deliveryTag, type FileFacts } from '../core/typed-line.ts'

/** A text to prepare. */
export interface PendingText {
  readonly delivery: Pick<Delivery, 'id' | 'kind' | 'text'>
  readonly worker: Pick<Worker, 'dir'>
  readonly kind: Pick<PaneAgent, 'expands'>
  /** The width of the worker's pane. */
  readonly columns: number
}

/** The line to type, or the reason that there is none, by delivery id. */
export type TypedLines = ReadonlyMap<string, { readonly line: string } | { readonly why: Reason }>

/**
 * Returns the lines to type. Writes all files in one call to the machine; makes no call if every text is short enough to be typed directly.
 */
export async function linesFor(pending: readonly PendingText[], host: Pick<PaneHost, 'write'>): Promise<TypedLines> {
  const lines = new Map<string, { line: string } | { why: Reason }>(
    pending.flatMap(({ delivery: { id, kind: purpose, text }, kind }) => {
      // The agent program would not recognise a command after a tag.
      if (purpose === 'command') return [[id, { line: text }] as const]
      return purpose === 'send' && isTyped(text, kind.expands) ? [[id, { line: `${deliveryTag(id)} ${text}` }] as const] : []
    }),
  )
  const inFiles = pending.filter(({ delivery }) => !lines.has(delivery.id))
  if (inFiles.length === 0) return lines
  try {
    const texts = inFiles.map(({ delivery: { id, text }, worker: { dir } }) => ({
      id,
      dir,
      file: fileOf(id),
      text: contentOf(text),
    }))
    const written = await host.write(texts)
    for (const { delivery, columns } of inFiles) {
      const placed = written.get(delivery.id) ?? { why: 'the machine did not report whether it wrote the file' }
      const line = () => ('why' in placed ? '' : lineFor(delivery.id, placed.directory, factsOf(contentOf(delivery.text)), columns))
      lines.set(delivery.id, 'why' in placed ? { why: unwritten(placed.why) } : { line: line() })
    }
  } catch (thrown) {
    for (const { delivery } of inFiles) lines.set(delivery.id, { why: unwritten(messageOf(thrown)) })
  }
  return lines
}

const unwritten = (why: string): Reason => ({ code: 'unwritten', why })

/** Adds a final newline, so that the line count in the typed line is correct. */
const contentOf = (text: string) => (text.endsWith('\n') ? text : `${text}\n`)

function factsOf(content: string): FileFacts {
  const lines = content.split('\n').slice(0, -1)
  const sha256 = createHash('sha256').update(content).digest('hex')
  return { sha256, lines: lines.length, longest: lines.reduce((most, { length }) => Math.max(most, length), 0) }
}
