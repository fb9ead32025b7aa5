/** `burn simulate`: how long a backlog takes with this fleet, and with another. */
import { Command, InvalidArgumentError } from 'commander'
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { Session } from '../../observe/session.ts'
import type { Faults } from '../../simulate/faults.ts'
import type { Figures } from '../../simulate/figures.ts'
import type { Habits } from '../../simulate/habits.ts'
import type { Order } from '../../simulate/thread.ts'
import type { CommonOptions, Context } from '../context.ts'
import { BurnError } from '../../core/errors.ts'
import { mapBounded } from '../../core/bounded.ts'
import { durationMs, durationPattern } from '../../spec/duration.ts'
import { machinesNamed, positive, wholeNumber, withCommon, withSession } from '../context.ts'
import { progressOn } from '../progress.ts'
import { duration, table } from '../table.ts'

interface Options extends CommonOptions {
  readonly issues?: string
  readonly hours: number
  readonly seed: number
  readonly faults?: string
  readonly add: readonly string[]
  readonly dispatchers: number
  readonly turn?: number
  readonly review?: number
  readonly price?: number
  readonly svg?: string
}

const examples = `
Examples:
  burn simulate
  burn simulate --issues 500 --turn 40m --add laptop
  burn simulate --issues 500 --faults all --seed 7 --svg night.svg`

export function simulateCommand(context: Context): Command {
  return withCommon(new Command('simulate'))
    .description(
      'how long the backlog takes: the real loop and ledger against simulated machines, agents and forge; nothing of the fleet is touched',
    )
    .option(
      '--issues <n|file>',
      'so many issues, spread over the repos; or a file of JSON lines {"repo", "title", "labels"} (default: the open ones that the ledger knows)',
    )
    .option('--hours <n>', 'how much time is simulated at most', positive, 720)
    .option('--seed <n>', 'decides all that is left to chance', wholeNumber, 1)
    .option('--add <machine...>', 'once more with another machine like this one; may be given several times', [])
    .option('--turn <duration>', "how long an agent works on an issue, half of the time (default: as in the ledger's history)", span)
    .option('--review <duration>', 'how long a change is in review, half of the time (default: likewise)', span)
    .option('--price <amount>', 'what an hour of one agent at work costs', amount)
    .option('--faults <kinds>', 'what goes wrong: all, or kinds with how often: agent=2h,forge,dispatcher (docs/simulate.md)')
    .option('--dispatchers <n>', 'how many burn dispatch run side by side', positive, 1)
    .option('--svg <file>', 'write the picture there')
    .addHelpText('after', examples)
    .action((options: Options) =>
      withSession(context, options, async (session) => {
        const { figures, basis } = await simulated(session, options, context)
        if (options.svg !== undefined) await writeSvg(resolve(context.cwd, options.svg), figures)
        if (options.json) context.io.out(JSON.stringify({ seed: options.seed, ...basis, runs: figures }))
        else for (const line of await told(figures, basis, options, context)) context.io.out(line)
        return figures.every(({ finished }) => finished) ? 0 : 3
      }),
    )
}

function span(text: string): number {
  if (!durationPattern.test(text)) throw new InvalidArgumentError('write it like 40m, 2h or 1h30m.')
  return durationMs(text)
}

function amount(text: string): number {
  if (!/^\d+(?:\.\d+)?$/.test(text)) throw new InvalidArgumentError('it must be a number, 0 or more.')
  return Number(text)
}

type Run = Figures & { readonly fleet: string; readonly workers: number }

interface Basis {
  readonly issues: number
  readonly habits: Habits
  /** How many turns and reviews of the ledger's history they were learnt from. */
  readonly turns_seen: number
  readonly reviews_seen: number
}

