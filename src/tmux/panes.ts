/** What a machine's panes are and show. */
import type { Machine, Time } from '../core/nouns.ts'
import type { SnapshotWithScreens } from '../core/pane-host.ts'
import type { MachineSnapshot, Pane, PaneWindow } from '../core/panes.ts'
import type { Tmux, TmuxCommand, TmuxReply } from '../core/ports.ts'
import { unreachableError } from './control-mode.ts'
import { randomHex } from '../host/random.ts'

/** Without spaces by their nature. Each one costs 2 % of a look; the last one is three where a pane is dead. */
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
  '?pane_dead,1 #{pane_dead_status} #{pane_dead_signal},0',
]
/**
 * Text that others write: between separators it can't know. The program in a pane is asked for only where no agent was started: tmux reads
 * it from the system, pane by pane (3.3 of 12 ms for 112 panes).
 */
const paneTexts = ['@burn_worker', '@burn_signal', 'pane_title', '?@burn_agent,,#{pane_current_command}']
const windowFacts = ['window_id', 'window_width', 'window_height', 'start_time', 'session_id']
const windowTexts = ['@burn_window', 'window_name', 'session_name']
const clientFacts = ['client_control_mode', 'client_activity', 'pane_id']

/** Everything a machine shows but the screens, labels included, in one round trip. */
export async function snapshot(tmux: Tmux, machine: Machine): Promise<Up> {
  const nonce = newNonce()
  return toSnapshot(machine, tmux.session, nonce, await tmux.run(sightLines(nonce, [...paneTexts, '@burn_label'])))
}

/** Everything and the screens, in one round trip, whatever the number of panes: tmux itself goes through them. */
export async function captureMachine(tmux: Tmux, machine: Machine): Promise<SnapshotWithScreens> {
  const nonce = newNonce()
  const replies = await tmux.run([...sightLines(nonce, paneTexts), captureAllLine(tmux, nonce)])
  const seen = toSnapshot(machine, tmux.session, nonce, replies)
  const screens = cut(nonce, replies.at(-1))
  // Panes that were moved to other sessions, and all panes of a tmux that does not go through them this way.
  const missing = seen.panes.map((pane) => pane.id).filter((id) => !screens.has(id))
  if (missing.length === 0) return { snapshot: seen, screens }
  return { snapshot: seen, screens: new Map([...screens, ...(await capturePanes(tmux, missing))]) }
}

/**
 * The rows that panes show, pipelined; `lines` rows of history above them too; with `ansi`, colours as escape sequences. A pane that
 * is gone is missing in the answer.
 */
export async function capturePanes(
  tmux: Tmux,
  paneIds: readonly string[],
  options: { lines?: number; ansi?: boolean } = {},
): Promise<ReadonlyMap<string, readonly string[]>> {
  const flags = [...(options.ansi === true ? ['-e'] : []), ...(options.lines === undefined ? [] : ['-S', `-${options.lines}`])]
  const replies = await tmux.run(paneIds.map((id) => [['capture-pane', '-p', ...flags, '-t', id]]))
  return new Map(paneIds.flatMap((id, i) => (replies[i]?.ok === true ? [[id, replies[i].lines] as const] : [])))
}

/** All panes of the server: a pane keeps its options wherever it is moved. A filter of tmux's own takes a sixth longer. */
function sightLines(nonce: string, texts: readonly string[]): readonly (readonly TmuxCommand[])[] {
  return [
    [['list-panes', '-a', '-F', format(nonce, paneFacts, texts)]],
    [['list-windows', '-a', '-F', format(nonce, windowFacts, windowTexts)]],
    [['list-clients', '-F', format(nonce, clientFacts, [])]],
    // `display-message` reads its text as strftime does, too: seconds since the epoch.
    [['display-message', '-p', '%s #{host}']],
  ]
}

/**
 * In a format, `W` goes through the windows of the session and `P` through the panes of each; no commas, they would end the part. The first
 * command says which panes come and how many rows each has: one expansion made both, so they belong together. Ids go without their `%`, which
 * `display-message` would take for a part of a date.
 */
