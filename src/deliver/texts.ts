/** What is typed for a delivery: its text's file is written first, then the line that names it is known. */
import type { Reason } from '../core/reasons.ts'
import { createHash } from 'node:crypto'
import type { PaneAgent } from '../core/agent.ts'
import type { Delivery } from '../core/lifecycle.ts'
import type { Worker } from '../core/nouns.ts'
import type { PaneHost } from '../core/pane-host.ts'
import { messageOf } from '../core/errors.ts'
import { fileOf, isTyped, lineFor, deliveryTag, type FileFacts } from '../core/typed-line.ts'

/** A text that is about to be typed. */
export interface Due {
  readonly delivery: Pick<Delivery, 'id' | 'kind' | 'text'>
  readonly worker: Pick<Worker, 'dir'>
  readonly kind: Pick<PaneAgent, 'expands'>
  /** Of its pane. */
  readonly columns: number
}

/** By delivery: the line to type, or why there is none. */
export type TypedLines = ReadonlyMap<string, { readonly line: string } | { readonly why: Reason }>

/** One call to the machine for all of them; none if every text is typed itself. */
export async function linesFor(due: readonly Due[], host: Pick<PaneHost, 'write'>): Promise<TypedLines> {
  const typed = due.filter(({ delivery, kind }) => delivery.kind === 'send' && isTyped(delivery.text, kind.expands))
  const lines = new Map<string, { line: string } | { why: Reason }>(
    typed.map(({ delivery: { id, text } }) => [id, { line: `${deliveryTag(id)} ${text}` }]),
  )
  const filed = due.filter(({ delivery }) => !lines.has(delivery.id))
  if (filed.length === 0) return lines
  try {
    const texts = filed.map(({ delivery: { id, text }, worker: { dir } }) => ({
      id,
      dir,
      file: fileOf(id),
      text: contentOf(text),
    }))
    const written = await host.write(texts)
    for (const { delivery, columns } of filed) {
      const placed = written.get(delivery.id) ?? { why: 'nothing was said of it' }
      const line = () => ('why' in placed ? '' : lineFor(delivery.id, placed.directory, factsOf(contentOf(delivery.text)), columns))
      lines.set(delivery.id, 'why' in placed ? { why: unwritten(placed.why) } : { line: line() })
    }
  } catch (thrown) {
    for (const { delivery } of filed) lines.set(delivery.id, { why: unwritten(messageOf(thrown)) })
  }
  return lines
}

const unwritten = (why: string): Reason => ({ code: 'unwritten', why })

/** A file ends with a line end, so that its lines can be counted. */
const contentOf = (text: string) => (text.endsWith('\n') ? text : `${text}\n`)

function factsOf(content: string): FileFacts {
  const lines = content.split('\n').slice(0, -1)
  const sha256 = createHash('sha256').update(content).digest('hex')
  return { sha256, lines: lines.length, longest: lines.reduce((most, { length }) => Math.max(most, length), 0) }
}
