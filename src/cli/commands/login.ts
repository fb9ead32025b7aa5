/** `burn login`: shows the logins of the agents, and renews them with the agents' own commands. */
import type { Login, SharedLogin } from '../../core/login.ts'
import type { RefreshedLogin } from '../../collect/login-refresh.ts'
import type { Machine } from '../../core/nouns.ts'
import type { Session } from '../../observe/session.ts'
import type { Io } from '../io.ts'
import { command, done, exitFor } from '../command.ts'
import { flag, list } from '../args.ts'
import { machinesNamed } from '../named.ts'
import { duration, listTable } from '../table.ts'
import { wrap } from '../wrap.ts'

const machines = list('[machine...]', 'Machines (default: all)')

/** A login, and the remedy for a person; empty if there is nothing to do. */
interface ShownLogin extends Omit<Login, 'stamp' | 'store'> {
  readonly needs_person: boolean
  readonly remedy: string
}

export const loginStatusCommand = command({
  args: { machines },
  examples: ['burn login status', 'burn login status mac --json'],
  notes: [
    'burn reads the login files of the agents on each machine. It makes no request to a provider, so it cannot know whether a provider still accepts a login. The machine removes all tokens before it sends anything.',
    'Exit codes: 0 no login needs a person, 1 no machine answered, 2 usage or spec error, 3 a login needs a person or a machine did not answer.',
  ],
  async run({ open }, given) {
    const { session } = await open()
    const named = machinesNamed(session.fleet, given.machines)
    const { loginKinds, readLogins } = await import('../../observe/logins.ts')
    const { needsPerson, sharedLogins } = await import('../../decide/logins.ts')
    const read = await Promise.all(named.map(async (machine) => ({ machine: machine.name, found: await readLogins(machine, session) })))
    const all = read.flatMap(({ found }) => found?.logins ?? [])
    const kinds = loginKinds(session)
    const logins = all.map((each): ShownLogin => {
      const { stamp: _, store: __, ...login } = each
      const needs_person = needsPerson(login)
      return { ...login, needs_person, remedy: needs_person ? (kinds.get(login.agent)?.log_in ?? '') : '' }
    })
    const silent = read.flatMap(({ machine, found }) => (found === null ? [machine] : []))
    const worst =
      silent.length === read.length && read.length > 0 ? 1 : silent.length > 0 || logins.some(({ needs_person }) => needs_person) ? 3 : 0
    return done({ logins, shared: sharedLogins(all, kinds), not_answered: silent }, worst)
  },
  present({ logins, shared, not_answered }, io, _, now) {
    const rows = logins.map((login) => {
      const { machine, agent, renewed_by, workers, provider, account, file } = login
      const about = [provider, account ?? '', file].filter((word) => word !== '').join(' ')
      return [machine, agent, stateOf(login, io), endOf(login, now), renewed_by ?? '-', String(workers.length), about]
    })
    if (rows.length > 0)
      io.out(
        ...listTable(['MACHINE', 'AGENT', 'STATE', 'ENDS', 'RENEWS', 'WORKERS', 'LOGIN'], rows, io, [
          'WORKERS',
          'RENEWS',
          'LOGIN',
          'MACHINE',
        ]),
      )
    else if (not_answered.length === 0) io.out('no agent of these machines has logins that burn can read')
    const notes = [
      ...logins.flatMap(({ id, remedy, why }) =>
        remedy !== '' ? [`${id}: to log in again, ${remedy}`] : why !== '' ? [`${id}: ${why}`] : [],
      ),
      ...shared.map(sharedLine),
      ...not_answered.map((machine) => `${machine}: did not answer`),
    ]
    io.out(...notes.flatMap((note) => wrap(note, io.columns)))
  },
})

const colours = {
  valid: 'green',
  key: 'green',
  due: 'yellow',
  expired: 'yellow',
  ended: 'red',
  refused: 'red',
  none: 'gray',
  unknown: 'gray',
} as const

const stateOf = ({ state }: Pick<Login, 'state'>, io: Io) => io.paint(colours[state], state)

function endOf({ ends_at }: Pick<Login, 'ends_at'>, now: number): string {
  if (ends_at === null) return '-'
  return ends_at > now ? `in ${duration(ends_at - now)}` : `${duration(now - ends_at)} ago`
}

/** The maximum number of workers that a line names. */
const maxNamed = 12

