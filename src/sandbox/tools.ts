/** What a model may do in a workspace, as tools that it can call. */
import { BurnError, messageWithHint } from '../core/errors.ts'
import type { Tool, ToolResult } from '../core/sprint.ts'
import { argumentsOf, parametersOf, type ArgumentFields, type Given } from './arguments.ts'
import { edited } from './edit.ts'
import { readRange, readWhole, writeFileAtomically } from './files.ts'
import type { Sandbox } from './open.ts'
import { ToolError, shown } from './paths.ts'
import { search } from './search.ts'

/** Lines that a reading shows when none are asked for. */
const LINES = 400

const path = { type: 'string', description: 'Of a file, relative to the workspace. Symbolic links are not followed.' } as const

/** The tools of a workspace. None of them leaves it; what can't be done is said to the model. */
export function workspaceTools(sandbox: Sandbox): Tool[] {
  return [runTool(sandbox), readTool(sandbox), writeTool(sandbox), editTool(sandbox), searchTool(sandbox)]
}

function runTool(sandbox: Sandbox): Tool {
  const seconds = Math.floor(sandbox.timeout / 1000)
  return toolOf(
    'run_command',
    `Runs a shell command in the workspace and waits for its end; everything it started ends with it. At most ${seconds} s. Output in the middle is left out when there is too much.`,
    {
      command: { type: 'string', description: 'For bash where there is one, else sh. No input, no terminal.' },
      timeout: { type: 'integer', description: `Seconds; at most ${seconds}.`, optional: true, least: 1 },
    },
    async ({ command, timeout }, stop) => {
      const asked = timeout === null ? {} : { timeout: timeout * 1000 }
      const { code, signal, output, stopped, notes } = await sandbox.run(command, { stop, ...asked })
      const how = stopped === null && code !== null ? `exit code ${code}` : `ended by ${signal ?? 'the sandbox'}`
      const end = [...notes, how].map((line) => `[${line}]`).join('\n')
      return { ok: code === 0, text: output === '' ? end : `${output.replace(/\n$/, '')}\n${end}` }
    },
  )
}

function readTool({ dir }: Sandbox): Tool {
  return toolOf(
    'read_file',
    'Shows a text file, or a range of it, with line numbers.',
    {
      path,
      from_line: { type: 'integer', description: 'The first line, from 1.', optional: true, least: 1 },
      lines: { type: 'integer', description: `How many lines; ${LINES} when not given.`, optional: true, least: 1 },
      from_byte: { type: 'integer', description: 'In place of lines, for a file of very long ones.', optional: true, least: 0 },
    },
    async (given, stop) => {
      const range = { from_line: given.from_line ?? 1, lines: given.lines ?? LINES, from_byte: given.from_byte }
      return { ok: true, text: await readRange(dir, given.path, range, stop) }
    },
  )
}

function writeTool({ dir }: Sandbox): Tool {
  return toolOf(
    'write_file',
    'Writes a whole text file, and makes the folders it is in. To change a file, use edit_file.',
    { path, content: { type: 'string', description: 'All that the file is to have.' } },
    async ({ path, content }) => {
      const { made } = await writeFileAtomically(dir, path, content)
      return { ok: true, text: `${made ? 'made' : 'replaced'} ${shown(path)} (${Buffer.byteLength(content)} bytes)` }
    },
  )
}

function editTool({ dir }: Sandbox): Tool {
  return toolOf(
    'edit_file',
    'Replaces a text in a file. The old text must be exactly what the file has, and occur once.',
    {
      path,
      old: { type: 'string', description: 'The text to be replaced, without line numbers.' },
      new: { type: 'string', description: 'What comes in its place.' },
      all: { type: 'boolean', description: 'Replace it wherever it occurs.', optional: true },
    },
    async (given) => {
      const change = { old: given.old, new: given.new, all: given.all ?? false }
      const { text, places } = edited(await readWhole(dir, given.path), change)
      await writeFileAtomically(dir, given.path, text)
      return { ok: true, text: `replaced ${places === 1 ? 'one place' : `${places} places`} in ${shown(given.path)}` }
    },
  )
}

function searchTool(sandbox: Sandbox): Tool {
  return toolOf(
    'search',
    'Finds lines in the text files of the workspace that git does not ignore.',
    {
      pattern: { type: 'string', description: 'An extended regular expression, as grep -E has it: [0-9], not \\d.' },
      path: { type: 'string', description: 'A file or folder to search in; all of the workspace when not given.', optional: true },
      literal: { type: 'boolean', description: 'The pattern is a plain text.', optional: true },
      ignore_case: { type: 'boolean', description: 'Upper and lower case are the same.', optional: true },
    },
    async ({ pattern, path, literal, ignore_case }, stop) => {
      const wanted = { pattern, path: path ?? '.', literal: literal ?? false, ignore_case: ignore_case ?? false }
      return { ok: true, text: await search(sandbox, wanted, stop) }
    },
  )
}

function toolOf<const F extends ArgumentFields>(
  name: string,
  description: string,
  fields: F,
  use: (given: Given<F>, stop: AbortSignal) => Promise<ToolResult>,
): Tool {
  const run = async (args: unknown, stop: AbortSignal): Promise<ToolResult> => {
    try {
      return await use(argumentsOf(fields, args), stop)
    } catch (thrown) {
      if (thrown instanceof ToolError || thrown instanceof BurnError) return { ok: false, text: messageWithHint(thrown) }
      throw thrown
    }
  }
  return { name, description, parameters: parametersOf(fields), run }
}
