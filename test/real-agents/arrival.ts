/** Whether a text reached the model: it is in the requests itself, or in a file that they name. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ModelServer } from './model.ts'

const naming =
  /^\[burn \w{13}\] Read (?:the 1 line|all (\d+) lines) of (\S+) \(sha256 ([0-9a-f]{16})(?:; lines are long: use cat)?\) and do what it says\.$/

/** How what reached the model differs from a text: it must be there in one line, itself or the name of a file that holds it, and never twice. */
export function wrongWith(asked: ModelServer['asked'], id: string, text: string, dir: string): string | null {
  const requests = asked.map(({ texts: all }) => all.flatMap((each) => each.split('\n')).filter((line) => line.includes(`[burn ${id}]`)))
  if (requests.some(({ length }) => length > 1)) return 'it reached the model twice'
  const seen = new Set(requests.flat().map((line) => line.trim()))
  if (seen.has(`[burn ${id}] ${text}`)) return null
  const [, count = '1', path = '', hash] = [...seen].map((line) => naming.exec(line)).find((found) => found !== null) ?? []
  if (path === '') return `the model was told ${JSON.stringify([...seen])}`
  const content = readFileSync(resolve(dir, path), 'utf8')
  if (content.trimEnd() !== text.trimEnd()) return `${path} holds another text`
  const same =
    createHash('sha256').update(content).digest('hex').startsWith(String(hash)) && content.split('\n').length - 1 === Number(count)
  return same ? null : `the model was told another hash or length than that of ${path}`
}