/** Returns the sentence about a shared login. */
function sharedLine({ logins, workers, risk }: SharedLogin): string {
  const more = workers.length > maxNamed ? ` and ${workers.length - maxNamed} more` : ''
  const users = `${workers.slice(0, maxNamed).join(', ')}${more}`
  const what = logins.length === 1 ? `${users} share ${logins[0]}` : `these files have copies of one login: ${logins.join(', ')}`
  return `${what}${risk === null ? '' : `. Risk: ${risk}`}`
}

export const loginRefreshCommand = command({
  args: {
    machines,
    dry_run: flag('-n, --dry-run', 'Print the logins that burn would renew, and run no command'),
  },
  examples: ['burn login refresh --dry-run', 'burn login refresh mac'],
  notes: [
    "burn renews a login with the agent's own command, on the machine of the login. It runs one such command at a time, and at most one a minute for each login. After the provider has refused a login, burn runs no command for it. burn compares the file before and after the command.",
    'Exit codes: 0 each due login is renewed, 1 none is, 2 usage or spec error, 3 some are.',
  ],
  async run({ open }, given) {
    const { session } = await open()
    const named = machinesNamed(session.fleet, given.machines)
    const refresh = () => Promise.all(named.map((machine) => refreshOn(machine, session, given.dry_run)))
    const { withLeases } = await import('../../observe/session.ts')
    const results = given.dry_run ? await refresh() : await withLeases(session, refresh)
    const due = results.flatMap(({ logins }) => logins).filter(({ step }) => step.do !== 'nothing')
    const renewed = due.filter(({ step, attempt }) => attempt?.outcome === 'renewed' || (given.dry_run && step.do === 'renew'))
    return done({ dry_run: given.dry_run, machines: results }, exitFor(renewed.length, due.length))
  },
  present({ dry_run, machines: results }, io, _, now) {
    for (const { machine, state, logins } of results) {
      if (state === 'no_answer') io.out(`${machine}: did not answer`)
      else if (state === 'busy') io.out(`${machine}: another process renews its logins now`)
      else if (logins.length === 0) io.out(`${machine}: no logins`)
      for (const each of logins.filter(({ login }) => login.state !== 'none'))
        io.out(...wrap(`${each.login.id}: ${refreshText(each, dry_run, now)}`, io.columns))
    }
  },
})

/** The result on a machine. `busy`: another process has the lease. */
interface RefreshedMachine {
  readonly machine: string
  readonly state: 'done' | 'busy' | 'no_answer'
  readonly logins: readonly RefreshedLogin[]
}

async function refreshOn(machine: Machine, session: Session, dry_run: boolean): Promise<RefreshedMachine> {
  const [{ refreshJob, refreshLine, refreshLogins }, { runJob }] = await Promise.all([
    import('../../collect/login-refresh.ts'),
    import('../../jobs/run.ts'),
  ])
  const work = () => refreshLogins(machine, session, dry_run)
  const ran = dry_run
    ? { ran: true as const, result: await work() }
    : await runJob({ name: refreshJob(machine), period: null }, session, work, refreshLine)
  if (!ran.ran) return { machine: machine.name, state: 'busy', logins: [] }
  return { machine: machine.name, state: ran.result === null ? 'no_answer' : 'done', logins: ran.result ?? [] }
}

const reasons = {
  not_due: 'not due',
  needs_person: 'needs a person, so burn does not try',
  unknown: 'burn does not run the command, because it does not know the state of the login',
  copied: 'another file has a copy of this login, so burn does not renew it',
  not_by_burn: 'burn has no command for it, or may not run the command',
} as const

const outcomes = {
  renewed: 'renewed',
  kept: 'not renewed, but the login is still there',
  refused: 'refused: a person must log in again',
  unknown: 'unknown: burn could not read the file after the command',
} as const

const ends = {
  ended: '',
  running: '; the command still runs',
  not_found: '; the machine does not have the program',
  no_answer: '; the machine did not answer',
} as const

function refreshText({ login, step, attempt }: RefreshedLogin, dry_run: boolean, now: number): string {
  const before = `${login.state}${login.ends_at === null ? '' : `, ${endOf(login, now)}`}`
  if (step.do === 'nothing') return `${before}: ${reasons[step.why]}`
  if (step.do === 'wait') return `${before}: burn tries again in ${duration(step.until - now)}`
  if (attempt === null) return `${before}: burn ${dry_run ? 'would run' : 'runs'} the command`
  const after = attempt.after === null ? '' : ` (ended ${endOf(login, now)}, ends ${endOf(attempt.after, now)} now)`
  return `${outcomes[attempt.outcome]}${attempt.outcome === 'renewed' ? after : ends[attempt.end]}`
}
