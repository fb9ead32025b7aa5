/** `burn worker provision` and `burn worker retire`: prepare workers for their agents, and end workers without losing work. */
import type { ModelState } from '../../core/model.ts'
import type { Fleet, Worker, WorkerId } from '../../core/nouns.ts'
import type { StepResult, StepState } from '../../core/provision.ts'
import type { Provisioned } from '../../operate/provision.ts'
import type { Retirement, RetireOutcome } from '../../operate/retire.ts'
import type { Session } from '../../observe/session.ts'
import type { CommandContext } from '../command.ts'
import type { Io } from '../io.ts'
import { BurnError } from '../../core/errors.ts'
import { counted } from '../../core/text.ts'
import { underWayText } from '../../decide/under-way.ts'
import { hasOwnWork, ownWorkText, readFolders, type WorkerFolder } from '../../observe/worker-clones.ts'
import { command, done, exitFor } from '../command.ts'
import { workersNamed } from '../named.ts'
import { flag, list, optional } from '../args.ts'

export const workerProvisionCommand = command({
  args: {
    names: list('<name...>', 'Workers, windows, lanes or machines, or "all"'),
    dry_run: flag('-n, --dry-run', 'List the missing folders, clones, files and programs, and change nothing'),
  },
  examples: ['burn worker provision AZOTH', 'burn worker provision mac --dry-run', 'burn worker provision all'],
  notes: [
    'Makes the folder, a clone of the home repo and the files of the agent. Checks the program, the login and the model. burn changes no folder and no clone that exists.',
    'The next step is: burn up, then burn christen.',
    'Exit codes: 0 each worker is ready, 1 none is, 2 usage or spec error, 3 some are not.',
  ],
  async run(context, { names, dry_run }) {
    const { session } = await context.open()
    const workers = chosen(session.fleet, names)
    const { provision } = await import('../../operate/provision.ts')
    const checkModel = await modelCheck(context)
    let count = 0
    const results = await provision(workers, session, context.stop, {
      dryRun: dry_run,
      checkModel,
      onResult: (result) => context.person?.out(...provisionLines(result, `${++count}/${workers.length}`, context.person)),
    })
    return done({ dry_run, workers: results }, exitFor(results.filter(({ ready }) => ready).length, workers.length))
  },
  /** Prints only the totals. `run` has printed the steps of each worker as soon as they were known. */
  present({ workers, dry_run }, io) {
    const made = workers.flatMap(({ steps }) => steps).filter(({ state }) => state === 'made').length
    const ready = workers.filter((each) => each.ready).length
    io.out(`${ready} of ${counted(workers.length, 'worker')} ready, ${counted(made, 'step')} ${dry_run ? 'to do' : 'done'}`)
  },
})

/** Returns the workers that the names stand for, each once. */
function chosen(fleet: Fleet, names: readonly string[]): Worker[] {
  return [...new Set(names.flatMap((name) => workersNamed(fleet, name)))]
}

const stepColours = { ok: 'gray', made: 'green', none: 'gray', warn: 'yellow', unknown: 'yellow', failed: 'red' } as const

function provisionLines({ worker, ready, steps }: Provisioned, place: string, io: Io): string[] {
  const shown = steps.filter(({ state }) => state !== 'none')
  const rows = shown.map(({ step, state, what, remedy }) => {
    return `  ${step.padEnd(8)} ${io.paint(stepColours[state], state.padEnd(8))} ${what}${remedy === '' ? '' : `. Fix: ${remedy}`}`
  })
  return [`${io.paint('bold', worker)}  ${place}${ready ? '' : `  ${io.paint('red', 'not ready')}`}`, ...rows]
}

/** The result of a step for each state of a model. A model that is not loaded is fine: its server loads it for the first request. */
const modelSteps: Readonly<Record<ModelState, StepState>> = {
  answers: 'ok',
  busy: 'ok',
  loading: 'ok',
  not_loaded: 'ok',
  no_such_model: 'failed',
  error: 'failed',
  unreachable: 'failed',
  unknown: 'unknown',
}

/** Returns a function that checks the model of a worker. It checks each model once. */
async function modelCheck(context: CommandContext): Promise<(worker: Worker) => Promise<StepResult>> {
  const [{ wireModels }, { configuredUses }, { checkModels }] = await Promise.all([
    import('../wire-sprints.ts'),
    import('../../observe/model-uses.ts'),
    import('../../observe/models.ts'),
  ])
  const ports = wireModels(await context.open(), context)
  const uses = await configuredUses(ports)
  const results = new Map<string, Promise<StepResult>>()
  const check = async (name: string, machine: string): Promise<StepResult> => {
    const step = 'model'
    const known = uses.filter(({ model }) => model.model === name)
    const use = known.find(({ model }) => model.machine === machine) ?? known.find(({ model }) => model.machine === null)
    const [found] = use === undefined ? [] : await checkModels([use], ports, { load: false })
    if (found === undefined) return { step, state: 'unknown', what: `burn knows no server of ${name} that it can ask`, remedy: '' }
    const state = modelSteps[found.state]
    return { step, state, what: `${name}: ${found.evidence}`, remedy: state === 'failed' ? `burn model check ${name}` : '' }
  }
  return ({ agent, machine }) => {
    if (agent.model === null) return Promise.resolve({ step: 'model', state: 'none', what: 'the spec names no model', remedy: '' })
    const key = `${machine} ${agent.model}`
    const result = results.get(key) ?? check(agent.model, machine)
    results.set(key, result)
    return result
  }
}