function captureAllLine({ session }: Tmux, nonce: string): readonly TmuxCommand[] {
  const panes = '#{W:#{P:#{s/%//:pane_id}x#{pane_height} }}'
  const captures = '#{W:#{P:capture-pane -p -t "#{pane_id}" ; }}'
  return [['run-shell', '-C', '-t', `${session}:`, `display-message -p "${nonce} ${panes}" ; ${captures}`]]
}

/** The screens of one write by pane id; none where the rows are not as many as were announced: then each pane is asked for its own. */
function cut(nonce: string, reply: TmuxReply | undefined): Map<string, readonly string[]> {
  const [first = '', ...rows] = reply?.ok === true ? reply.lines : []
  const panes = first.startsWith(`${nonce} `)
    ? [...first.matchAll(/(\d+)x(\d+)/g)].map(([, id, height]) => ({ id: `%${id}`, height: Number(height) }))
    : []
  const screens = new Map<string, readonly string[]>()
  let row = 0
  for (const { id, height } of panes) screens.set(id, rows.slice(row, (row += height)))
  return row === rows.length ? screens : new Map()
}

/** One record: the nonce, facts between spaces, then each text after a nonce of its own. */
function format(nonce: string, facts: readonly string[], texts: readonly string[]): string {
  return nonce + facts.map((name) => `#{${name}}`).join(' ') + texts.map((name) => `~${nonce}~#{${name}}`).join('')
}

/** Records start with the nonce at the start of a line: whatever else a line starts with belongs to the record before. */
function records(nonce: string, reply: TmuxReply | undefined): readonly string[] {
  if (reply === undefined || !reply.ok) return []
  return `\n${reply.lines.join('\n')}`.split(`\n${nonce}`).slice(1)
}

function fields(nonce: string, record: string): { readonly facts: readonly string[]; readonly texts: readonly string[] } {
  const [facts = '', ...texts] = record.split(`~${nonce}~`)
  return { facts: facts.split(' '), texts }
}

type Up = Extract<MachineSnapshot, { state: 'up' }>

/** Throws BurnError `machine_unreachable` if tmux refused: the session may have ended since, which says nothing about its panes. */
function toSnapshot(machine: Machine, session: string, nonce: string, [panes, windows, clients, clock]: readonly TmuxReply[]): Up {
  const rows = records(nonce, windows).map((record) => fields(nonce, record))
  const inside = rows.filter(({ facts }) => facts[4] === session)
  const [home] = inside
  const refused = [panes, windows].find((reply) => reply?.ok !== true)
  if (refused !== undefined || home === undefined)
    throw unreachableError(machine.name, `its tmux said: ${refused?.error ?? 'the session has ended'}`, 'Run burn doctor.')
  const keyed = keyedAt(records(nonce, clients))
  // A window that several sessions show counts as the attached one's.
  const known = once([...inside, ...rows].map(toWindow))
  const windowOf = new Map(known.map((each) => [each.id, each]))
  const [seconds = '0', host = ''] = clock?.lines[0]?.split(' ') ?? []
  const found = records(nonce, panes).map((record) => toPane(fields(nonce, record), keyed, windowOf, host))
  const here = found.filter(({ session_id }) => session_id === session)
  const own = once([...here, ...found.filter(({ made_for }) => made_for === machine.session)])
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

/** The first of each id: tmux lists what several sessions show once for each. */
function once<T extends { readonly id: string }>(all: readonly T[]): T[] {
  const seen = new Set<string>()
  return all.filter(({ id }) => !seen.has(id) && seen.add(id))
}

/** When each pane last got a key from a person: a client that is a terminal, and has it in front. */
function keyedAt(clients: readonly string[]): ReadonlyMap<string, Time> {
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
  const [input_off, synchronized, made_for = '', started = '', dead, status = '', by = ''] = facts.slice(12)
  const [worker = '', signal = '', title = '', command = '', label = ''] = texts
  return {
    id,
    window_id,
    window_name: windows.get(window_id)?.name ?? '',
    session_id: windows.get(window_id)?.session_id ?? '',
    made_for: made_for === '' ? null : made_for,
    // What nobody set is the host's name.
    title: title === host ? '' : title,
    command,
    worker: worker === '' ? null : worker,
    made: made === '1',
    agent_pid: agent === '' ? null : Number(agent),
    started: started === '' ? null : started,
    retiring: retiring === '1',
    queues: queues === '1',
    label: label === '' ? null : label,
    signal,
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
