/**
 * `burn worker provision`: makes what a worker's agent needs on its machine, and checks what burn cannot make: program, login and model. Each
 * step changes no folder and no clone that exists, so burn can be killed and run again at any time.
 */
import type { Machine, Worker, WorkerId } from '../core/nouns.ts'
import type { Login, LoginState } from '../core/login.ts'
import type { StepResult, StepState } from '../core/provision.ts'
import type { Session } from '../observe/session.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import { BurnError, messageOf } from '../core/errors.ts'
import { paneAgent } from '../agents/index.ts'
import { loginEnvironment } from '../host/login-shell.ts'
import { loginsByWorker } from '../decide/logins.ts'
import { cloneUrlOf } from '../observe/repo-facts.ts'
import { loginKinds, readLogins } from '../observe/logins.ts'
import { prepareAgentStarts } from './agent-files.ts'
import { retiredWorkers } from './up-down.ts'
import { prepareFolder, type NewFolder } from './worker-folder.ts'

/** The result of provisioning one worker. */
export interface Provisioned {
  readonly worker: WorkerId
  /** True if no step failed. */
  readonly ready: boolean
  readonly steps: readonly StepResult[]
}

/** Options of `provision`. */
export interface ProvisionOptions {
  /** If true, burn looks at the machines and changes nothing. The state `made` then means that burn would make it. */
  readonly dryRun: boolean
  /** Checks the model of a worker. */
  readonly checkModel: (worker: Worker) => Promise<StepResult>
  readonly onResult: (result: Provisioned) => void
}

/** The maximum number of workers of one machine whose repos burn clones at once. */
const clonesAtOnce = 4

/**
 * Provisions workers, on all machines concurrently, and saves the results in the ledger. After `stop` it begins with no further worker. Throws
 * BurnError `ledger_*`.
 */
export async function provision(
  workers: readonly Worker[],
  session: Session,
  stop: AbortSignal,
  options: ProvisionOptions,
): Promise<readonly Provisioned[]> {
  const { retired, others } = await withoutRetired(workers, session)
  for (const result of retired) options.onResult(result)
  const machines = session.fleet.machines.filter(({ name }) => others.some(({ machine }) => machine === name))
  const done = await mapConcurrently(machines, machines.length, (machine) => {
    const own = others.filter((worker) => worker.machine === machine.name)
    return provisionOn({ machine, workers: own }, session, stop, options)
  })
  return [...retired, ...done.flat()]
}

/** Separates the workers that a person retires. burn prepares nothing for them. */
async function withoutRetired(workers: readonly Worker[], session: Session) {
  const leaving = await retiredWorkers(session)
  const retired = workers
    .filter(({ id }) => leaving.has(id))
    .map(({ id, name }): Provisioned => {
      const what = 'a person retires the worker'
      return { worker: id, ready: false, steps: [{ step: 'folder', state: 'failed', what, remedy: `burn resume ${name}` }] }
    })
  return { retired, others: workers.filter(({ id }) => !leaving.has(id)) }
}

async function provisionOn(
  { machine, workers }: { readonly machine: Machine; readonly workers: readonly Worker[] },
  session: Session,
  stop: AbortSignal,
  { dryRun, checkModel, onResult }: ProvisionOptions,
): Promise<Provisioned[]> {
  const path = await pathOn(machine)
  if (typeof path !== 'string')
    return mapConcurrently(workers, clonesAtOnce, (worker) => finish(worker, [path], session, { dryRun, onResult }))
  const [homes, logins] = await Promise.all([homesOf(machine, workers, session, dryRun), loginsOf(machine, workers, session)])
  const done = await mapConcurrently(workers, clonesAtOnce, async (worker): Promise<Provisioned[]> => {
    if (stop.aborted) return []
    const checked = [homes.get(worker.id), logins.get(worker.id)].filter((step) => step !== undefined)
    const steps = [...(await prepareFolder(machine, folderOf(worker, path, session), dryRun)), ...checked, await checkModel(worker)]
    return [await finish(worker, steps, session, { dryRun, onResult })]
  })
  return done.flat()
}

