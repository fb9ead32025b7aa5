/** Results as comma-separated values, for spreadsheets and scripts. */
import type { Sprint } from '../core/sprint.ts'

const columns: readonly { readonly name: string; readonly of: (sprint: Sprint) => string | number | null }[] = [
  { name: 'id', of: ({ id }) => id },
  { name: 'issue', of: ({ issue }) => issue },
  { name: 'worker', of: ({ worker }) => worker },
  { name: 'host', of: ({ host }) => host },
  { name: 'started_at', of: ({ started_at }) => new Date(started_at).toISOString() },
  { name: 'ended_at', of: ({ ended_at }) => (ended_at === null ? null : new Date(ended_at).toISOString()) },
  { name: 'seconds', of: ({ started_at, ended_at }) => (ended_at === null ? null : ((ended_at - started_at) / 1000).toFixed(1)) },
  { name: 'backend', of: ({ backend }) => backend },
  { name: 'model', of: ({ model }) => model },
  { name: 'provider', of: ({ provider }) => provider },
  { name: 'turns', of: ({ turns }) => turns },
  { name: 'tokens_in', of: ({ tokens_in }) => tokens_in },
  { name: 'tokens_out', of: ({ tokens_out }) => tokens_out },
  { name: 'cost', of: ({ cost }) => cost },
  { name: 'outcome', of: ({ outcome }) => outcome },
  { name: 'failure', of: ({ failure }) => failure },
  { name: 'check_command', of: ({ check_command }) => check_command },
  { name: 'check_result', of: ({ check_result }) => check_result },
  { name: 'change_url', of: ({ change_url }) => change_url },
]

/** RFC 4180, with a head. What a spreadsheet would take for a formula is marked as text. */
export function resultsCsv(sprints: readonly Sprint[]): string {
  const lines = [columns.map(({ name }) => name), ...sprints.map((sprint) => columns.map(({ of }) => cell(of(sprint))))]
  return lines.map((line) => `${line.join(',')}\r\n`).join('')
}

function cell(value: string | number | null): string {
  if (value === null) return ''
  const text = typeof value === 'string' && /^[=+@\t\r-]/.test(value) ? `'${value}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
