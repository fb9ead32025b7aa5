/** Searches a workspace with grep inside the sandbox, so that a slow pattern of a model cannot block burn itself. */
import { lstat } from 'node:fs/promises'
import { ifCode } from '../core/errors.ts'
import { shellWords } from '../host/quote.ts'
import type { CommandResult } from './command.ts'
import type { Sandbox } from './open.ts'
import { inFolder, partsOf, ToolError, pathErrorCodes, throwPathError } from './paths.ts'

const maxLines = 200
const maxLineChars = 300
const timeout_ms = 30_000

export interface Search {
  readonly pattern: string
  readonly path: string
  readonly literal: boolean
  readonly ignore_case: boolean
}

/** Returns the matching lines as `path:line:text`. Throws ToolError if the search fails. */
export async function search(sandbox: Sandbox, request: Search, stop: AbortSignal): Promise<string> {
  if (request.pattern === '' || /[\0\n]/.test(request.pattern)) throw new ToolError('the pattern must be one line, and not empty')
  const parts = partsOf(sandbox.dir, request.path)
  await inFolder(sandbox.dir, parts, { create: false }, async (folder, name) => {
    const target = folder.at(name)
    const stat = await lstat(target).catch(ifCode(pathErrorCodes, null))
    if (stat?.isFile() !== true && stat?.isDirectory() !== true) await throwPathError(target, sandbox.dir, parts, 'file')
  })
  return resultText(await sandbox.run(searchCommand(request, parts), { stop, timeout: timeout_ms }))
}

/**
 * Returns the shell command of a search. `git grep` skips ignored files. Outside a git repository, grep skips only `.git` and
 * `node_modules`.
 */
export function searchCommand({ pattern, literal, ignore_case }: Omit<Search, 'path'>, parts: readonly string[]): string {
  const path = `./${parts.join('/')}`
  const flags = [literal ? '-F' : '-E', ...(ignore_case ? ['-i'] : []), '-e', pattern]
  const git = ['git', '-c', 'core.fsmonitor=false', 'grep', '-nI', '--no-color', '--untracked', ...flags, '--', `:(literal)${path}`]
  const grep = ['grep', '-rnHI', '-D', 'skip', '--exclude-dir=.git', '--exclude=.git', '--exclude-dir=node_modules', ...flags, '--', path]
  return `if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then ${shellWords(git)}; else ${shellWords(grep)}; fi`
}

/** Returns the text of the search's result for the model. grep exits with 1 if nothing matches. */
function resultText({ code, output, stopped, notes }: CommandResult): string {
  if (stopped === 'timeout')
    throw new ToolError(`the search took longer than ${timeout_ms / 1000} s: use a simpler pattern, or search a smaller folder`)
  if (stopped === 'stop') throw new ToolError('stopped')
  if (code === 1 && output === '') return 'nothing matches'
  if (code !== 0 && stopped === null && !/^\S+:\d+:/.test(output))
    throw new ToolError([`the search failed: ${output.trim()}`, ...notes].join('\n'))
  const lines = output.trimEnd().split('\n')
  const shownLines = lines
    .slice(0, maxLines)
    .map((line) => line.replace(/^\.\//, ''))
    .map((line) => (line.length > maxLineChars ? `${line.slice(0, maxLineChars)}…` : line))
  return [
    ...shownLines,
    ...(lines.length > maxLines ? [`[more than ${maxLines} lines match: use a narrower pattern, or a path]`] : []),
  ].join('\n')
}
