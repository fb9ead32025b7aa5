/** Sprints as lines: a table of results, and what happens while they run. */
import type { Sprint, TranscriptEntry, SprintStage } from '../core/sprint.ts'
import type { SprintNews } from '../sprint/context.ts'
import type { Io } from './io.ts'
import { oneLine } from '../core/text.ts'
import { duration, fit, table } from './table.ts'

const colours = { change: 'green', kept: 'yellow', failed: 'red', given_back: 'yellow' } as const

export function sprintTable(rows: readonly Sprint[], io: Io, now?: number): string[] {
  const lines = rows.map((row) => [
    row.id,
    row.issue,
    row.outcome === null ? row.stage : io.paint(colours[row.outcome], row.failure ?? row.outcome),
    duration((row.ended_at ?? now ?? row.started_at) - row.started_at),
    row.model ?? row.backend ?? '',
    String(row.tokens_in + row.tokens_out),
    row.cost === null ? '' : row.cost.toFixed(4),
    row.change_url ?? oneLine(row.failure_text ?? '', 500),
  ])
  return table(['SPRINT', 'ISSUE', 'END', 'TOOK', 'MODEL', 'TOKENS', 'USD', 'CHANGE OR WHY'], lines, io.columns)
}

/** How one sprint ended, as a line of its own. */
export function endLine({ issue, outcome, failure, failure_text, change_url, started_at, ended_at }: Sprint, io: Io): string {
  const end = io.paint(colours[outcome ?? 'failed'], failure ?? outcome ?? '')
  return `${io.paint('bold', issue)}  ${end} in ${duration((ended_at ?? started_at) - started_at)}  ${change_url ?? oneLine(failure_text ?? '', 500)}`
}

/** Says on stderr what happens, a line each; to a program nothing. */
export function progressOf(io: Io | null): (news: SprintNews) => void {
  let widest = 0
  return ({ issue, stage, note }) => {
    const said = note === null ? sayStage(stage) : sayNote(note)
    if (io === null || said === null) return
    widest = Math.max(widest, issue.length)
    const room = io.tty ? Math.max(20, io.size().width - widest - 2) : Infinity
    const text = fit(said.text, room)
    io.err(`${io.paint('bold', issue.padEnd(widest))}  ${said.style === null ? text : io.paint(said.style, text)}`)
  }
}

interface Said {
  readonly text: string
  readonly style: Parameters<Io['paint']>[0] | null
}

/** How it ended is in its last note, and in the table. */
function sayStage(stage: SprintStage): Said | null {
  return stage === 'ended' ? null : { text: stage, style: 'cyan' }
}

/** Null for what only a transcript needs. */
function sayNote(note: TranscriptEntry): Said | null {
  switch (note.kind) {
    case 'note':
      return { text: oneLine(note.text, 300), style: 'gray' }
    case 'check':
      return { text: `${note.passed ? '✓' : '✗'} ${note.command} (${duration(note.ms)})`, style: note.passed ? 'green' : 'yellow' }
    case 'call':
      return { text: `${note.ok ? '·' : '✗'} ${note.tool} ${oneLine(words(note.args), 120)}`, style: 'gray' }
    case 'said':
      return note.by === 'burn' || note.text.trim() === '' ? null : { text: oneLine(note.text, 200), style: null }
  }
}

/** What a call was given; of texts of several lines only how many: they are in the transcript. */
function words(args: unknown): string {
  if (typeof args !== 'object' || args === null) return String(args)
  return Object.entries(args)
    .map(([name, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      const lines = text.trimEnd().split('\n').length
      return lines > 1 || text.endsWith('\n') ? `${name}: ${lines} line${lines === 1 ? '' : 's'}` : text
    })
    .join(', ')
}