export const workerRetireCommand = command({
  args: {
    names: list('<name...>', 'Workers, windows, lanes or machines; or the full id of a worker that the spec no longer has'),
    reason: optional('--reason <text>', 'Reason, for other people to read'),
    dry_run: flag('-n, --dry-run', 'Show what is under way and which panes would end, and change nothing'),
  },
  examples: [
    'burn worker retire AZOTH --dry-run',
    'burn worker retire AZOTH',
    'burn worker retire mac/CRUCIBLE --reason "moves to allegro"',
  ],
  notes: [
    'The workers get no new work. burn waits until nothing is under way, then ends their panes. It deletes nothing: folders, clones, transcripts and history stay.',
    'A dispatcher must run (burn start), because it notices when work ends. On Ctrl-C the workers stay without new work; run the command again to continue. burn resume brings a worker back.',
    'Exit codes: 0 all are retired, 1 none is, 2 usage or spec error, 3 some are not.',
  ],
  async run({ open, env, stop, person }, { names, reason, dry_run }) {
    const { session } = await open()
    const workers = await leaving(session, names)
    const results = dry_run ? await plan(workers, session, person) : await retireNow(workers, reason, session, { env, stop, person })
    const folders = await foldersOf(results, session)
    const over = results.filter(({ outcome }) => outcome === 'retired' || outcome === 'already' || outcome === 'planned').length
    const reported = results.map((each) => ({ ...each, folder: folders.get(each.worker) ?? null }))
    return done({ dry_run, workers: reported }, exitFor(over, results.length))
  },
  /** Prints the folders. `run` has printed the result of each worker as soon as it was known. */
  present({ workers }, io) {
    for (const { folder } of workers) {
      if (folder === null || !folder.exists) continue
      io.out(
        `kept ${folder.path}`,
        ...folder.clones.map((clone) => `  ${clone.path}: ${io.paint(hasOwnWork(clone) ? 'yellow' : 'gray', ownWorkText(clone))}`),
      )
    }
  },
})

async function plan(workers: readonly WorkerId[], session: Session, person: Io | null): Promise<readonly Retirement[]> {
  const { planRetire } = await import('../../operate/retire.ts')
  const results = await planRetire(workers, session)
  for (const result of results) person?.out(retireLine(result, person))
  return results
}

async function retireNow(
  workers: readonly WorkerId[],
  reason: string | undefined,
  session: Session,
  { env, stop, person }: Pick<CommandContext, 'env' | 'stop' | 'person'>,
): Promise<readonly Retirement[]> {
  const [{ retire }, { runningDispatchers }] = await Promise.all([
    import('../../operate/retire.ts'),
    import('../../observe/dispatchers.ts'),
  ])
  const actor = env['USER'] ?? env['LOGNAME'] ?? 'a person'
  const warning =
    (await runningDispatchers(session)).length > 0
      ? []
      : ['no dispatcher is running, so the wait does not end. In another terminal, run: burn start']
  return retire(workers, session, stop, {
    why: reason ?? `by ${actor}`,
    actor,
    onResult: (result) => person?.out(retireLine(result, person)),
    onWait: (left) => {
      if (left.length > 0) person?.err(...warning.splice(0), ...left.map((each) => `waiting: ${underWayText(each)}`))
    },
  })
}

const retireColours: Readonly<Record<RetireOutcome, Parameters<Io['paint']>[0]>> = {
  retired: 'green',
  already: 'gray',
  planned: 'cyan',
  under_way: 'yellow',
  blocked: 'red',
}

function retireLine({ worker, outcome, what }: Retirement, io: Io): string {
  return `${io.paint(retireColours[outcome], outcome.replace('_', ' ').padEnd(9))}  ${worker}  ${what}`
}

/** Returns the ids of the workers to retire. A full id may name a worker that the spec no longer has. */
async function leaving({ fleet, ledger }: Session, names: readonly string[]): Promise<WorkerId[]> {
  const known = new Set(names.some((name) => name.includes('/')) ? (await ledger.workers()).map(({ id }) => id) : [])
  const ids = names.flatMap((name) => {
    try {
      return workersNamed(fleet, name).map(({ id }) => id)
    } catch (thrown) {
      if (thrown instanceof BurnError && thrown.code === 'worker_unknown' && known.has(name)) return [name]
      throw thrown
    }
  })
  return [...new Set(ids)]
}

/** Returns the folders of workers that the spec has, as far as their machines answer. */
async function foldersOf(results: readonly Retirement[], { fleet }: Session): Promise<ReadonlyMap<WorkerId, WorkerFolder>> {
  const ids = new Set(results.map(({ worker }) => worker))
  const read = fleet.machines.map((machine) =>
    readFolders(
      machine,
      machine.windows.flatMap(({ workers }) => workers.filter(({ id }) => ids.has(id))),
    ),
  )
  return new Map((await Promise.all(read)).flatMap((folders) => [...(folders ?? [])]))
}
