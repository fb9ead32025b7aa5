/** What the agents' readers of command-line output share. How a run ended is judged by its output and its exit code together: neither is to be trusted alone. */
import type { AgentEnd } from '../core/agent.ts'
import type { TranscriptEntry, BackendError } from '../core/sprint.ts'
import { membersOf, parseJson, type JsonObject } from '../core/json.ts'

export type Note = (note: TranscriptEntry) => void

/** What a program says of itself that prints nothing but its answer. */
export const bareAnswer = { session: null, model: null, turns: 1, usage: null }
const mostText = 8 * 1024 * 1024
/** Characters of a tool's output that are noted. */
export const mostShown = 4_000

/** A failure in the agent's own words. */
export function symptomWith(message: string, code: string | null = null): BackendError {
  return { status: null, code, message }
}

/** The failure that the exit code, stderr or an empty answer tells; null if there is none. */
export function failureIn({ code, stderr }: AgentEnd, text: string): BackendError | null {
  if (code === 127 && text === '') return symptomWith(stderr.trim() || 'command not found', 'ENOENT')
  if (code !== 0) {
    const how = code === null ? 'a signal ended it' : `it ended with exit code ${code}`
    return symptomWith(`${how}: ${complaint(stderr) || text.trim().slice(-500) || 'it said nothing'}`)
  }
  return text.trim() === '' ? symptomWith(complaint(stderr) || 'it answered nothing', complaint(stderr) === '' ? 'empty' : null) : null
}

/** Lines of stderr that complain; else its last ones. */
function complaint(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('session_id:'))
  const loud = lines.filter((line) => /error|fail|denied|invalid|not found|limit/i.test(line))
  return (loud.length > 0 ? loud : lines).slice(-3).join(' ')
}

/** Collects printed lines, up to 8 MiB. */
export function collectLines(): { line(text: string): void; text(): string } {
  const lines: string[] = []
  let size = 0
  return {
    line(text) {
      size += text.length + 1
      if (size <= mostText) lines.push(text)
    },
    text: () => lines.join('\n'),
  }
}

/** Notes the agent's answer, and returns it. */
export function noteAnswer(text: string, model: string | null, note: Note): string {
  if (text !== '') note({ kind: 'said', by: 'model', text, model, usage: null })
  return text
}

/** The object on a line of JSON; empty for any other line, because agents print notices in between. */
export function eventIn(line: string): JsonObject {
  return line.startsWith('{') ? membersOf(parseJson(line)?.value) : {}
}

/** The flag with its value; nothing if there is no value. */
export function flagged(flag: string, value: string | null): readonly string[] {
  return value === null ? [] : [flag, value]
}
