/** Reads the panes, windows and screens of a machine from its tmux server. */
import type { Machine, Time } from '../core/nouns.ts'
import type { CapturedPane, MachineCapture, SnapshotWithScreens } from '../core/pane-host.ts'
import type { MachineSnapshot, Pane, PaneWindow } from '../core/panes.ts'
import type { Tmux, TmuxCommand, TmuxReply } from '../core/ports.ts'
import { unreachableError } from './control-mode.ts'
import { randomHex } from '../host/random.ts'

/**
 * The format fields whose values have no spaces. The only exception: if the pane is dead, the value of the last field has three words. Each
 * field slows down every snapshot, so the list has no unused field.
 */
const paneFacts = [
  'pane_id',
  'window_id',
  'pane_pid',
  'pane_in_mode',
  'pane_width',
  'pane_height',
  'cursor_x',
  'cursor_y',
  '@burn_made',
  '@burn_agent',
  '@burn_retiring',
  '@burn_queues',
  'pane_input_off',
  'pane_synchronized',
  '@burn_session',
  '@burn_started',
  '@burn_agent_id',
  '@burn_last_text',
  '?pane_dead,1 #{pane_dead_status} #{pane_dead_signal},0',
]
/**
 * The format fields whose values other programs write, so they may contain anything. burn puts separators that nobody can guess between
 * them. The current command is read only if burn started no agent in the pane, because tmux asks the system for the command of each pane.
 */
const paneTexts = ['@burn_worker', '@burn_signal', '@burn_limits', 'pane_title', '?@burn_agent,,#{pane_current_command}']
const windowFacts = ['window_id', 'window_width', 'window_height', 'start_time', 'session_id']
const windowTexts = ['@burn_window', 'window_name', 'session_name']
const clientFacts = ['client_control_mode', 'client_activity', 'pane_id']

/**
 * Returns a snapshot of a machine with the labels of its panes but without screens, in one round trip. Throws BurnError
 * `machine_unreachable`.
 */
export async function snapshot(tmux: Tmux, machine: Machine): Promise<UpSnapshot> {
  const nonce = newNonce()
  return toSnapshot(machine, tmux.session, nonce, await tmux.run(snapshotLines(nonce, [...paneTexts, '@burn_label'])))
}

/**
 * Returns a snapshot of a machine with all screens but without the labels of its panes. This takes one round trip for any number of panes,
 * because tmux itself iterates over the panes. Throws BurnError `machine_unreachable`.
 */
export async function captureMachine(tmux: Tmux, machine: Machine): Promise<SnapshotWithScreens> {
  const nonce = newNonce()
  const replies = await tmux.run([...snapshotLines(nonce, paneTexts), captureAllLine(tmux, nonce)])
  const seen = toSnapshot(machine, tmux.session, nonce, replies)
  return { snapshot: seen, screens: await completeScreens(tmux, splitScreens(nonce, replies.at(-1)), seen.panes) }
}

/** The layout fields of a pane. burn reads them only for a capture, because each field slows down every snapshot. */
const placeFacts = ['pane_id', 'pane_left', 'pane_top', 'pane_active', 'window_zoomed_flag']

/**
 * Returns a snapshot of a machine with the layout and the styled screens of its panes, and up to `history` rows above each screen. It takes
 * one round trip. Throws BurnError `machine_unreachable`.
 */
export async function captureStyled(tmux: Tmux, machine: Machine, history: number): Promise<MachineCapture> {
  const nonce = newNonce()
  const options = { lines: history, ansi: true }
  const places = [['list-panes', '-a', '-F', format(nonce, placeFacts, [])]]
  const replies = await tmux.run([...snapshotLines(nonce, [...paneTexts, '@burn_label']), places, captureAllLine(tmux, nonce, options)])
  const seen = toSnapshot(machine, tmux.session, nonce, replies)
  const screens = await completeScreens(tmux, splitScreens(nonce, replies.at(-1), options), seen.panes, options)
  const panes = records(nonce, replies.at(-2)).flatMap((record): [string, CapturedPane][] => {
    const [id = '', left, top, active, zoomed] = record.split(' ')
    const rows = screens.get(id)
    if (rows === undefined) return []
    return [[id, { left: Number(left), top: Number(top), active: active === '1', zoomed: zoomed === '1', rows }]]
  })
  return { snapshot: seen, panes: new Map(panes) }
}

/** Returns the rows of all panes. It captures those panes that `screens`, the reply to `captureAllLine`, lacks. */
async function completeScreens(
  tmux: Tmux,
  screens: ReadonlyMap<string, readonly string[]>,
  panes: readonly Pane[],
  options: CaptureOptions = {},
): Promise<ReadonlyMap<string, readonly string[]>> {
  // The screens of panes in other sessions are missing. If this tmux version can't iterate over panes, all screens are missing.
  const missing = panes.map((pane) => pane.id).filter((id) => !screens.has(id))
  return missing.length === 0 ? screens : new Map([...screens, ...(await capturePanes(tmux, missing, options))])
}

