/** Formats sprints as lines: a table of results, and progress while they run. */
import type { Sprint, TranscriptEntry, SprintStage } from '../core/sprint.ts'
import type { SprintUpdate } from '../sprint/context.ts'
import type { Io } from './io.ts'
import { counted, oneLine } from '../core/text.ts'
import { minuteOf } from '../decide/report-lines.ts'
import { duration, listTable } from './table.ts'
import { fit } from './wrap.ts'

const colours = { change: 'green', kept: 'yellow', failed: 'red', given_back: 'yellow' } as const

/** Returns a table of sprints. `now` (ms): the time up to which the duration of a running sprint is counted. */
export function sprintTable(rows: readonly Sprint[], io: Io, now?: number): string[] {
  const lines = rows.map((row) => [
    row.id,
    row.issue,
    minuteOf(row.started_at),
    row.outcome === null ? row.stage : io.paint(colours[row.outcome], row.failure ?? row.outcome),
    duration((row.ended_at ?? now ?? row.started_at) - row.started_at),
    row.model ?? row.backend ?? '',
    String(row.tokens_in + row.tokens_out),
    row.cost === null ? '' : row.cost.toFixed(4),
    row.change_url ?? oneLine(row.failure_text ?? '', 500),
  ])
  const head = ['SPRINT', 'ISSUE', 'BEGAN', 'END', 'TOOK', 'MODEL', 'TOKENS', 'USD', 'CHANGE OR WHY']
  return listTable(head, lines, io, ['USD', 'TOKENS', 'MODEL', 'SPRINT', 'TOOK', 'BEGAN', 'CHANGE OR WHY'])
}

/** Returns the line that `burn worker loop` prints when a sprint has ended. */
export function endLine({ issue, outcome, failure, failure_text, change_url, started_at, ended_at }: Sprint, io: Io): string {
  const end = io.paint(colours[outcome ?? 'failed'], failure ?? outcome ?? '')
  return `${io.paint('bold', issue)}  ${end} in ${duration((ended_at ?? started_at) - started_at)}  ${change_url ?? oneLine(failure_text ?? '', 500)}`
}

/** Returns a function that prints updates of sprints to standard error; it prints nothing if `io` is null. */
export function progressOf(io: Io | null): (news: SprintUpdate) => void {
  let widest = 0
  return ({ issue, stage, note }) => {
    const line = note === null ? stageLine(stage) : noteLine(note)
    if (io === null || line === null) return
    widest = Math.max(widest, issue.length)
    const room = io.tty ? Math.max(20, io.size().width - widest - 2) : Infinity
    const text = fit(line.text, room)
    io.err(`${io.paint('bold', issue.padEnd(widest))}  ${line.style === null ? text : io.paint(line.style, text)}`)
  }
}

interface StyledLine {
  readonly text: string
  readonly style: Parameters<Io['paint']>[0] | null
}

/** Returns the progress line for a stage of a sprint. Returns null for the end, because the last note and the table show the result. */
function stageLine(stage: SprintStage): StyledLine | null {
  return stage === 'ended' ? null : { text: stage, style: 'cyan' }
}

/** Returns the progress line for an entry of the transcript. Returns null for entries that are not shown as progress. */
function noteLine(note: TranscriptEntry): StyledLine | null {
  switch (note.kind) {
    case 'note':
      return { text: oneLine(note.text, 300), style: 'gray' }
    case 'check':
      return { text: `${note.passed ? '✓' : '✗'} ${note.command} (${duration(note.ms)})`, style: note.passed ? 'green' : 'yellow' }
    case 'call':
      return { text: `${note.ok ? '·' : '✗'} ${note.tool} ${oneLine(argumentsText(note.args), 120)}`, style: 'gray' }
    case 'said':
      return note.by === 'burn' || note.text.trim() === '' ? null : { text: oneLine(note.text, 200), style: null }
  }
}

/** Returns the arguments of a tool call for one line. An argument of several lines is shown as its number of lines. */
export function argumentsText(args: unknown): string {
  if (typeof args !== 'object' || args === null) return String(args)
  return Object.entries(args)
    .map(([name, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      const lines = text.trimEnd().split('\n').length
      return lines > 1 || text.endsWith('\n') ? `${name}: ${counted(lines, 'line')}` : text
    })
    .join(', ')
}
