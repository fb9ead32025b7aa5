/** Search in a workspace: by grep, behind the walls, so that no pattern of a model keeps this process busy. */
import { lstat } from 'node:fs/promises'
import { ifCode } from '../core/errors.ts'
import { shellWords } from '../host/quote.ts'
import type { CommandResult } from './command.ts'
import type { Sandbox } from './open.ts'
import { inFolder, partsOf, ToolError, refusedPath, refuseWhat } from './paths.ts'

const LINES = 200
const LINE = 300
const SEARCH_MS = 30_000

export interface Search {
  readonly pattern: string
  readonly path: string
  readonly literal: boolean
  readonly ignore_case: boolean
}

/** The lines that match, as `path:line:text`. Throws Refusal. */
export async function search(sandbox: Sandbox, wanted: Search, stop: AbortSignal): Promise<string> {
  if (wanted.pattern === '' || /[\0\n]/.test(wanted.pattern)) throw new ToolError('the pattern must be one line, and not empty')
  const parts = partsOf(sandbox.dir, wanted.path)
  await inFolder(sandbox.dir, parts, { make: false }, async (folder, name) => {
    const place = folder.at(name)
    const stat = await lstat(place).catch(ifCode(refusedPath, null))
    if (stat?.isFile() !== true && stat?.isDirectory() !== true) await refuseWhat(place, sandbox.dir, parts, 'file')
  })
  return found(await sandbox.run(searchCommand(wanted, parts), { stop, timeout: SEARCH_MS }))
}

/** `git grep` leaves out what git ignores; where git can't, grep leaves out only the largest of it. */
export function searchCommand({ pattern, literal, ignore_case }: Omit<Search, 'path'>, parts: readonly string[]): string {
  const path = `./${parts.join('/')}`
  const how = [literal ? '-F' : '-E', ...(ignore_case ? ['-i'] : []), '-e', pattern]
  const git = ['git', '-c', 'core.fsmonitor=false', 'grep', '-nI', '--no-color', '--untracked', ...how, '--', `:(literal)${path}`]
  const plain = ['grep', '-rnHI', '-D', 'skip', '--exclude-dir=.git', '--exclude=.git', '--exclude-dir=node_modules', ...how, '--', path]
  return `if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then ${shellWords(git)}; else ${shellWords(plain)}; fi`
}

/** Grep ends with 1 where nothing matched. */
function found({ code, output, stopped, notes }: CommandResult): string {
  if (stopped === 'timeout') throw new ToolError(`the search took longer than ${SEARCH_MS / 1000} s: use a simpler pattern, or a path`)
  if (stopped === 'stop') throw new ToolError('stopped')
  if (code === 1 && output === '') return 'nothing matches'
  if (code !== 0 && stopped === null && !/^\S+:\d+:/.test(output))
    throw new ToolError([`the search failed: ${output.trim()}`, ...notes].join('\n'))
  const lines = output.trimEnd().split('\n')
  const cut = lines
    .slice(0, LINES)
    .map((line) => line.replace(/^\.\//, ''))
    .map((line) => (line.length > LINE ? `${line.slice(0, LINE)}…` : line))
  return [...cut, ...(lines.length > LINES ? [`[more match than the first ${LINES}: use a narrower pattern, or a path]`] : [])].join('\n')
}
