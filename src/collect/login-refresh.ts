/** Renews the logins of agents with the agents' own commands, and reports logins that need a person. */
import type { Login, RenewalEnd } from '../core/login.ts'
import type { Machine } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import { counted } from '../core/text.ts'
import {
  afterAttempt,
  afterReading,
  loginReports,
  noMemory,
  refreshOutcome,
  refreshStep,
  type LoginMemory,
  type LoginReport,
  type RefreshOutcome,
  type RefreshStep,
} from '../decide/login-refresh.ts'
import { loadLoginMemories, loginKinds, readLogins, saveLoginMemories, type MachineLogins } from '../observe/logins.ts'

/** A login with the decision about it, and the result of the attempt. */
export interface RefreshedLogin {
  readonly login: Login
  readonly step: RefreshStep
  /** The result and the login after the attempt; null if burn did not run the command. */
  readonly attempt: { readonly outcome: RefreshOutcome; readonly end: RenewalEnd; readonly after: Login | null } | null
}

/** Returns the name of the job whose lease a process needs to renew the logins of a machine. */
export const refreshJob = ({ name }: Machine) => `login-refresh ${name}`

/** Returns the result of a run of the job, in one line. */
export function refreshLine(done: readonly RefreshedLogin[] | null): string {
  if (done === null) return 'unknown: the machine did not answer'
  const tried = done.flatMap(({ attempt }) => attempt ?? [])
  const renewed = tried.filter(({ outcome }) => outcome === 'renewed').length
  const results = tried.length === 0 ? '' : `, ${renewed} of ${counted(tried.length, 'attempt')} renewed a login`
  return `${counted(done.length, 'login')}${results}`
}

/**
 * Renews the logins of a machine that are due, one after the other, and records events about them. The caller must hold the lease of the
 * job, so that one process at a time renews the logins of a machine. Returns null if the machine did not answer. With `dry_run` it only
 * reads. Throws if the ledger fails.
 */
export async function refreshLogins(machine: Machine, session: Session, dry_run: boolean): Promise<readonly RefreshedLogin[] | null> {
  const read = await readLogins(machine, session)
  if (read === null) return null
  const memories = await memoriesAfter(read.logins, { machine, session })
  const done: RefreshedLogin[] = []
  for (const login of read.logins) {
    const memory = memories.get(login.id) ?? noMemory
    const step = refreshStep(login, memory, session.clock.now())
    if (step.do !== 'renew' || dry_run) {
      done.push({ login, step, attempt: null })
      continue
    }
    const trying = { ...memory, tried_at: session.clock.now() }
    // The attempt is in the ledger before it begins: a process that dies here does not try again within a minute.
    await saveLoginMemories(machine, memories.set(login.id, trying), session)
    const attempt = await renew(login, machine, session)
    const after = attempt.after === null ? trying : afterReading(attempt.after, trying, [])
    memories.set(login.id, afterAttempt(after, attempt.outcome))
    done.push({ login, step, attempt })
  }
  if (dry_run) return done
  await report(
    done.map(({ login, attempt }) => attempt?.after ?? login),
    memories,
    { machine, session },
  )
  return done
}

/** Returns the memories of the logins of a machine after a reading, which shows copies of logins in other places. */
async function memoriesAfter(logins: readonly Login[], { machine, session }: On): Promise<Map<string, LoginMemory>> {
  const memories = new Map(await loadLoginMemories(machine, session))
  const remember = (others: readonly LoginMemory[]) => {
    for (const login of logins) memories.set(login.id, afterReading(login, memories.get(login.id) ?? noMemory, others))
  }
  remember([])
  const isDue = logins.some(({ state, renewed_by }) => renewed_by === 'burn' && state !== 'valid')
  remember([...(await memoriesElsewhere({ machine, session }, isDue)), ...memories.values()])
  return memories
}

/**
 * Returns the memories of the logins of the other machines. With `now` burn also reads these logins, because the renewal of a login would
 * make a new copy of it invalid.
 */