/** The rows of a pane to capture, and their form. */
interface CaptureOptions {
  /** The number of rows of history above the screen. */
  readonly lines?: number
  /** True if colours and styles stay, as escape sequences. Then the spaces at the end of a row stay, too, because they can have a colour. */
  readonly ansi?: boolean
}

function captureFlags({ lines = 0, ansi = false }: CaptureOptions): string[] {
  return [...(ansi ? ['-e', '-N'] : []), ...(lines > 0 ? ['-S', `-${lines}`] : [])]
}

/** Returns the rows of panes by id. The result does not contain panes that no longer exist. */
export async function capturePanes(
  tmux: Tmux,
  paneIds: readonly string[],
  options: CaptureOptions = {},
): Promise<ReadonlyMap<string, readonly string[]>> {
  const replies = await tmux.run(paneIds.map((id) => [['capture-pane', '-p', ...captureFlags(options), '-t', id]]))
  return new Map(paneIds.flatMap((id, i) => (replies[i]?.ok === true ? [[id, replies[i].lines] as const] : [])))
}

/**
 * Returns the lines that read all panes of the server. The panes of other sessions are included, because a moved pane keeps its options.
 * burn itself filters the panes, because a filter of tmux is slower.
 */
function snapshotLines(nonce: string, texts: readonly string[]): readonly (readonly TmuxCommand[])[] {
  return [
    [['list-panes', '-a', '-F', format(nonce, paneFacts, texts)]],
    [['list-windows', '-a', '-F', format(nonce, windowFacts, windowTexts)]],
    [['list-clients', '-F', format(nonce, clientFacts, [])]],
    // `display-message` passes its text through strftime, so `%s` becomes the seconds since the epoch.
    [['display-message', '-p', '%s #{host}']],
  ]
}

/**
 * Captures all screens with one command. In a format, `W` iterates over the windows of the session, and `P` over the panes of each window.
 * The iterated part can't contain commas, because a comma would end the part. The first command prints the ids of the panes that follow and
 * the number of rows of each pane. The same expansion makes this list and the captures, so they match. The ids are printed without `%`,
 * because `display-message` would read a `%` as part of a date format.
 */
function captureAllLine({ session }: Tmux, nonce: string, options: CaptureOptions = {}): readonly TmuxCommand[] {
  const rows = (options.lines ?? 0) > 0 ? '#{pane_height}+#{history_size}' : '#{pane_height}'
  const panes = `#{W:#{P:#{s/%//:pane_id}x${rows} }}`
  const captures = `#{W:#{P:${['capture-pane', '-p', ...captureFlags(options)].join(' ')} -t "#{pane_id}" ; }}`
  return [['run-shell', '-C', '-t', `${session}:`, `display-message -p "${nonce} ${panes}" ; ${captures}`]]
}

/**
 * Splits the captured rows into screens by pane id. Returns an empty map if the number of rows differs from the announced number; burn then
 * captures each pane alone.
 */
function splitScreens(nonce: string, reply: TmuxReply | undefined, { lines = 0 }: CaptureOptions = {}): Map<string, readonly string[]> {
  const [first = '', ...rows] = reply?.ok === true ? reply.lines : []
  const panes = first.startsWith(`${nonce} `)
    ? [...first.matchAll(/(\d+)x(\d+)(?:\+(\d+))?/g)].map(([, id, height, history = 0]) => ({
        id: `%${id}`,
        count: Number(height) + Math.min(Number(history), lines),
      }))
    : []
  const screens = new Map<string, readonly string[]>()
  let row = 0
  for (const { id, count } of panes) screens.set(id, rows.slice(row, (row += count)))
  return row === rows.length ? screens : new Map()
}

/**
 * Returns the tmux format of one record: the nonce, the facts with spaces between them, then each text after a separator that contains the
 * nonce.
 */
function format(nonce: string, facts: readonly string[], texts: readonly string[]): string {
  return nonce + facts.map((name) => `#{${name}}`).join(' ') + texts.map((name) => `~${nonce}~#{${name}}`).join('')
}

/** Splits a reply into records. A record begins with a line that starts with the nonce. Every other line continues the record before it. */
function records(nonce: string, reply: TmuxReply | undefined): readonly string[] {
  if (reply === undefined || !reply.ok) return []
  return `\n${reply.lines.join('\n')}`.split(`\n${nonce}`).slice(1)
}

function fields(nonce: string, record: string): { readonly facts: readonly string[]; readonly texts: readonly string[] } {
  const [facts = '', ...texts] = record.split(`~${nonce}~`)
  return { facts: facts.split(' '), texts }
}

type UpSnapshot = Extract<MachineSnapshot, { state: 'up' }>

