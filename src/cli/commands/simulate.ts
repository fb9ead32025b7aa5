/** `burn simulate`: estimates how long this fleet takes for a backlog, and how long it takes with more machines. */
import { counted } from '../../core/text.ts'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { Session } from '../../observe/session.ts'
import type { Faults } from '../../simulate/faults.ts'
import type { Figures } from '../../simulate/figures.ts'
import type { Habits } from '../../simulate/habits.ts'
import type { SimulationInput } from '../../simulate/thread.ts'
import { keysOf, membersOf } from '../../core/json.ts'
import { BurnError, messageOf } from '../../core/errors.ts'
import { mapConcurrently } from '../../core/concurrency.ts'
import { writePrivateFile } from '../../host/private-files.ts'
import { durationMs, durationPattern } from '../../spec/units.ts'
import { command, done, type CommandContext } from '../command.ts'
import { progressOn, type Io } from '../io.ts'
import { machinesNamed } from '../named.ts'
import { plotted, svgOf } from '../plot.ts'
import { duration, table } from '../table.ts'
import { list, optional, parsePositive, parsedArg, parseDuration, usage, parseWholeNumber, type Parsed } from '../args.ts'

const args = {
  issues: optional(
    '--issues <n|file>',
    'Number of issues, or a file of JSON lines {"repo", "title", "labels"} (default: the open issues in the ledger)',
  ),
  hours: parsedArg('--hours <n>', 'Maximum simulated time in hours', parsePositive, 720),
  seed: parsedArg('--seed <n>', 'Seed of all random choices', parseWholeNumber, 1),
  add: list('--add <machine...>', 'Also simulate the fleet with a second copy of the named machine; repeatable'),
  turn: parsedArg('--turn <duration>', 'Median duration of a turn, such as 40m (default: from the ledger)', parseDuration, null),
  review: parsedArg('--review <duration>', 'Median duration of a review, such as 2h (default: from the ledger)', parseDuration, null),
  price: parsedArg('--price <amount>', 'Price of one hour of one agent, from which burn computes the cost', amount, null),
  faults: optional('--faults <kinds>', 'Faults to inject: "all", or kinds of faults, such as agent=2h,forge; "=2h" sets the mean interval'),
  dispatchers: parsedArg('--dispatchers <n>', 'Number of concurrent dispatchers', parsePositive, 1),
  svg: optional('--svg <file>', 'File for a plot of the open issues over time'),
}

type Options = Parsed<typeof args>

export const simulateCommand = command({
  args,
  examples: [
    'burn simulate',
    'burn simulate --issues 500 --turn 40m --add laptop',
    'burn simulate --issues 500 --faults all --seed 7 --svg night.svg',
  ],
  notes: [
    'burn simulate changes nothing in the fleet, on the forge or in the ledger.',
    'Exit codes: 0 done, 1 failed, 2 usage or spec error, 3 some issues were not done within --hours.',
  ],
  async run(deps, given) {
    const { session } = await deps.open()
    const result = await simulateFleets(session, given, deps)
    if (given.svg !== undefined) await writePrivateFile(resolve(deps.cwd, given.svg), svgFor(result.runs))
    return done(result, result.runs.every(({ finished }) => finished) ? 0 : 3)
  },
  present: (result, io, given) => io.out(...linesOf(result, given, io)),
})

function amount(word: string): number {
  if (!/^\d+(?:\.\d+)?$/.test(word)) throw usage(`${JSON.stringify(word)} must be a number, 0 or more`)
  return Number(word)
}

interface Run extends Figures {
  readonly fleet: string
  readonly workers: number
}

interface Simulated {
  readonly seed: number
  readonly issues: number
  readonly habits: Habits
  /** Number of turns in the ledger's history. If this number is too small, burn assumes the duration of a turn. `reviews_seen`: the same for reviews. */
  readonly turns_seen: number
  readonly reviews_seen: number
  readonly runs: readonly Run[]
}

