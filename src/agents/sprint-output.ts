/**
 * Functions that the readers of several agents' command-line output share. Output and exit code together decide how a run ended, because
 * neither is reliable alone.
 */
import { stripVTControlCharacters } from 'node:util'
import type { AgentEnd } from '../core/agent.ts'
import type { TranscriptEntry, BackendError } from '../core/sprint.ts'
import { membersOf, parseJson, type JsonObject } from '../core/json.ts'

/** Adds an entry to the transcript of a sprint. */
export type Note = (note: TranscriptEntry) => void

/** The fields of an answer whose program reports no session, model or usage. */
export const bareAnswer = { session: null, model: null, turns: 1, usage: null }
const maxText = 8 * 1024 * 1024
/** The maximum number of characters of a tool's output that burn stores in the transcript. */
export const maxNotedOutput = 4_000

/** Returns the failure that the agent's own message describes. */
export function symptomWith(message: string, code: string | null = null): BackendError {
  return { status: null, code, message }
}

/**
 * Returns the failure that the exit code, the output or an empty answer shows; null if there is none. The reason is an error on stderr. If
 * stderr has none, the reason is the end of `text`, because some programs print errors to stdout and warnings to stderr.
 */
export function failureIn({ code, stderr }: AgentEnd, text: string): BackendError | null {
  if (code === 127 && text === '') return symptomWith(stderr.trim() || 'command not found', 'ENOENT')
  const { errors, rest } = complaints(stderr)
  if (code !== 0) {
    const how = code === null ? 'a signal ended the agent' : `the agent ended with exit code ${code}`
    return symptomWith(`${how}: ${errors || text.trim().slice(-500) || rest || 'no error was printed'}`)
  }
  if (text.trim() !== '') return null
  const reason = errors || rest
  return symptomWith(reason || 'it answered nothing', reason === '' ? 'empty' : null)
}

/** A row in which a program warns, such as `⚠ tirith: not installed` or `Warning: …`. */
const warning = /^\s*(?:⚠|\[?warn(?:ing)?\b)/iu

/** Returns the lines of stderr that report an error, and the other lines except for warnings: at most the last three of each. */
function complaints(stderr: string): { readonly errors: string; readonly rest: string } {
  const lines = stripVTControlCharacters(stderr)
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('session_id:') && !warning.test(line))
  const isError = (line: string) => /error|fail|denied|invalid|not found|limit/i.test(line)
  const join = (some: readonly string[]) => some.slice(-3).join(' ')
  return { errors: join(lines.filter(isError)), rest: join(lines.filter((line) => !isError(line))) }
}

/** Returns a printed answer without colours, and without the warnings that the program printed before the answer. */
export function withoutWarnings(printed: string): string {
  const lines = stripVTControlCharacters(printed).trim().split('\n')
  const first = lines.findIndex((line) => line.trim() !== '' && !warning.test(line))
  return lines.slice(first < 0 ? lines.length : first).join('\n')
}

/** Collects printed lines, up to 8 MiB. */
export function collectLines(): { line(text: string): void; text(): string } {
  const lines: string[] = []
  let size = 0
  return {
    line(text) {
      size += text.length + 1
      if (size <= maxText) lines.push(text)
    },
    text: () => lines.join('\n'),
  }
}

/** Adds the agent's answer to the transcript, and returns the answer. */
export function noteAnswer(text: string, model: string | null, note: Note): string {
  if (text !== '') note({ kind: 'said', by: 'model', text, model, usage: null })
  return text
}

/** Returns the JSON object on a line; an empty object for any other line, because agents print notices between their events. */
export function parseEvent(line: string): JsonObject {
  return line.startsWith('{') ? membersOf(parseJson(line)?.value) : {}
}

/** Returns the flag with its value; nothing if there is no value. */
export function flagArgs(flag: string, value: string | null): readonly string[] {
  return value === null ? [] : [flag, value]
}