/**
 * Builds the snapshot from tmux's replies. Throws BurnError `machine_unreachable` if tmux refused a command. The session may have ended in
 * the meantime, and its panes may still exist in another session.
 */
function toSnapshot(machine: Machine, session: string, nonce: string, [panes, windows, clients, clock]: readonly TmuxReply[]): UpSnapshot {
  const rows = records(nonce, windows).map((record) => fields(nonce, record))
  const inside = rows.filter(({ facts }) => facts[4] === session)
  const [home] = inside
  const refused = [panes, windows].find((reply) => reply?.ok !== true)
  if (refused !== undefined || home === undefined)
    throw unreachableError(machine.name, `tmux reported: ${refused?.error ?? 'the session has ended'}`, 'Run burn doctor.')
  const keyed = lastKeyAt(records(nonce, clients))
  // If a window is in several sessions, burn uses the attached session.
  const known = uniqueById([...inside, ...rows].map(toWindow))
  const windowOf = new Map(known.map((each) => [each.id, each]))
  const [seconds = '0', host = ''] = clock?.lines[0]?.split(' ') ?? []
  const found = records(nonce, panes).map((record) => toPane(fields(nonce, record), keyed, windowOf, host))
  const here = found.filter(({ session_id }) => session_id === session)
  const own = uniqueById([...here, ...found.filter(({ made_for }) => made_for === machine.session)])
  const holding = new Set([...inside.map(({ facts }) => facts[0]), ...own.map(({ window_id }) => window_id)])
  return {
    machine: machine.name,
    state: 'up',
    session: home.texts[2] ?? '',
    session_id: session,
    server_started: Number(home.facts[3] ?? 0),
    clock: Number(seconds) * 1000,
    panes: own.map((pane) => (pane.made_for === null || pane.made_for === machine.session ? pane : { ...pane, worker: null })),
    windows: known.filter(({ id }) => holding.has(id)),
  }
}

/** Returns the first item of each id. tmux lists a window or pane once for each session that contains it. */
function uniqueById<T extends { readonly id: string }>(all: readonly T[]): T[] {
  const seen = new Set<string>()
  return all.filter(({ id }) => !seen.has(id) && seen.add(id))
}

/**
 * Returns the time of a person's last key, by pane. Clients without a terminal do not count. The keys of a client count for the pane that
 * the client shows.
 */
function lastKeyAt(clients: readonly string[]): ReadonlyMap<string, Time> {
  const keyed = new Map<string, Time>()
  for (const client of clients) {
    const [control, activity, pane = ''] = client.split(' ')
    if (control !== '1') keyed.set(pane, Math.max(Number(activity) * 1000, keyed.get(pane) ?? 0))
  }
  return keyed
}

function toPane(
  { facts, texts }: ReturnType<typeof fields>,
  keyed: ReadonlyMap<string, Time>,
  windows: ReadonlyMap<string, PaneWindow>,
  host: string,
): Pane {
  const [id = '', window_id = '', pid, mode, width, height, x, y, made, agent = '', retiring, queues] = facts
  const [input_off, synchronized, made_for = '', started = '', agent_id = '', last_text = '', dead, status = '', by = ''] = facts.slice(12)
  const [worker = '', signal = '', limits = '', title = '', command = '', label = ''] = texts
  return {
    id,
    window_id,
    window_name: windows.get(window_id)?.name ?? '',
    session_id: windows.get(window_id)?.session_id ?? '',
    made_for: made_for === '' ? null : made_for,
    // If no program has set a pane's title, tmux uses the host's name.
    title: title === host ? '' : title,
    command,
    worker: worker === '' ? null : worker,
    made: made === '1',
    agent_pid: agent === '' ? null : Number(agent),
    started: started === '' ? null : started,
    agent_id: agent_id === '' ? null : agent_id,
    retiring: retiring === '1',
    queues: queues === '1',
    label: label === '' ? null : label,
    // A program in the pane can set the option, too. burn writes the value into a format of tmux.
    last_text: /^[0-9a-z]*$/.test(last_text) ? last_text : '',
    signal,
    limits,
    pid: Number(pid),
    dead: dead === '1',
    ended: status !== '' ? `with status ${status}` : by === '' ? null : `by signal ${by}`,
    in_mode: mode !== '0' && mode !== '',
    input: input_off === '1' ? 'disabled' : synchronized === '1' ? 'synchronized' : 'open',
    width: Number(width),
    height: Number(height),
    cursor_x: Number(x),
    cursor_y: Number(y),
    keyed_at: keyed.get(id) ?? null,
  }
}

function toWindow({ facts, texts }: ReturnType<typeof fields>): PaneWindow {
  const [id = '', width, height, , session_id = ''] = facts
  const [window = '', name = ''] = texts
  return { id, session_id, name, window: window === '' ? null : window, width: Number(width), height: Number(height) }
}

function newNonce(): string {
  return randomHex(6)
}