async function simulateFleets(session: Session, options: Options, { common, io, stop, cwd }: CommandContext): Promise<Simulated> {
  const [{ simulateInThread }, { habitsOf }, { withOneMore }] = await Promise.all([
    import('../../simulate/thread.ts'),
    import('../../simulate/habits.ts'),
    import('../../simulate/synthetic.ts'),
  ])
  const { fleet, ledger, clock } = session
  const [issues, faults] = [await issuesFor(options.issues, session, cwd), await faultsNamed(options.faults)]
  const learned = habitsOf(await ledger.dispatchTimes(5000))
  const by = (median: number | null, known: Habits['turn']) => (median === null ? known : { median, spread: 0.5 })
  const habits = { ...learned.habits, turn: by(options.turn, learned.habits.turn), review: by(options.review, learned.habits.review) }
  const fleets = [{ name: 'as declared', fleet }]
  for (const machine of machinesNamed(fleet, options.add).slice(0, options.add.length)) {
    const last = fleets.at(-1) ?? { name: '', fleet }
    fleets.push({
      name: fleets.length === 1 ? `with another ${machine.name}` : `${last.name}, ${machine.name}`,
      fleet: withOneMore(last.fleet, machine),
    })
  }
  const progress = progressOn(io, common.json)
  const start = clock.now()
  const about = { issues, habits, faults, seed: options.seed, dispatchers: options.dispatchers, price: options.price }
  const progressOf = new Map<string, string>()
  const figures = await mapConcurrently(fleets, availableParallelism(), async (each): Promise<Run> => {
    const input = { ...about, fleet: each.fleet, start, longest: options.hours * 3_600_000 }
    const found = await simulateInThread(input, stop, ({ at, open }) => {
      progressOf.set(each.name, `${each.name}: ${duration(at - start)} simulated, ${open} open`)
      progress.say([...progressOf.values()].join('; '))
    })
    progressOf.delete(each.name)
    const workers = each.fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers)).length
    return { fleet: each.name, workers, ...found }
  }).finally(progress.end)
  return {
    seed: options.seed,
    issues: figures[0]?.issues ?? 0,
    habits,
    turns_seen: learned.turns,
    reviews_seen: learned.reviews,
    runs: figures,
  }
}

async function issuesFor(
  written: string | undefined,
  { fleet, ledger, clock, forge }: Session,
  cwd: string,
): Promise<SimulationInput['issues']> {
  const { syntheticIssue } = await import('../../simulate/synthetic.ts')
  if (written !== undefined && /^\d+$/.test(written)) return { count: Number(written), fleet }
  if (written !== undefined) {
    const lines = readIssueLines(resolve(cwd, written))
    const counts = new Map<string, number>()
    return lines.map(({ repo, ...rest }) => {
      const ref = repo.includes('/') ? repo : `${fleet.forge.owner}/${repo}`
      counts.set(ref, (counts.get(ref) ?? 0) + 1)
      return syntheticIssue({ ...rest, repo: ref, number: counts.get(ref) ?? 1 }, fleet, clock.now())
    })
  }
  const known = (await ledger.openIssues()).filter(({ standing }) => standing !== 'none').map(({ issue }) => ({ ...issue, comments: 0 }))
  if (known.length > 0) return known
  throw new BurnError(
    'simulate_no_issues',
    `the ledger has no open issue of the ${forge.kind} forge that this fleet may assign`,
    'run burn dispatch --dry-run first to read the forge, or set a number: --issues 500',
    { exit: 2 },
  )
}

type Line = { readonly repo: string; readonly title?: string; readonly labels?: string[] }

/** Reads a file with one issue per line, as JSON. Throws BurnError `issues_file` (exit 2). */
function readIssueLines(file: string): Line[] {
  const bad = (line: number, why: string) =>
    new BurnError(
      'issues_file',
      `${file}:${line}:1: ${why}`,
      'each line is an object like {"repo": "app", "title": "Fix it", "labels": ["bug"]}',
      { exit: 2 },
    )
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (thrown) {
    throw new BurnError('issues_file', `${file} can't be read: ${messageOf(thrown)}`, 'give a number of issues, or a file of JSON lines', {
      exit: 2,
    })
  }
  return text.split('\n').flatMap((line, index): Line[] => {
    if (line.trim() === '') return []
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch (thrown) {
      throw bad(index + 1, messageOf(thrown))
    }
    const { repo, title = `Issue ${index + 1}`, labels = [] } = membersOf(value)
    if (
      typeof repo !== 'string' ||
      typeof title !== 'string' ||
      !Array.isArray(labels) ||
      labels.some((label) => typeof label !== 'string')
    )
      throw bad(index + 1, '"repo" and "title" must be strings, and "labels" a list of strings')
    return [{ repo, title, labels }]
  })
}

