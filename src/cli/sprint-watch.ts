/** `burn sprint list --watch`: running sprints, recent ends, and the success rate of each backend and model, live. */
import type { Sprint } from '../core/sprint.ts'
import type { Session } from '../observe/session.ts'
import type { CommandContext } from './command.ts'
import type { Io } from './io.ts'
import { counted, oneLine } from '../core/text.ts'
import { lastEntries, type TranscriptLine } from '../sprint/results.ts'
import { readKeys, type PressedKey } from './keys.ts'
import { fitHeight, LiveScreen } from './live-screen.ts'
import { argumentsText, endLine } from './sprint-lines.ts'
import { duration, shortCount } from './table.ts'
import { fit } from './wrap.ts'

/** A sprint at one time. */
export interface SprintNow {
  readonly id: string
  readonly issue: string
  readonly worker: string
  readonly stage: Sprint['stage']
  readonly backend: string | null
  readonly model: string | null
  /** The turns and tokens up to now. While a turn lasts, burn may know only a part of them. */
  readonly turns: number
  readonly tokens: number
  /** The last tool call; null if there was none, or if another machine has the transcript. */
  readonly last_call: { readonly at: string; readonly tool: string; readonly args: string; readonly ok: boolean } | null
  readonly started_at: string
  readonly ended_at: string | null
  readonly outcome: Sprint['outcome']
  readonly failure: Sprint['failure']
  readonly change_url: string | null
}

interface SprintsNow {
  readonly running: readonly SprintNow[]
  /** Sprints that have ended, newest first. */
  readonly ended: readonly Sprint[]
}

type Filter = Omit<Parameters<Session['ledger']['sprints']>[0], 'live' | 'limit'>

/** The number of sprints from which burn computes success rates. */
const rated = 200
/** The number of ends that the screen shows. */
const shownEnds = 8

/**
 * Shows sprints until Ctrl-C or `q`. On a terminal it draws a screen; otherwise it emits a sprint whenever the sprint changes. `interval`:
 * the pause between two readings (ms). Throws BurnError `ledger_*`.
 */
export async function watchSprints(
  { emit, person, clock, stop }: Pick<CommandContext, 'emit' | 'person' | 'clock' | 'stop'>,
  session: Session,
  filter: Filter,
  interval: number,
): Promise<0> {
  // A screen reads the keys, so Ctrl-C is a key and sends no signal.
  const quit = new AbortController()
  const isQuit = (key: PressedKey) => key.name === 'interrupt' || (key.name === 'text' && key.text === 'q')
  const onKeys = (text: string) => void (readKeys(text, true).keys.some(isQuit) && quit.abort())
  const screen = person?.draws === true ? new LiveScreen(person, { onKeys }) : null
  const over = AbortSignal.any([stop, quit.signal])
  const emitted = new Map<string, string>()
  const began = clock.now()
  try {
    do {
      const news = await readSprints(session, filter)
      if (screen !== null) screen.draw((io, height) => screenLines(news, io, { height, now: clock.now() }))
      else {
        const ends = news.ended.filter(({ id, ended_at }) => emitted.has(id) || (ended_at ?? 0) >= began)
        for (const row of [...news.running, ...ends.map((sprint) => sprintNow(sprint, []))]) {
          const text = JSON.stringify(row)
          if (emitted.get(row.id) !== text) emit(row)
          emitted.set(row.id, text)
        }
      }
      await clock.sleep(interval, over)
    } while (!over.aborted)
  } finally {
    screen?.close()
  }
  return 0
}

async function readSprints({ ledger, fleet }: Session, filter: Filter): Promise<SprintsNow> {
  const [running, newest] = await Promise.all([ledger.sprints({ ...filter, live: true }), ledger.sprints({ ...filter, limit: rated })])
  const dir = fleet.sprint?.dir
  const entries = (id: string) => (dir === undefined ? Promise.resolve([]) : lastEntries(dir, id))
  return {
    running: await Promise.all(running.map(async (sprint) => sprintNow(sprint, await entries(sprint.id)))),
    ended: newest.filter(({ ended_at }) => ended_at !== null),
  }
}

