/** `burn log`: prints events, newest last. With `--follow` it also prints new events. */
import { resolve } from 'node:path'
import type { ExportOptions } from '../../observe/telemetry-export.ts'
import type { Event, EventFilter, LogLevel } from '../../core/events.ts'
import type { Session } from '../../observe/session.ts'
import { eventKinds, eventText } from '../../decide/event-kinds.ts'
import { writePrivateFile } from '../../host/private-files.ts'
import { command, done } from '../command.ts'
import { aboutNames, eventLines } from '../log-lines.ts'
import { unknownNameError } from '../named.ts'
import { flag, list, optional, parsePositive, parsedArg, timeFrom, usage } from '../args.ts'

/** Default values of `--limit`. With `--since` it is larger, so that burn shows all events of a usual night. */
const defaultLimit = 40
const sinceLimit = 1000
/** Pause between two polls for new events (ms). A notification from another process ends the pause early. */
const pollInterval = 1000

export const logCommand = command({
  args: {
    names: list(
      '[name...]',
      'Workers, windows (mac/CRUCIBLE), lanes, machines, accounts, repos or issues whose events to show (default: all)',
    ),
    since: optional('--since <when>', 'Time of the first event to show, such as 2026-05-01T22:00, or its age, such as 8h or 2d'),
    kind: list('--kind <kind...>', 'Show only events of these kinds; "delivery.*" selects all kinds that begin with "delivery."'),
    issue: optional('--issue <issue>', 'Show only events of this issue'),
    worker: optional('--worker <worker>', 'Show only events of this worker, and of issues while it had them'),
    after: optional('--after <cursor>', 'Show only events after this cursor; --json prints the cursor of each event'),
    limit: parsedArg(
      '--limit <n>',
      `Maximum number of events to show: the newest events or, with --after, the oldest events (default: ${defaultLimit}; with --since: ${sinceLimit})`,
      parsePositive,
      undefined,
    ),
    format: optional('--format <format>', 'Export the events without their texts: jsonl or csv'),
    samples: flag('--samples', 'Export also the states of workers and machines, and the measured numbers'),
    output: optional('-o, --output <file>', 'File to write; burn replaces it (default: standard output)'),
    follow: flag('-F, --follow', 'Also show each new event, until Ctrl-C'),
  },
  examples: [
    'burn log --since 8h',
    'burn log ANN --since 8h',
    'burn log mac app#3 --json',
    "burn log ANN --kind 'delivery.*' --follow",
    'burn log --format csv --samples --since 7d --output telemetry.csv',
    'burn log kinds',
  ],
  notes: ['The newest event is the last line. With --json and --follow, burn log prints one object per line.'],
  async run({ open, emit, stop, clock, cwd, person }, given) {
    const format = formatOf(given)
    const { session } = await open()
    const { fleet, ledger } = session
    const groups = [given.names, [given.worker ?? []].flat(), [given.issue ?? []].flat()].filter((names) => names.length > 0)
    const filter: EventFilter = {
      kinds: given.kind.map(kindNamed),
      ...(given.since === undefined ? {} : { since: timeFrom(given.since, clock.now(), -1) }),
      about: await Promise.all(groups.map((names) => aboutNames(fleet, names, ledger))),
    }
    if (format !== null)
      return done<Shown>(await exported(session, { format, samples: given.samples, since: filter.since ?? 0, filter }, given.output, cwd))
    const limit = given.limit ?? (given.since === undefined ? defaultLimit : sinceLimit)
    const after = given.after === undefined ? {} : { after: given.after }
    const linesOf = person === null ? null : eventLines(fleet, person)
    if (!given.follow) {
      const events = await ledger.events({ ...filter, ...after, limit })
      if (events.length === 0) person?.err('no events match')
      return done<Shown>(linesOf === null ? { events: events.map(withText) } : { out: linesOf(events) })
    }
    const until = await ledger.horizon()
    const show = (events: readonly Event[]) => {
      if (linesOf === null) for (const event of events) emit(withText(event) satisfies ShownEvent)
      else person?.out(...linesOf(events))
    }
    // With --after, `follow` prints all events after the cursor, whatever the limit is.
    if (given.after === undefined) show(await ledger.events({ ...filter, until, limit }))
    await follow({ ...filter, after: given.after ?? until }, session, stop, show)
    return 0
  },
  present(result: Shown, io) {
    if ('lines' in result) io.write(result.lines)
    else if ('out' in result) io.out(...result.out)
    else if ('file' in result) io.out(`wrote ${result.file}`)
  },
})

export const logKindsCommand = command({
  args: {},
  run: async () => done(eventReference().trimEnd()),
  present: (text, io) => io.write(`${text}\n`),
})

type ShownEvent = Event & { readonly text: string }

type Shown =
  | { readonly events: readonly ShownEvent[] }
  | { readonly out: readonly string[] }
  | { readonly lines: string }
  | { readonly file: string }

interface ExportArgs {
  readonly format: string | undefined
  readonly samples: boolean
  readonly output: string | undefined
  readonly follow: boolean
  readonly limit: number | undefined
  readonly after: string | undefined
}

