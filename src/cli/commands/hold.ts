/** `burn hold` and `burn resume`: stop new work for parts of the fleet, and allow new work again. */
import type { HoldTarget } from '../../operate/hold.ts'
import type { UnderWay } from '../../decide/under-way.ts'
import type { Session } from '../../observe/session.ts'
import type { Io } from '../io.ts'
import { counted } from '../../core/text.ts'
import { heldName, toSecond } from '../../decide/wording.ts'
import { underWayText } from '../../decide/under-way.ts'
import { command, done } from '../command.ts'
import { flag, list, optional, timeFrom, usage } from '../args.ts'

const names = list('<target...>', 'Workers, windows (mac/CRUCIBLE), lanes, machines, accounts or repos, or "all" for the whole fleet')

export const holdCommand = command({
  args: {
    names,
    until: optional('--until <when>', 'End of the hold: 08:00, 2h or 2026-12-24T08:00Z (default: until burn resume)'),
    drain: flag('--drain', 'Let the running work end: burn still sends texts about it'),
    wait: flag('--wait', 'With --drain: return when nothing is under way'),
    reason: optional('--reason <text>', 'Reason for the hold, for other people to read'),
  },
  examples: [
    'burn hold AZOTH --reason "trying something in its pane"',
    'burn hold mac/CRUCIBLE bugs --until 2h',
    'burn hold mac --drain --wait && ssh mac sudo reboot',
    'burn hold all --until 08:00',
  ],
  notes: [
    'Without --drain, a hold also stops texts to the workers. An agent continues its present turn.',
    '--wait needs a running dispatcher (burn start), which notices when work ends. A change in review is not under way.',
    'Exit codes: 0 done, 1 failed, 2 usage or spec error, 3 --wait ended while work was under way.',
  ],
  async run({ open, env, clock, stop, person }, given) {
    if (given.wait && !given.drain) throw usage('--wait needs --drain', 'write --drain --wait')
    const { session } = await open()
    const { holdTargets, holdByHand } = await import('../../operate/hold.ts')
    const held = holdTargets(session.fleet, given.names)
    const until = given.until === undefined ? null : untilGiven(given.until, clock.now())
    const hold = given.reason ?? 'by a person'
    const actor = env['USER'] ?? env['LOGNAME'] ?? 'a person'
    await holdByHand(held, { reason: { code: 'prose', text: hold }, until, actor, drain: given.drain }, session)
    const result: HoldReport = { held, hold, drain: given.drain, until: until === null ? null : new Date(until).toISOString() }
    if (!given.wait) return done(result)
    if (person !== null) showHeld(result, person)
    const left = await waitUntilDrained({ targets: held, until }, session, stop, person)
    return done<HoldReport>({ ...result, under_way: left }, left.length === 0 ? 0 : 3)
  },
  present(report: HoldReport, io) {
    const left = report.under_way
    if (left === undefined) return showHeld(report, io)
    io.out(left.length === 0 ? 'drained: nothing is under way' : `stopped waiting: ${counted(workersOf(left), 'worker')} still at work`)
  },
})

export const resumeCommand = command({
  args: { names },
  examples: ['burn resume AZOTH', 'burn resume mac bugs', 'burn resume all'],
  async run({ open }, given) {
    const { session } = await open()
    const { holdTargets, resumeByHand } = await import('../../operate/hold.ts')
    const named = holdTargets(session.fleet, given.names)
    const ended = await resumeByHand(named, session)
    return done({ named, resumed: ended.map(({ scope, name }) => ({ scope, name })) })
  },
  present({ named, resumed }, io) {
    if (resumed.length === 0)
      io.out(`there was no hold on ${named.map(({ scope, name }) => heldName(scope, name)).join(', ')}. burn status lists other holds`)
    for (const { scope, name } of resumed) io.out(`${heldName(scope, name)} gets work again`)
  },
})

interface HoldReport {
  readonly held: readonly HoldTarget[]
  readonly hold: string
  readonly drain: boolean
  readonly until: string | null
  /** The work that was under way when the wait ended; absent without --wait. */
  readonly under_way?: readonly UnderWay[]
}

function showHeld({ held, hold, drain, until }: HoldReport, io: Io): void {
  const state = drain ? 'gets no new work' : 'is held'
  for (const { scope, name } of held)
    io.out(`${heldName(scope, name)} ${state}${until === null ? '' : ` until ${toSecond(Date.parse(until))}`}: ${hold}`)
}

/** Waits until nothing is under way for the targets, until the hold ends, or until `stop` is aborted. Returns the work that is left. */
async function waitUntilDrained(
  { targets, until }: { readonly targets: readonly HoldTarget[]; readonly until: number | null },
  session: Session,
  stop: AbortSignal,
  person: Io | null,
): Promise<readonly UnderWay[]> {
  const [{ partOf, untilDrained }, { runningDispatchers }] = await Promise.all([
    import('../../operate/drain.ts'),
    import('../../observe/dispatchers.ts'),
  ])
  const warning =
    (await runningDispatchers(session)).length > 0
      ? []
      : ['no dispatcher is running, so the wait does not end. In another terminal, run: burn start']
  return untilDrained(partOf(targets, session.fleet), session, stop, {
    isOver: () => until !== null && session.clock.now() >= until,
    onChange: (left) => {
      if (left.length > 0) person?.err(...warning.splice(0), ...progressLines(left))
    },
  })
}

/** The number of workers that a progress message names. */
const shown = 3

function progressLines(left: readonly UnderWay[]): string[] {
  const more = left.length - shown
  const named = left.slice(0, shown).map((each) => `  ${underWayText(each)}`)
  return [`waiting for ${counted(workersOf(left), 'worker')}:`, ...named, ...(more > 0 ? [`  … and ${more} more`] : [])]
}

/** Returns the number of workers with work under way. A worker may have several issues. */
function workersOf(left: readonly UnderWay[]): number {
  return new Set(left.map(({ worker }) => worker)).size
}

function untilGiven(written: string, now: number): number {
  const time = timeFrom(written, now, 1)
  if (time > now) return time
  throw usage(`--until: ${JSON.stringify(written)} is not in the future`, 'write --until 2h, --until 08:00 or --until 2026-12-24T08:00Z')
}