/** Saves and reports the result of one worker. */
async function finish(
  { id }: Worker,
  steps: readonly StepResult[],
  { ledger, clock }: Session,
  { dryRun, onResult }: Pick<ProvisionOptions, 'dryRun' | 'onResult'>,
): Promise<Provisioned> {
  const result = { worker: id, ready: steps.every(({ state }) => state !== 'failed'), steps }
  if (!dryRun) await ledger.saveProvision(id, { at: clock.now(), steps })
  onResult(result)
  return result
}

/** Returns the PATH of the login shell of a machine, or a failed step with the reason why burn has no PATH. */
async function pathOn(machine: Machine): Promise<string | StepResult> {
  try {
    return (await loginEnvironment(machine))['PATH'] ?? ''
  } catch (thrown) {
    if (!(thrown instanceof BurnError)) throw thrown
    return { step: 'folder', state: 'failed', what: messageOf(thrown), remedy: thrown.hint }
  }
}

function folderOf(worker: Worker, path: string, session: Session): NewFolder {
  const { agent, home } = worker
  const program = paneAgent(agent).start(agent, null).argv[0] ?? ''
  const clone = home === null ? null : { url: cloneUrlOf(home, session), name: home.slice(home.indexOf('/') + 1) }
  return { worker, clone, program, path }
}

/** Installs the hooks and the homes of agents that do not run. A running agent has its files already, and burn leaves them alone. */
async function homesOf(
  machine: Machine,
  workers: readonly Worker[],
  session: Session,
  dryRun: boolean,
): Promise<ReadonlyMap<WorkerId, StepResult>> {
  const [host] = await session.machines.open([machine])
  const snapshot = await host?.snapshot()
  const running = new Set(
    snapshot?.state === 'up'
      ? snapshot.panes.flatMap(({ worker, agent_pid, pid, dead }) => (agent_pid === pid && !dead ? [worker] : []))
      : [],
  )
  const idle = workers.filter(({ id }) => !running.has(id))
  const starts = dryRun ? new Map() : await prepareAgentStarts(machine, idle, session.fleet.name)
  return new Map(workers.map((worker) => [worker.id, homeStep(worker)]))

  function homeStep({ id, agent }: Worker): StepResult {
    const step = 'home'
    const why = starts.get(id)?.without_hooks
    if (why !== undefined)
      return { step, state: 'warn', what: `the agent starts without hooks: ${why}`, remedy: `burn doctor ${machine.name}` }
    if (!agent.hooks || paneAgent(agent).hookState === undefined) return { step, state: 'none', what: 'the agent has no hooks', remedy: '' }
    return running.has(id)
      ? { step, state: 'ok', what: 'the agent runs', remedy: '' }
      : { step, state: 'made', what: 'the hooks and the files of the agent', remedy: '' }
  }
}

/** Returns a step with the login of each worker whose logins burn can read. */
async function loginsOf(machine: Machine, workers: readonly Worker[], session: Session): Promise<ReadonlyMap<WorkerId, StepResult>> {
  const found = await readLogins(machine, session)
  const kinds = loginKinds(session)
  const logins = loginsByWorker(found?.logins ?? [])
  return new Map(
    workers.flatMap(({ id, agent }) => {
      const login = logins.get(id)
      const log_in = kinds.get(session.kindOf(agent).kind)?.log_in ?? ''
      return login === undefined ? [] : [[id, loginStep(login, log_in)] as const]
    }),
  )
}

/** The result of the step for each state of a login. Its agent renews an expired login. An agent without a login may use a key. */
const loginStates: Readonly<Record<LoginState, StepState>> = {
  valid: 'ok',
  key: 'ok',
  due: 'ok',
  expired: 'ok',
  unknown: 'unknown',
  none: 'warn',
  ended: 'failed',
  refused: 'failed',
}

function loginStep({ state, provider, file, why }: Login, log_in: string): StepResult {
  const result = loginStates[state]
  const what = `${state}: ${[provider, file, why].filter((part) => part !== '').join(', ')}`
  return {
    step: 'login',
    state: result,
    what,
    remedy: result === 'failed' || result === 'warn' ? log_in : '',
  }
}