async function simulated(session: Session, options: Options, { io, self, stop, cwd }: Context): Promise<{ figures: Run[]; basis: Basis }> {
  const [{ inThread }, { habitsOf }, { withOneMore }] = await Promise.all([
    import('../../simulate/thread.ts'),
    import('../../simulate/habits.ts'),
    import('../../simulate/suppose.ts'),
  ])
  const { fleet, ledger, clock } = session
  const [issues, faults] = [await issuesFor(options.issues, session, cwd), await faultsNamed(options.faults)]
  const learnt = habitsOf(await ledger.worked(5000))
  const by = (median: number | undefined, known: Habits['turn']) => (median === undefined ? known : { median, spread: 0.5 })
  const habits = { ...learnt.habits, turn: by(options.turn, learnt.habits.turn), review: by(options.review, learnt.habits.review) }
  const fleets = [{ name: 'as declared', fleet }]
  for (const machine of machinesNamed(fleet, options.add).slice(0, options.add.length)) {
    const last = fleets.at(-1) ?? { name: '', fleet }
    fleets.push({
      name: fleets.length === 1 ? `and another ${machine.name}` : `${last.name}, ${machine.name}`,
      fleet: withOneMore(last.fleet, machine),
    })
  }
  const progress = progressOn(io, options.json === true)
  const start = clock.now()
  const about = { issues, habits, faults, seed: options.seed, dispatchers: options.dispatchers, price: options.price ?? null }
  const stands = new Map<string, string>()
  const figures = await mapBounded(fleets, availableParallelism(), async (each): Promise<Run> => {
    const order = { ...about, fleet: each.fleet, start, longest: options.hours * 3_600_000 }
    const found = await inThread(self[1] ?? '', order, stop, ({ at, open }) => {
      stands.set(each.name, `${each.name}: ${duration(at - start)} simulated, ${open} open`)
      progress.say([...stands.values()].join('; '))
    })
    stands.delete(each.name)
    const workers = each.fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers)).length
    return { fleet: each.name, workers, ...found }
  }).finally(progress.end)
  return { figures, basis: { issues: figures[0]?.issues ?? 0, habits, turns_seen: learnt.turns, reviews_seen: learnt.reviews } }
}

async function issuesFor(written: string | undefined, { fleet, ledger, clock, forge }: Session, cwd: string): Promise<Order['issues']> {
  const { supposedIssue } = await import('../../simulate/suppose.ts')
  if (written !== undefined && /^\d+$/.test(written)) return { count: Number(written), fleet }
  if (written !== undefined) {
    const lines = linesOf(resolve(cwd, written))
    const counts = new Map<string, number>()
    return lines.map(({ repo, ...rest }) => {
      const ref = repo.includes('/') ? repo : `${fleet.forge.owner}/${repo}`
      counts.set(ref, (counts.get(ref) ?? 0) + 1)
      return supposedIssue(ref, counts.get(ref) ?? 1, fleet, clock.now(), rest)
    })
  }
  const known = (await ledger.open()).filter(({ standing }) => standing !== 'none').map(({ issue }) => ({ ...issue, comments: 0 }))
  if (known.length > 0) return known
  throw new BurnError(
    'simulate_no_issues',
    `the ledger knows no open issue of the fleet's on this ${forge.kind} forge`,
    'let burn dispatch --dry-run read the forge first, or say how many: --issues 500',
    { exit: 2 },
  )
}

type Line = { readonly repo: string; readonly title?: string; readonly labels?: string[] }

function linesOf(file: string): Line[] {
  const bad = (line: number, why: string) =>
    new BurnError(
      'issues_file',
      `${file}:${line}:1: ${why}`,
      'each line is an object like {"repo": "app", "title": "Mend it", "labels": ["bug"]}',
      { exit: 2 },
    )
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (thrown) {
    throw new BurnError(
      'issues_file',
      `${file} can't be read: ${(thrown as Error).message}`,
      'give a number of issues, or a file of JSON lines',
      { exit: 2 },
    )
  }
  return text.split('\n').flatMap((line, index): Line[] => {
    if (line.trim() === '') return []
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch (thrown) {
      throw bad(index + 1, (thrown as Error).message)
    }
    const { repo, title = `Issue ${index + 1}`, labels = [] } = (value ?? {}) as Partial<Line>
    if (
      typeof repo !== 'string' ||
      typeof title !== 'string' ||
      !Array.isArray(labels) ||
      labels.some((label) => typeof label !== 'string')
    )
      throw bad(index + 1, '"repo" and "title" must be texts, and "labels" a list of texts')
    return [{ repo, title, labels }]
  })
}