/** Returns the mean interval of each named kind of fault (ms). Throws BurnError `fault_unknown` (exit 2). */
async function faultsNamed(text: string | undefined): Promise<Faults> {
  const { faultKinds } = await import('../../simulate/faults.ts')
  if (text === undefined) return new Map()
  const names = keysOf(faultKinds)
  const words = text === 'all' ? names : text.split(',')
  return new Map(
    words.map((word) => {
      const [name = '', mean] = word.split('=')
      const kind = names.find((each) => each === name)
      if (kind === undefined || (mean !== undefined && (!durationPattern.test(mean) || durationMs(mean) === 0)))
        throw new BurnError(
          'fault_unknown',
          `${JSON.stringify(word)} is not a kind of fault, or has a wrong interval`,
          `write "all", or one or more of ${names.join(', ')}; add a mean interval to a kind like this: agent=2h`,
          {
            exit: 2,
          },
        )
      return [kind, mean === undefined ? faultKinds[kind] : durationMs(mean)]
    }),
  )
}

const hours = (value: number | null) => (value === null ? 'never' : duration(value * 3_600_000))

function linesOf(simulated: Simulated, options: Options, io: Io): string[] {
  const { runs, issues, seed } = simulated
  const priced = options.price !== null
  const summary = runs.map((run) => [
    run.fleet,
    String(run.workers),
    run.finished ? hours(run.hours) : `not within ${hours(run.hours)}`,
    hours(run.work_hours),
    run.done_per_hour.toFixed(1),
    hours(run.wait_p50),
    hours(run.wait_p90),
    ...(priced ? [(run.cost ?? 0).toFixed(2)] : []),
  ])
  const head = ['FLEET', 'WORKERS', 'ALL DONE', 'WORK DONE', 'DONE/H', 'WAIT P50', 'WAIT P90', ...(priced ? ['COST'] : [])]
  const lanes = runs.flatMap(({ fleet, lanes: all }) =>
    all.map(({ lane, workers, idle, turns }) => [fleet, lane, String(workers), String(turns), `${Math.round(idle * 100)}%`]),
  )
  const [first] = runs
  const series = { label: 'open', points: (first?.samples ?? []).map(({ at, open }) => ({ x: at, y: open })) }
  const picture = plotted(series, Math.min(io.width, 100), 8, ['now', hours(first?.hours ?? 0)])
  return [
    `${counted(issues, 'issue')}, seed ${seed}. ${basisOf(simulated, options)}`,
    '',
    ...table(head, summary, io.width),
    '',
    ...table(['FLEET', 'LANE', 'WORKERS', 'TURNS', 'IDLE'], lanes, io.width),
    '',
    io.paint('bold', `Open issues, ${first?.fleet}`),
    ...picture.map((line, index) => (index < picture.length - 1 ? io.paint('cyan', line) : line)),
  ]
}

function basisOf({ habits, turns_seen, reviews_seen }: Simulated, options: Options): string {
  const median = (from: Habits['turn']) =>
    'median' in from ? duration(from.median) : duration(from.seen.toSorted((a, b) => a - b)[Math.floor(from.seen.length / 2)] ?? 0)
  const source = (given: boolean, learned: boolean, seen: number) =>
    given ? 'as given' : learned ? `from ${seen} in the ledger` : `assumed, because the ledger has only ${seen}`
  const turn = `Median turn ${median(habits.turn)} (${source(options.turn !== null, 'seen' in habits.turn, turns_seen)})`
  const review = `median review ${median(habits.review)} (${source(options.review !== null, 'seen' in habits.review, reviews_seen)})`
  return `${turn}, ${review}. ${Math.round(habits.changes * 100)} % of turns open a change, ${Math.round(habits.merged * 100)} % of changes are merged.`
}

function svgFor(runs: readonly Run[]): string {
  const all = runs.map(({ fleet, samples }) => {
    const began = samples[0]?.at ?? 0
    return { label: fleet, points: samples.map(({ at, open }) => ({ x: (at - began) / 3_600_000, y: open })) }
  })
  return svgOf('Open issues', all)
}
