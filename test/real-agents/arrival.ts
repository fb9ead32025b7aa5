/** Checks whether a text reached the model, in the requests themselves or in a file that they name. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ModelServer } from './model.ts'

const naming =
  /^\[burn \w{13}\] Read (?:the 1 line|all (\d+) lines) of (\S+) \(sha256 ([0-9a-f]{16})(?:; lines are long: use cat)?\) and do what it says\.$/

/** A text, and the worker that it is for. */
export interface Wanted {
  readonly id: string
  readonly text: string
  /** The directory of its worker, and those of all others. */
  readonly dir: string
  readonly others: readonly string[]
}

/**
 * Returns how a text that reached the model differs from the one that was sent; null if it is right. It must be on one line, or in a file
 * that one line names. It must not arrive twice. No request may contain the directory of another worker, which agents tell their model.
 */
export function wrongWith(asked: ModelServer['asked'], { id, text, dir, others }: Wanted): string | null {
  const tag = `[burn ${id}]`
  const requests = asked.filter(({ body }) => body.includes(tag))
  const prompts = requests.map(({ texts }) => texts.flatMap((each) => each.split('\n')).filter((line) => line.includes(tag)))
  if (prompts.some(({ length }) => length > 1)) return 'it reached the model twice'
  const stray = others.find((other) => requests.some(({ body }) => body.includes(other)))
  if (stray !== undefined) return `it reached the agent in ${stray}`
  const seen = new Set(prompts.flat().map((line) => line.trim()))
  if (seen.has(`${tag} ${text}`)) return null
  const [, count = '1', path = '', hash] = [...seen].map((line) => naming.exec(line)).find((found) => found !== null) ?? []
  if (path === '') return `the model received ${JSON.stringify([...seen])}`
  const content = readFileSync(resolve(dir, path), 'utf8')
  if (content.trimEnd() !== text.trimEnd()) return `${path} contains another text`
  const same =
    createHash('sha256').update(content).digest('hex').startsWith(String(hash)) && content.split('\n').length - 1 === Number(count)
  return same ? null : `the model received another hash or length than that of ${path}`
}