function sprintNow(sprint: Sprint, entries: readonly TranscriptLine[]): SprintNow {
  const { id, issue, worker, stage, backend, outcome, failure, change_url, started_at, ended_at } = sprint
  const call = entries.findLast((entry) => entry.kind === 'call')
  const said = entries.findLast((entry) => entry.kind === 'said' && entry.by === 'model' && entry.usage != null)
  // The ledger gets the usage after a turn, and the transcript gets it after an answer.
  const usage = said?.kind === 'said' ? said.usage : null
  return {
    id,
    issue,
    worker,
    stage,
    backend,
    model: sprint.model ?? (said?.kind === 'said' ? said.model : null),
    turns: Math.max(sprint.turns, usage?.turns ?? 0),
    tokens: Math.max(sprint.tokens_in + sprint.tokens_out, (usage?.tokens_in ?? 0) + (usage?.tokens_out ?? 0)),
    last_call:
      call?.kind === 'call'
        ? { at: new Date(call.at).toISOString(), tool: call.tool, args: oneLine(argumentsText(call.args), 120), ok: call.ok }
        : null,
    started_at: new Date(started_at).toISOString(),
    ended_at: ended_at === null ? null : new Date(ended_at).toISOString(),
    outcome,
    failure,
    change_url,
  }
}

/** Returns the lines about a sprint: its state, the work up to now, and the last tool call or the change. */
export function sprintNowLines(sprint: SprintNow, io: Io, now: number): string[] {
  const { issue, stage, turns, tokens, backend, model, last_call, started_at, ended_at, outcome, failure, change_url } = sprint
  const state = outcome === null ? io.paint('cyan', stage) : io.paint(outcome === 'change' ? 'green' : 'yellow', failure ?? outcome)
  const age = duration((ended_at === null ? now : Date.parse(ended_at)) - Date.parse(started_at))
  const lines = [
    `${io.paint('bold', issue)}  ${state}  ${age}`,
    `  turn ${turns}, ${shortCount(tokens)} tokens, ${model ?? backend ?? 'no model yet'}`,
  ]
  if (change_url !== null) lines.push(`  ${change_url}`)
  else if (last_call !== null) {
    const ago = duration(now - Date.parse(last_call.at))
    lines.push(`  ${last_call.ok ? '·' : '✗'} ${ago} ago: ${last_call.tool} ${last_call.args}`)
  }
  return lines.map((line) => fit(line, io.columns))
}

/** Returns the lines of the screen. */
export function screenLines(
  { running, ended }: SprintsNow,
  io: Io,
  { height, now }: { readonly height: number; readonly now: number },
): readonly string[] {
  const clock = new Date(now).toTimeString().slice(0, 8)
  const lines = [
    `${io.paint('gray', clock)}  ${running.length} running`,
    ...(running.length === 0 ? [] : ['']),
    ...running.flatMap((sprint) => sprintNowLines(sprint, io, now)),
    ...(ended.length === 0 ? [] : ['', io.paint('bold', 'ended')]),
    ...ended.slice(0, shownEnds).map((sprint) => `  ${endLine(sprint, io)}`),
    ...(ended.length === 0 ? [] : ['', io.paint('bold', `success rate of the last ${counted(ended.length, 'sprint')}`)]),
    ...rateLines(ended),
  ]
  return fitHeight(
    lines.map((line) => fit(line, io.columns)),
    height,
    io,
    '',
  )
}

/** Returns the share of sprints that ended with a change, by backend and model; most sprints first. */
function rateLines(ended: readonly Sprint[]): string[] {
  const groups = Map.groupBy(ended, ({ backend, model }) =>
    [backend ?? 'no backend', ...(model === null || backend?.endsWith(` ${model}`) === true ? [] : [model])].join(', '),
  )
  return [...groups]
    .toSorted((a, b) => b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1))
    .map(([name, rows]) => {
      const changes = rows.filter(({ outcome }) => outcome === 'change').length
      return `  ${`${Math.round((100 * changes) / rows.length)}%`.padStart(4)}  ${changes} of ${rows.length}  ${name}`
    })
}