async function memoriesElsewhere({ machine, session }: On, now: boolean): Promise<LoginMemory[]> {
  const others = session.fleet.machines.filter(({ name }) => name !== machine.name)
  const stored = await Promise.all(others.map((each) => loadLoginMemories(each, session)))
  const read = now ? await Promise.all(others.map((each) => readLogins(each, session))) : []
  const present = read.flatMap((found) => found?.logins ?? []).map((login) => afterReading(login, noMemory, []))
  return [...stored.flat().map(([, memory]) => memory), ...present]
}

/** Runs the command for one login, and judges the file after it. */
async function renew(login: Login, machine: Machine, session: Session): Promise<NonNullable<RefreshedLogin['attempt']>> {
  const { ledger, clock } = session
  const [host] = await session.machines.open([machine])
  const command = commandFor(login, machine, session)
  const end = host === undefined || command === null ? 'no_answer' : await host.logins.renew(command)
  const read = await readLogins(machine, session)
  const after = read === null ? null : sameLogin(login, read)
  const outcome = after === null ? 'unknown' : refreshOutcome(login, after)
  const payload = { outcome, before: login.ends_at, after: after?.ends_at ?? null }
  await ledger.recordEvents([{ kind: 'login.tried', subject: login.id, issue: null, worker: null, actor: 'burn', payload }], clock.now())
  return { outcome, end, after }
}

/** Returns the login after an attempt; null if burn could not read the file. If the file no longer has the login, the agent gave it up. */
function sameLogin(login: Login, { logins }: MachineLogins): Login | null {
  const own = logins.find(({ id }) => id === login.id)
  if (own !== undefined) return own
  const isUnread = logins.some(({ file, state }) => file === login.file && state === 'unknown')
  return isUnread ? null : { ...login, state: 'refused', ends_at: null, renewable: false, renewed_by: null }
}

/** Returns the command that renews a login, with the variables of a worker that uses it; null if its program has none. */
function commandFor(login: Login, machine: Machine, { kindOf }: Session) {
  const workers = machine.windows.flatMap((window) => window.workers)
  const worker = workers.find(({ id }) => login.workers.includes(id)) ?? workers.find(({ agent }) => agent.kind === login.agent)
  if (worker === undefined) return null
  const kind = kindOf(worker.agent)
  const program = kind.start(worker.agent, null).argv[0] ?? ''
  const [usual = ''] = kind.command
  // A command of the spec may be a wrapper, which does not understand the arguments of the agent program.
  const command = kind.logins?.renews?.command(program.endsWith(`/${usual}`) || program === usual ? program : usual, login.file)
  return command === undefined ? null : { argv: command.argv, env: { ...worker.agent.env, ...command.env } }
}

interface On {
  readonly machine: Machine
  readonly session: Session
}

async function report(logins: readonly Login[], memories: ReadonlyMap<string, LoginMemory>, { machine, session }: On): Promise<void> {
  const { fleet, clock } = session
  const settings = { night: fleet.logins.night, zone: fleet.notify?.zone ?? 'UTC' }
  const { reports, memories: next } = loginReports(logins, memories, settings, clock.now())
  await saveLoginMemories(machine, next, session)
  for (const each of reports) await recordReport(each, session)
}

async function recordReport({ login, kind }: LoginReport, session: Session): Promise<void> {
  const { id: subject, ends_at, workers, agent } = login
  if (kind === 'login.restored') {
    const event = { kind, subject, issue: null, worker: null, actor: 'burn', payload: { ends_at } } as const
    await session.ledger.recordEvents([event], session.clock.now())
    return
  }
  const { log_in = '', copied_risk = '' } = loginKinds(session).get(agent) ?? {}
  const remedy = kind === 'login.copied' ? `${copied_risk}; ${log_in}` : log_in
  session.notify({ kind, subject, payload: { ends_at, workers: workers.length, remedy } })
}
