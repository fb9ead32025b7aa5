/** Formats the table of `burn worker list`. */
import type { Login } from '../core/login.ts'
import type { WorkerLife } from '../core/lifecycle.ts'
import type { SignOfLife, WorkerSummary } from '../core/worker-life.ts'
import type { Io } from './io.ts'
import { keysOf } from '../core/json.ts'
import { machineOf } from '../core/refs.ts'
import { counted } from '../core/text.ts'
import { stateText } from './status-table.ts'
import { duration, listTable } from './table.ts'
import { wrap } from './wrap.ts'

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

/** Returns the lines of the table, and a line with the totals. */
export function workerLines(workers: readonly ListedWorker[], io: Io, now: number): string[] {
  const names = Map.groupBy(workers, ({ id }) => nameOf(id))
  const head = ['WORKER', 'LIFE', 'STATE', 'ISSUE', 'DONE', 'FAILED', 'TIME', 'USD', 'SEEN', 'LOGIN', 'MODEL', 'EVIDENCE']
  const rows = workers.map(({ id, life, state, issues, done, failed, worked, cost, last_sign, login, model, evidence }) => [
    shortName(id, names.get(nameOf(id)) ?? []),
    lifeText(life, io),
    state === null || withoutAgent.has(life) ? '' : stateText(state, null, io),
    issueText(issues),
    String(done),
    String(failed),
    worked === null ? '' : duration(worked),
    cost === null ? '' : cost.toFixed(2),
    last_sign === null ? '' : duration(now - Date.parse(last_sign.at)),
    login?.state ?? '',
    model ?? '',
    evidence,
  ])
  const drop = ['EVIDENCE', 'MODEL', 'LOGIN', 'TIME', 'USD', 'FAILED', 'DONE', 'SEEN', 'STATE']
  return [...listTable(head, rows, io, drop), ...wrap(totalsLine(workers, io), io.columns, '  ')]
}

/** Returns the name; with its machine, and if necessary its window, if another worker has the same name. A narrow column keeps both. */
function shortName(id: string, namesakes: readonly { readonly id: string }[]): string {
  if (namesakes.length < 2) return nameOf(id)
  const machine = machineOf(id)
  const isEnough = namesakes.filter((other) => machineOf(other.id) === machine).length === 1
  return `${nameOf(id)} (${isEnough ? machine : id.slice(0, id.lastIndexOf('/'))})`
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
