/** The tools that a model can use in a workspace. */
import { BurnError, messageWithHint } from '../core/errors.ts'
import type { Tool, ToolResult } from '../core/sprint.ts'
import { argumentsOf, parametersOf, type ArgumentFields, type ArgumentValues } from './arguments.ts'
import { applyEdit } from './edit.ts'
import { readRange, readWhole, writeFileAtomically } from './files.ts'
import type { Sandbox } from './open.ts'
import { ToolError, displayPath } from './paths.ts'
import { search } from './search.ts'

/** The number of lines that read_file shows by default. */
const defaultLines = 400

const path = { type: 'string', description: 'The path of a file, relative to the workspace. The tool follows no symbolic links.' } as const

/** Returns the tools of a workspace. They access no file outside the workspace, and they report errors to the model. */
export function workspaceTools(sandbox: Sandbox): Tool[] {
  return [runTool(sandbox), readTool(sandbox), writeTool(sandbox), editTool(sandbox), searchTool(sandbox)]
}

function runTool(sandbox: Sandbox): Tool {
  const seconds = Math.floor(sandbox.timeout / 1000)
  return toolOf(
    'run_command',
    `Runs a shell command in the workspace, waits until it ends, and kills its background processes. The timeout is ${seconds} s. If the output is too long, the tool leaves out its middle.`,
    {
      command: {
        type: 'string',
        description: 'The command for bash, or for sh if bash is not installed. The command has no input and no terminal.',
      },
      timeout: { type: 'integer', description: `The timeout in seconds, at most ${seconds}.`, optional: true, minimum: 1 },
    },
    async ({ command, timeout }, stop) => {
      const timeoutOption = timeout === null ? {} : { timeout: timeout * 1000 }
      const { code, signal, output, stopped, notes } = await sandbox.run(command, { stop, ...timeoutOption })
      const ending = stopped === null && code !== null ? `exit code ${code}` : `ended by ${signal ?? 'the sandbox'}`
      const end = [...notes, ending].map((line) => `[${line}]`).join('\n')
      return { ok: code === 0, text: output === '' ? end : `${output.replace(/\n$/, '')}\n${end}` }
    },
  )
}

function readTool({ dir }: Sandbox): Tool {
  return toolOf(
    'read_file',
    'Shows a text file, or a range of its lines, with line numbers.',
    {
      path,
      from_line: { type: 'integer', description: 'The number of the first line to show, counted from 1.', optional: true, minimum: 1 },
      lines: { type: 'integer', description: `The number of lines to show; the default is ${defaultLines}.`, optional: true, minimum: 1 },
      from_byte: {
        type: 'integer',
        description: 'The number of the first byte to show. Use it instead of from_line for files with very long lines.',
        optional: true,
        minimum: 0,
      },
    },
    async (given, stop) => {
      const range = { from_line: given.from_line ?? 1, lines: given.lines ?? defaultLines, from_byte: given.from_byte }
      return { ok: true, text: await readRange(dir, given.path, range, stop) }
    },
  )
}

function writeTool({ dir }: Sandbox): Tool {
  return toolOf(
    'write_file',
    'Writes a whole text file, and creates missing folders. To change a part of a file, use edit_file.',
    { path, content: { type: 'string', description: 'The new content of the file.' } },
    async ({ path, content }) => {
      const { created } = await writeFileAtomically(dir, path, content)
      return { ok: true, text: `${created ? 'created' : 'replaced'} ${displayPath(path)} (${Buffer.byteLength(content)} bytes)` }
    },
  )
}

function editTool({ dir }: Sandbox): Tool {
  return toolOf(
    'edit_file',
    'Replaces a text in a file. The old text must match exactly, and must occur only once, unless "all" is set.',
    {
      path,
      old: { type: 'string', description: 'The text to replace, without line numbers.' },
      new: { type: 'string', description: 'The new text.' },
      all: { type: 'boolean', description: 'Replace every match.', optional: true },
    },
    async (given) => {
      const change = { old: given.old, new: given.new, all: given.all ?? false }
      const { text, count } = applyEdit(await readWhole(dir, given.path), change)
      await writeFileAtomically(dir, given.path, text)
      return { ok: true, text: `replaced ${count === 1 ? '1 match' : `${count} matches`} in ${displayPath(given.path)}` }
    },
  )
}

function searchTool(sandbox: Sandbox): Tool {
  return toolOf(
    'search',
    'Finds lines that match a pattern, in the text files of the workspace that git does not ignore.',
    {
      pattern: { type: 'string', description: 'An extended regular expression for grep -E: [0-9], not \\d.' },
      path: { type: 'string', description: 'The file or folder to search; the default is the whole workspace.', optional: true },
      literal: { type: 'boolean', description: 'Search for the pattern as plain text, not as a regular expression.', optional: true },
      ignore_case: { type: 'boolean', description: 'Ignore the difference between upper and lower case.', optional: true },
    },
    async ({ pattern, path, literal, ignore_case }, stop) => {
      const request = { pattern, path: path ?? '.', literal: literal ?? false, ignore_case: ignore_case ?? false }
      return { ok: true, text: await search(sandbox, request, stop) }
    },
  )
}

function toolOf<const F extends ArgumentFields>(
  name: string,
  description: string,
  fields: F,
  handler: (given: ArgumentValues<F>, stop: AbortSignal) => Promise<ToolResult>,
): Tool {
  const run = async (args: unknown, stop: AbortSignal): Promise<ToolResult> => {
    try {
      return await handler(argumentsOf(fields, args), stop)
    } catch (thrown) {
      if (thrown instanceof ToolError || thrown instanceof BurnError) return { ok: false, text: messageWithHint(thrown) }
      throw thrown
    }
  }
  return { name, description, parameters: parametersOf(fields), run }
}
