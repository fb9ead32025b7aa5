/** Sprints as lines: a table of results, and what happens while they run. */
import type { Sprint, SprintNote } from '../core/sprint.ts'
import type { SprintNews } from '../sprint/context.ts'
import type { Context } from './context.ts'
import type { Io } from './io.ts'
import { oneLine } from '../core/text.ts'
import { duration, table } from './table.ts'

const colours = { change: 'green', failed: 'red', given_back: 'yellow' } as const

export function sprintTable(rows: readonly Sprint[], io: Io, now?: number): string[] {
  const lines = rows.map((row) => [
    row.id,
    row.issue,
    row.outcome === null ? row.stage : io.paint(colours[row.outcome], row.failure ?? row.outcome),
    duration((row.ended_at ?? now ?? row.started_at) - row.started_at),
    row.model ?? row.backend ?? '',
    String(row.tokens_in + row.tokens_out),
    row.cost === null ? '' : row.cost.toFixed(4),
    row.change_url ?? row.failure_text ?? '',
  ])
  return table(['SPRINT', 'ISSUE', 'END', 'TOOK', 'MODEL', 'TOKENS', 'USD', 'CHANGE OR WHY'], lines, io.tty ? io.width : Infinity)
}

/** Says on stderr what happens, a line each; with `--json` as objects. */
export function progressOf({ io }: Context, json: boolean): (news: SprintNews) => void {
  return (news) => {
    if (json) return
    const { issue, stage, note } = news
    const text = note === null ? io.paint('cyan', stage) : sayNote(note, io)
    if (text !== null) io.err(`${issue}  ${oneLineOf(text, io)}`)
  }
}

function oneLineOf(text: string, { tty, width }: Io): string {
  return tty && text.length > width ? text.slice(0, Math.max(20, width - 1)) : text
}

/** Null for what only a transcript needs. */
function sayNote(note: SprintNote, io: Io): string | null {
  if (note.kind === 'note') return io.paint('gray', oneLine(note.text, 300))
  if (note.kind === 'check')
    return io.paint(note.passed ? 'green' : 'yellow', `${note.command}: ${note.passed ? 'passed' : 'failed'} (${duration(note.ms)})`)
  if (note.kind === 'call') return io.paint('gray', `${note.ok ? '·' : '✗'} ${note.tool} ${oneLine(JSON.stringify(note.args) ?? '', 120)}`)
  return note.by === 'burn' ? null : oneLine(note.text, 200) || null
}