async function faultsNamed(text: string | undefined): Promise<Faults> {
  const { faultKinds } = await import('../../simulate/faults.ts')
  if (text === undefined) return new Map()
  const names = Object.keys(faultKinds) as (keyof typeof faultKinds)[]
  const words = text === 'all' ? names : text.split(',')
  return new Map(
    words.map((word) => {
      const [name = '', mean] = word.split('=')
      const kind = names.find((each) => each === name)
      if (kind === undefined || (mean !== undefined && (!durationPattern.test(mean) || durationMs(mean) === 0)))
        throw new BurnError(
          'fault_unknown',
          `${JSON.stringify(word)} is no kind of fault`,
          `write all, or some of ${names.join(', ')}, each with how often: agent=2h`,
          {
            exit: 2,
          },
        )
      return [kind, mean === undefined ? faultKinds[kind] : durationMs(mean)]
    }),
  )
}

const hours = (value: number | null) => (value === null ? 'never' : duration(value * 3_600_000))

async function told(runs: readonly Run[], basis: Basis, options: Options, { io }: Context): Promise<string[]> {
  const { plotted } = await import('../plot.ts')
  const priced = options.price !== undefined
  const summary = runs.map((run) => [
    run.fleet,
    String(run.workers),
    run.finished ? hours(run.hours) : `not in ${hours(run.hours)}`,
    hours(run.work_hours),
    run.done_per_hour.toFixed(1),
    hours(run.wait_half),
    hours(run.wait_nine_tenths),
    ...(priced ? [(run.cost ?? 0).toFixed(2)] : []),
  ])
  const head = ['FLEET', 'WORKERS', 'ALL DONE', 'WORK DONE', 'DONE/H', 'WAIT 1/2', 'WAIT 9/10', ...(priced ? ['COST'] : [])]
  const lanes = runs.flatMap(({ fleet, lanes: all }) =>
    all.map(({ lane, workers, idle, turns }) => [fleet, lane, String(workers), String(turns), `${Math.round(idle * 100)}%`]),
  )
  const [first] = runs
  const course = { label: 'open', points: (first?.samples ?? []).map(({ at, open }) => ({ x: at, y: open })) }
  const picture = plotted(course, Math.min(io.width, 100), 8, ['now', hours(first?.hours ?? 0)])
  return [
    `${basis.issues} issues, seed ${options.seed}. ${basisOf(basis, options)}`,
    '',
    ...table(head, summary, io.width),
    '',
    ...table(['FLEET', 'LANE', 'WORKERS', 'TURNS', 'IDLE'], lanes, io.width),
    '',
    io.paint('bold', `Open issues, ${first?.fleet}`),
    ...picture.map((line, index) => (index < picture.length - 1 ? io.paint('cyan', line) : line)),
  ]
}

function basisOf({ habits, turns_seen, reviews_seen }: Basis, options: Options): string {
  const half = ({ turn: from }: { turn: Habits['turn'] }) =>
    'median' in from ? duration(from.median) : duration(from.seen.toSorted((a, b) => a - b)[Math.floor(from.seen.length / 2)] ?? 0)
  const source = (given: boolean, learnt: boolean, seen: number) =>
    given ? 'as given' : learnt ? `as in ${seen} of the ledger` : `assumed: the ledger saw ${seen}`
  const turn = `Turns of ${half({ turn: habits.turn })} (${source(options.turn !== undefined, 'seen' in habits.turn, turns_seen)})`
  const review = `reviews of ${half({ turn: habits.review })} (${source(options.review !== undefined, 'seen' in habits.review, reviews_seen)})`
  return `${turn}, ${review}; ${Math.round(habits.changes * 100)} % of turns bring a change, ${Math.round(habits.merged * 100)} % of those are merged.`
}

async function writeSvg(file: string, runs: readonly Run[]): Promise<void> {
  const { svgOf } = await import('../plot.ts')
  const courses = runs.map(({ fleet, samples }) => {
    const began = samples[0]?.at ?? 0
    return { label: fleet, points: samples.map(({ at, open }) => ({ x: (at - began) / 3_600_000, y: open })) }
  })
  writeFileSync(file, svgOf('Open issues', courses))
}
