/** Formats the table of `burn worker list`. */
import type { Login } from '../core/login.ts'
import type { WorkerLife } from '../core/lifecycle.ts'
import type { SignOfLife, WorkerSummary } from '../core/worker-life.ts'
import type { Io } from './io.ts'
import { keysOf } from '../core/json.ts'
import { counted } from '../core/text.ts'
import { stateText } from './status-table.ts'
import { duration, fittingTable, type FittingColumn } from './table.ts'

const colours: Readonly<Record<WorkerLife, Parameters<Io['paint']>[0]>> = {
  declared: 'gray',
  provisioned: 'blue',
  deployed: 'green',
  held: 'yellow',
  draining: 'yellow',
  silent: 'red',
  retiring: 'magenta',
  retired: 'gray',
}

/** A worker in the JSON of `burn worker list`. Times are in ISO 8601, and durations in milliseconds. */
export type ListedWorker = ReturnType<typeof listedWorker>

/** Returns a worker for JSON. */
export function listedWorker({ worker, reading, since, signs, last_sign, login, ...summary }: WorkerSummary) {
  return {
    ...summary,
    since: since === null ? null : new Date(since).toISOString(),
    signs: signs.map(listedSign),
    last_sign: last_sign === null ? null : listedSign(last_sign),
    login: login === null ? null : listedLogin(login),
    state: reading?.state ?? null,
    lane: worker?.lane ?? null,
    role: worker?.role ?? null,
    declared: worker !== null,
  }
}

function listedLogin({ state, provider, file, ends_at, renewed_by }: Login) {
  return { state, provider, file, ends_at: ends_at === null ? null : new Date(ends_at).toISOString(), renewed_by }
}

const listedSign = ({ kind, at }: SignOfLife) => ({ kind, at: new Date(at).toISOString() })

/** Returns a life in its colour. */
export const lifeText = (life: WorkerLife, io: Io) => io.paint(colours[life], life)

/** Lives in which a worker has no agent. Its state, `dead`, would say nothing new. */
const withoutAgent: ReadonlySet<WorkerLife> = new Set<WorkerLife>(['declared', 'retired'])

/** Returns the lines of the table, and a line with the totals. Columns for which the terminal has no room are left out. */
export function workerLines(workers: readonly ListedWorker[], io: Io, now: number): string[] {
  const names = Map.groupBy(workers, ({ id }) => nameOf(id))
  const columns: FittingColumn<ListedWorker>[] = [
    { head: 'WORKER', rank: 0, cell: ({ id }) => (names.get(nameOf(id))?.length === 1 ? nameOf(id) : id) },
    { head: 'LIFE', rank: 0, cell: ({ life }) => lifeText(life, io) },
    { head: 'STATE', rank: 0, cell: ({ life, state }) => (state === null || withoutAgent.has(life) ? '' : stateText(state, null, io)) },
    { head: 'ISSUE', rank: 0, cell: ({ issues }) => issueText(issues) },
    { head: 'DONE', rank: 1, cell: ({ done }) => String(done) },
    { head: 'FAILED', rank: 1, cell: ({ failed }) => String(failed) },
    { head: 'TIME', rank: 3, cell: ({ worked }) => (worked === null ? '' : duration(worked)) },
    { head: 'USD', rank: 2, cell: ({ cost }) => (cost === null ? '' : cost.toFixed(2)) },
    { head: 'SEEN', rank: 1, cell: ({ last_sign }) => (last_sign === null ? '' : duration(now - Date.parse(last_sign.at))) },
    { head: 'LOGIN', rank: 4, cell: ({ login }) => login?.state ?? '' },
    { head: 'MODEL', rank: 5, cell: ({ model }) => model ?? '' },
    { head: 'EVIDENCE', rank: 6, cell: ({ evidence }) => evidence },
  ]
  const { lines, hidden } = fittingTable(columns, workers, io.columns)
  const [head = '', ...rows] = lines
  const more = hidden.length === 0 ? [] : [io.paint('gray', `more in a wider terminal, or with --json: ${hidden.join(', ')}`)]
  return [io.paint('bold', head), ...rows, totalsLine(workers, io), ...more]
}

const nameOf = (id: string) => id.slice(id.lastIndexOf('/') + 1)

/** Returns the first issue without the owner of its repo, and the number of further issues. */
function issueText([first, ...others]: readonly string[]): string {
  if (first === undefined) return ''
  return `${nameOf(first)}${others.length === 0 ? '' : ` +${others.length}`}`
}

function totalsLine(workers: readonly ListedWorker[], io: Io): string {
  const lives = Map.groupBy(workers, ({ life }) => life)
  const parts = keysOf(colours).flatMap((life) => {
    const count = lives.get(life)?.length ?? 0
    return count === 0 ? [] : [io.paint(colours[life], `${count} ${life}`)]
  })
  return `${counted(workers.length, 'worker')}: ${parts.join(' · ')}`
}