/** Returns the format of an export; null if the command prints events. Throws BurnError (exit 2) if the options do not fit together. */
function formatOf({ format, samples, output, follow: follows, limit, after }: ExportArgs): ExportOptions['format'] | null {
  if (format === undefined) {
    if (samples || output !== undefined) throw usage('--samples and --output need --format', 'add --format jsonl or --format csv')
    return null
  }
  if (format !== 'jsonl' && format !== 'csv') throw usage(`unknown format ${JSON.stringify(format)}`, 'write jsonl or csv')
  if (follows || limit !== undefined || after !== undefined)
    throw usage('--format exports all events of the period', 'leave out --follow, --limit and --after')
  return format
}

async function exported(session: Session, options: ExportOptions, output: string | undefined, cwd: string): Promise<Shown> {
  const { exportLines } = await import('../../observe/telemetry-export.ts')
  const lines = exportLines(session, options)
  if (output === undefined) {
    let text = ''
    for await (const line of lines) text += line
    return { lines: text }
  }
  const file = resolve(cwd, output)
  const { assertUntracked } = await import('../../observe/untracked.ts')
  await assertUntracked(file, file, session)
  await writePrivateFile(file, lines)
  return { file }
}

const withText = (event: Event): ShownEvent => ({ ...event, text: eventText(event) })

/** Maximum number of events per query. */
const pageSize = 500

async function follow(
  { after: from, ...filter }: EventFilter & { readonly after: string },
  session: Session,
  stop: AbortSignal,
  onEvents: (events: readonly Event[]) => void,
): Promise<void> {
  const { pauseUntilChange } = await import('../../cycle/loop.ts')
  for (let after = from; !stop.aborted;) {
    const until = await session.ledger.horizon()
    const events = await session.ledger.events({ ...filter, after, until, limit: pageSize })
    if (events.length > 0) onEvents(events)
    const full = events.length === pageSize
    after = full ? (events.at(-1)?.cursor ?? until) : until
    if (!full) await pauseUntilChange(pollInterval, session, stop)
  }
}

/** Returns `kind`: an event kind, or a prefix with a trailing `*`. Throws BurnError `kind_unknown` (exit 2) if it matches no kind. */
function kindNamed(kind: string): string {
  const kinds = Object.keys(eventKinds)
  const isKnown = kind.endsWith('*') ? kinds.some((each) => each.startsWith(kind.slice(0, -1))) : kinds.includes(kind)
  if (!isKnown) throw unknownNameError('kind', kind, kinds)
  return kind
}

/** Returns all event kinds as Markdown. docs/reference/events.md is a copy of this text. */
export function eventReference(): string {
  const kinds = Object.entries<Described>(eventKinds)
  const stored = kinds.filter(([, { fleeting }]) => fleeting !== true)
  const printedOnly = kinds.filter(([, { fleeting }]) => fleeting === true)
  return `${head}\n${rowsOf(stored)}\n${printedOnlyHead}\n${rowsOf(printedOnly)}`
}

interface Described {
  readonly meaning: string
  readonly payload: Readonly<Record<string, string>>
  readonly level?: LogLevel
  readonly fleeting?: true
}

function rowsOf(kinds: readonly (readonly [string, Described])[]): string {
  const rows = kinds.map(([kind, { meaning, payload, level }]) => {
    const fields = Object.entries(payload).map(([field, description]) => `\`${field}\`: ${description}`)
    return `| \`${kind}\` | ${meaning} | ${fields.join('<br>')} | ${level ?? ''} |\n`
  })
  return `| kind | meaning | payload | level |\n|---|---|---|---|\n${rows.join('')}`
}

const head = `# Events

\`burn log kinds\` prints this page. For each change of its data the ledger stores an event, in the same transaction. \`burn log --json\` prints events with these fields:

- \`cursor\`: the position of the event. \`burn log --after CURSOR\` prints all events after this position, and misses no event, even while other processes write.
- \`at\`: the time (ISO 8601, UTC).
- \`kind\`: the kind of event. \`subject\`: the dispatch, delivery, issue, repo, worker or machine that changed.
- \`issue\`, \`worker\`: the issue and the worker of the event, or null.
- \`actor\`: \`burn\`, \`person\` or \`forge\`; null in events from older versions of burn.
- \`payload\`: the data of the event; its fields depend on the kind. burn prints a \`reason\` as a sentence, with its stable code in \`reason_code\`. Events from older versions of burn have the code \`prose\`.
- \`text\`: the payload in words.

If the column "level" of an event kind is not empty, burn also prints the event to standard error when the event happens. If a problem lasts, burn stores an event about it at most once an hour.
`
const printedOnlyHead = `## Events that are printed but not stored

burn prints these events to standard error only. \`BURN_LOG=json\` prints each line as a JSON object with the fields \`time\`, \`level\`, \`subject\`, \`text\`, \`kind\` and \`payload\`.
\`BURN_LOG=warn\` omits lines below the level \`warn\`. \`BURN_LOG=json,warn\` combines both settings. No line contains secrets.
`
