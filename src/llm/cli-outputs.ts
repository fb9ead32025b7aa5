/** What agents print, each read in its own way. How one ended is judged by its output and its exit code together: neither is to be trusted alone. */
import type { SprintNote } from '../core/sprint.ts'
import type { AgentEnd } from './agent-process.ts'
import type { Spent } from './bounds.ts'
import { bounded, countOf, membersOf, itemsOf, parsed, stringOf, type Fields } from './json.ts'
import type { Symptom } from './trouble.ts'

export interface CliSaid {
  readonly text: string
  /** With which it can be asked to go on; null where it told of none. */
  readonly session: string | null
  readonly model: string | null
  readonly turns: number
  /** Null where it does not say. */
  readonly usage: Spent | null
  readonly symptom: Symptom | null
}

/** Reads one run of an agent. */
export interface Reader {
  line(text: string): void
  end(end: AgentEnd): CliSaid
}

type Note = (note: SprintNote) => void

const nothing = { session: null, model: null, turns: 1, usage: null }
const mostText = 8 * 1024 * 1024
const mostShown = 4_000

function symptom(message: string, code: string | null = null): Symptom {
  return { status: null, code, message }
}

/** What is wrong where the output itself says nothing of it. */
function judged({ code, stderr }: AgentEnd, text: string): Symptom | null {
  if (code === 127 && text === '') return symptom(stderr.trim() || 'command not found', 'ENOENT')
  if (code !== 0) {
    const how = code === null ? 'a signal ended it' : `it ended with exit code ${code}`
    return symptom(`${how}: ${complaint(stderr) || text.trim().slice(-500) || 'it said nothing'}`)
  }
  return text.trim() === '' ? symptom(complaint(stderr) || 'it answered nothing', complaint(stderr) === '' ? 'empty' : null) : null
}

/** Lines of stderr that complain; else its last ones. */
function complaint(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('session_id:'))
  const loud = lines.filter((line) => /error|fail|denied|invalid|not found|limit/i.test(line))
  return (loud.length > 0 ? loud : lines).slice(-3).join(' ')
}

