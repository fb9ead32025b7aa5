/** `burn log`: what happened, the newest last, and what happens from now on. */
import type { Event, EventFilter, LogLevel } from '../../core/events.ts'
import type { Fleet, WorkerId } from '../../core/nouns.ts'
import type { Session } from '../../observe/session.ts'
import type { Io } from '../io.ts'
import { eventKinds, eventText } from '../../decide/event-kinds.ts'
import { oneLine } from '../../core/text.ts'
import { command, done } from '../command.ts'
import { issueNamed, unknownNameError, workerNamed } from '../named.ts'
import { flag, list, optional, positive, parsedArg, timeFrom } from '../args.ts'

/** Events that are shown if nothing says how many: with a time, all since then in any usual night. */
const few = 40
const many = 1000
/** Pause between two looks for new events (ms), where no other process tells of them. */
const poll = 1000

export const logCommand = command({
  args: {
    since: optional('--since <when>', 'only since then: 8h, 2d, or a time such as 2026-05-01T22:00'),
    kind: list('--kind <kind...>', "only of these kinds, or of those that begin so: 'delivery.*'"),
    issue: optional('--issue <issue>', 'only about this issue'),
    worker: optional('--worker <worker>', 'only about this worker'),
    after: optional('--after <cursor>', 'only after this event: the cursor that --json prints with each'),
    limit: parsedArg(
      '--limit <n>',
      `at most so many, the newest (default: ${few}, with --since ${many}); with --after the oldest`,
      positive,
      undefined,
    ),
    follow: flag('-F, --follow', 'go on with what happens, until Ctrl-C'),
  },
  examples: [
    'burn log --since 8h',
    "burn log --worker ANN --kind 'delivery.*' --follow",
    'burn log --issue app#3 --json',
    'burn log kinds',
  ],
  notes: ['The newest event is the last line. With --json, --follow prints an object a line.'],
  async run({ open, emit, stop, clock }, given) {
    const { session } = await open()
    const { fleet, ledger } = session
    const filter: EventFilter = {
      kinds: given.kind.map(known),
      ...(given.since === undefined ? {} : { since: timeFrom(given.since, clock.now(), -1) }),
      ...(given.issue === undefined ? {} : { issue: issueNamed(fleet, given.issue) }),
      ...(given.worker === undefined ? {} : { worker: workerOf(given.worker, fleet) }),
    }
    const limit = given.limit ?? (given.since === undefined ? few : many)
    const after = given.after === undefined ? {} : { after: given.after }
    if (!given.follow) return done<Shown>({ events: (await ledger.events({ ...filter, ...after, limit })).map(withText) })
    const until = await ledger.horizon()
    // With a cursor nothing may be left out: what does not fit comes with the next pages.
    const tell = (events: readonly Event[]) => events.map(withText).forEach((event) => emit(event satisfies Told))
    if (given.after === undefined) tell(await ledger.events({ ...filter, until, limit }))
    await follow({ ...filter, after: given.after ?? until }, session, stop, tell)
    return 0
  },
  present: (result: Shown | Told, io) => io.out(...('events' in result ? result.events : [result]).map((event) => line(event, io))),
})

export const logKindsCommand = command({
  args: {},
  run: async () => done(eventReference().trimEnd()),
  present: (text, io) => io.write(`${text}\n`),
})

type Told = Event & { readonly text: string }

interface Shown {
  readonly events: readonly Told[]
}

const withText = (event: Event): Told => ({ ...event, text: eventText(event) })

/** Events a page. */
const page = 500

async function follow(
  { after: from, ...filter }: EventFilter & { readonly after: string },
  session: Session,
  stop: AbortSignal,
  onEvents: (events: readonly Event[]) => void,
): Promise<void> {
  const { pauseUntilChange } = await import('../../cycle/loop.ts')
  for (let after = from; !stop.aborted;) {
    const until = await session.ledger.horizon()
    const events = await session.ledger.events({ ...filter, after, until, limit: page })
    if (events.length > 0) onEvents(events)
    const full = events.length === page
    after = full ? (events.at(-1)?.cursor ?? until) : until
    if (!full) await pauseUntilChange(poll, session, stop)
  }
}

function line({ at, kind, subject, issue, worker, text }: Told, io: Io): string {
  const about = [issue ?? (worker === null ? subject : null), worker].filter((each) => each !== null).join('  ')
  return [new Date(at).toISOString().replace(/\.\d+/, ''), io.paint('cyan', kind), about, oneLine(text, 240)].join('  ').trimEnd()
}

/** A worker of the spec by its name; any other, such as a sprint's, by its id. */
function workerOf(name: string, fleet: Fleet): WorkerId {
  return name.split('/').length === 3 ? name : workerNamed(fleet, name).id
}

/** A kind, or a beginning with a trailing glob, that some event has. Throws BurnError `kind_unknown` (exit 2). */
function known(kind: string): string {
  const kinds = Object.keys(eventKinds)
  const fits = kind.endsWith('*') ? kinds.some((each) => each.startsWith(kind.slice(0, -1))) : kinds.includes(kind)
  if (!fits) throw unknownNameError('kind', kind, kinds)
  return kind
}

/** Markdown; checked in as docs/reference/events.md. */
export function eventReference(): string {
  const kinds = Object.entries<Described>(eventKinds)
  const kept = kinds.filter(([, { fleeting }]) => fleeting !== true)
  const told = kinds.filter(([, { fleeting }]) => fleeting === true)
  return `${head}\n${rowsOf(kept)}\n${toldHead}\n${rowsOf(told)}`
}

interface Described {
  readonly meaning: string
  readonly payload: Readonly<Record<string, string>>
  readonly level?: LogLevel
  readonly fleeting?: true
}

function rowsOf(kinds: readonly (readonly [string, Described])[]): string {
  const rows = kinds.map(([kind, { meaning, payload, level }]) => {
    const fields = Object.entries(payload).map(([field, says]) => `\`${field}\`: ${says}`)
    return `| \`${kind}\` | ${meaning} | ${fields.join('<br>')} | ${level ?? ''} |\n`
  })
  return `| kind | meaning | payload | told |\n|---|---|---|---|\n${rows.join('')}`
}

const head = `# Events

Made by \`burn log kinds\`. The ledger keeps an event for everything that changes, in the same transaction. \`burn log\` prints them, \`burn log --json\` with:

- \`cursor\`: the position of the event. \`burn log --after CURSOR\` goes on after it and misses nothing, whatever other processes write meanwhile.
- \`at\`: the time (ms). \`kind\`, \`subject\`: what happened, and to which dispatch, delivery, issue, repo, worker or machine. \`issue\`, \`worker\`: what it is about.
- \`actor\`: \`burn\`, \`person\` or \`forge\`; null in events that an older version wrote.
- \`payload\`: the data of the kind. A \`reason\` is printed as its sentence, with its stable code beside it (\`reason_code\`). Of an older version's event: \`prose\`.
- \`text\`: the payload in words.

A kind with a level in the last column is also told while it happens, as a line on standard error. Trouble that lasts is kept once an hour at most.
`
const toldHead = `## Told, and not kept

These are lines on standard error alone. \`BURN_LOG=json\` makes every line a JSON object (\`time\`, \`level\`, \`subject\`, \`text\`, \`kind\`, \`payload\`); \`BURN_LOG=warn\` leaves out what is below
that level; \`BURN_LOG=json,warn\` does both. Secrets are left out of every line.
`