/** Keeps what is printed, as far as anybody would read it. */
function gathering(): { line(text: string): void; text(): string } {
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

/** Any program: its stdout is the answer. */
export function readPlain(note: Note): Reader {
  const out = gathering()
  return {
    line: out.line,
    end(end) {
      const text = out.text().trim()
      return { ...nothing, text: told(text, null, note), symptom: judged(end, text) }
    },
  }
}

function told(text: string, model: string | null, note: Note): string {
  if (text !== '') note({ kind: 'said', by: 'model', text, model, usage: null })
  return text
}

/** `hermes chat -Q`: the answer on stdout, `session_id: …` on stderr (before 0.19 on stdout). A failed request may be the answer, with exit code 0. */
export function readHermes(note: Note): Reader {
  const out = gathering()
  return {
    line: out.line,
    end(end) {
      const printed = out.text()
      const session = /^session_id:\s*(\S+)/m.exec(`${end.stderr}\n${printed}`)?.[1] ?? null
      const text = printed.replace(/^session_id:.*$/m, '').trim()
      const failed = /^(?:❌|⛔|⚠️?\s*API|Error:|API call failed)|Non-retryable client error|API call failed after \d+ retries/.test(text)
      return {
        ...nothing,
        session,
        text: failed ? text : told(text, null, note),
        symptom: failed ? symptom(text.slice(0, 500)) : judged(end, text),
      }
    },
  }
}

/** `claude -p --output-format json`: one object (or a list that ends with it) with `result`, `is_error`, `subtype`, `session_id`, `num_turns`, `usage`, `total_cost_usd`. */
export function readClaude(note: Note): Reader {
  const out = gathering()
  return {
    line: out.line,
    end(end) {
      const printed = out.text().trim()
      const value = parsed(printed)?.value ?? parsed(printed.split('\n').at(-1) ?? '')?.value
      const result = membersOf(Array.isArray(value) ? value.at(-1) : value)
      if (result['type'] !== 'result')
        return { ...nothing, text: '', symptom: judged(end, printed) ?? symptom(`it printed no result: ${printed.slice(0, 300)}`) }
      const usage = membersOf(result['usage'])
      const tokens_in = ['input_tokens', 'cache_creation_input_tokens', 'cache_read_input_tokens'].reduce(
        (sum, name) => sum + (countOf(usage[name]) ?? 0),
        0,
      )
      const text = stringOf(result['result']) ?? ''
      const subtype = stringOf(result['subtype']) ?? 'success'
      const failed = result['is_error'] === true || subtype !== 'success'
      const errors = itemsOf(result['errors']).flatMap((each) => stringOf(each) ?? [])
      const model = Object.keys(membersOf(result['modelUsage']))[0] ?? null
      return {
        text: failed ? text : told(text, model, note),
        session: stringOf(result['session_id']),
        model,
        turns: countOf(result['num_turns']) ?? 1,
        usage: { tokens_in, tokens_out: countOf(usage['output_tokens']) ?? 0, cost: countOf(result['total_cost_usd']) },
        symptom: failed ? symptom(text || errors.join(' ') || subtype, subtype === 'success' ? null : subtype) : judged(end, text),
      }
    },
  }
}

/** A line of JSON, or nothing where it is none: agents print notices between. */
function eventIn(line: string): Fields {
  return line.startsWith('{') ? membersOf(parsed(line)?.value) : {}
}

/** `codex exec --json`: `thread.started`, `item.completed`, `turn.completed` with the `usage` of its session so far, `turn.failed`, `error`, a line each. */
export function readCodex(note: Note): Reader {
  let text = ''
  let session: string | null = null
  let turns = 0
  let usage: Spent | null = null
  let failed: string | null = null
  let complained: string | null = null
  return {
    line(line) {
      const event = eventIn(line)
      const item = membersOf(event['item'])
      if (event['type'] === 'thread.started') session = stringOf(event['thread_id'])
      if (event['type'] === 'error') complained = stringOf(event['message'])
      if (event['type'] === 'turn.failed') failed = stringOf(membersOf(event['error'])['message']) ?? complained ?? 'its turn failed'
      if (event['type'] === 'turn.completed') {
        const used = membersOf(event['usage'])
        usage = { tokens_in: countOf(used['input_tokens']) ?? 0, tokens_out: countOf(used['output_tokens']) ?? 0, cost: null }
        // What it complained of before was overcome: it connects anew by itself.
        complained = null
      }
      if (event['type'] !== 'item.completed') return
      if (item['type'] === 'agent_message') {
        turns++
        text = told(stringOf(item['text']) ?? '', null, note)
      }
      if (item['type'] === 'command_execution') {
        turns++
        const ok = item['exit_code'] === 0
        note({
          kind: 'call',
          tool: 'command',
          args: { command: item['command'] ?? null },
          ok,
          text: bounded(stringOf(item['aggregated_output']) ?? '', mostShown),
          ms: 0,
        })
      }
      if (item['type'] === 'file_change')
        note({ kind: 'call', tool: 'edit', args: { changes: item['changes'] ?? null }, ok: item['status'] !== 'failed', text: '', ms: 0 })
    },
    end(end) {
      const trouble = failed ?? (text === '' ? complained : null)
      return {
        text,
        session,
        model: null,
        turns: Math.max(1, turns),
        usage,
        symptom: trouble === null ? judged(end, text) : symptom(trouble),
      }
    },
  }
}

/** `opencode run --format json`: `text`, `tool_use`, `step_finish` with tokens and cost, and `error`, a line each. */
export function readOpencode(note: Note): Reader {
  let text = ''
  let session: string | null = null
  let turns = 0
  let usage: Spent | null = null
  let failed: Symptom | null = null
  return {
    line(line) {
      const event = eventIn(line)
      const part = membersOf(event['part'])
      session = stringOf(event['sessionID']) ?? session
      if (event['type'] === 'text') text = told(stringOf(part['text']) ?? '', null, note) || text
      if (event['type'] === 'error') {
        const error = membersOf(event['error'])
        const data = membersOf(error['data'])
        const message = stringOf(data['message']) ?? stringOf(error['message']) ?? stringOf(error['name']) ?? 'it failed'
        failed = { status: countOf(data['statusCode']), code: stringOf(error['name']), message }
      }
      if (event['type'] === 'tool_use') {
        const state = membersOf(part['state'])
        const output = stringOf(state['output']) ?? stringOf(state['error']) ?? ''
        const ok = state['status'] !== 'error'
        note({
          kind: 'call',
          tool: stringOf(part['tool']) ?? 'tool',
          args: state['input'] ?? null,
          ok,
          text: bounded(output, mostShown),
          ms: 0,
        })
      }
      if (event['type'] !== 'step_finish') return
      turns++
      const tokens = membersOf(part['tokens'])
      const cache = membersOf(tokens['cache'])
      const cost = countOf(part['cost'])
      usage = {
        tokens_in:
          (usage?.tokens_in ?? 0) + (countOf(tokens['input']) ?? 0) + (countOf(cache['read']) ?? 0) + (countOf(cache['write']) ?? 0),
        tokens_out: (usage?.tokens_out ?? 0) + (countOf(tokens['output']) ?? 0) + (countOf(tokens['reasoning']) ?? 0),
        cost: cost === null ? (usage?.cost ?? null) : (usage?.cost ?? 0) + cost,
      }
    },
    end: (end) => ({ text, session, model: null, turns: Math.max(1, turns), usage, symptom: failed ?? judged(end, text) }),
  }
}
