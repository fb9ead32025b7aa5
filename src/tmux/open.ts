/** Opens a machine's tmux server, and says why where it can't. */
import type { Machine } from '../core/nouns.ts'
import type { Clock, Tmux } from '../core/ports.ts'
import { BurnError } from '../core/errors.ts'
import { runProcess } from '../host/exec.ts'
import { explainTransportFailure } from '../host/transport-failure.ts'
import { argvOn } from '../host/transport.ts'
import { ControlModeClient, unreachableError, type Ended } from './control-mode.ts'
import { OneShotTmux } from './one-shot.ts'

/** Client flags (`-f`), `-N` and pane options are as this product needs them from this version on. */
const OLDEST = 3.2
const PROBE_MS = 20_000
const endingTries = 20
const endingPause = 50
const CLIENT_FLAGS = 'no-output,ignore-size'

/** The window that a session is created with, where there is none yet. */
export interface FirstWindow {
  readonly name: string
  readonly width: number
  readonly height: number
  /** argv of its pane. */
  readonly command: readonly string[]
}

export interface OpenOptions {
  readonly clock: Clock
  /** Creates session and server where there are none. */
  readonly create?: FirstWindow
  /** Ends a try that nobody waits for any more. */
  readonly signal?: AbortSignal
}

/**
 * A channel to the machine's session: the one with its name, or else the one that most panes made for it were moved to or that was
 * renamed. Throws BurnError: `tmux_no_session` (no such session, or no server at its socket: says nothing about agents), `tmux_missing`, `tmux_too_old`, `machine_unreachable` with the reason, also where the server says that it
 * belongs to another machine.
 */
export async function openTmux(machine: Machine, options: OpenOptions): Promise<Tmux> {
  for (let again = endingTries; ; again--) {
    try {
      return await openHome(machine, options)
    } catch (thrown) {
      // A server that is just ending still answers on its socket: a new one can be made a moment later.
      const ending = options.create !== undefined && thrown instanceof BurnError && thrown.code === 'tmux_no_session'
      if (!ending || again === 0) throw thrown
      await options.clock.sleep(endingPause)
    }
  }
}

async function openHome(machine: Machine, options: OpenOptions): Promise<Tmux> {
  const named = `=${machine.session}`
  try {
    return await open(machine, named, options)
  } catch (thrown) {
    const missing = options.create === undefined && thrown instanceof BurnError && thrown.code === 'tmux_no_session'
    const elsewhere = missing && !thrown.message.includes(noServerAt) ? await sessionOfPanes(machine) : null
    if (elsewhere === null) throw thrown
    return open(machine, elsewhere, options)
  }
}

/** The session that holds most of the panes that were made for this one: `$3`; null if none does. */
async function sessionOfPanes(machine: Machine): Promise<string | null> {
  const made = ['list-panes', '-a', '-f', `#{==:#{@burn_session},${machine.session}}`, '-F', '#{session_id}']
  const { code, stdout } = await runProcess(argvOn(machine, [machine.tmux, '-u', '-N', '-L', machine.socket, ...made]), {
    timeout_ms: PROBE_MS,
  })
  const sessions = Map.groupBy(code === 0 ? stdout.split('\n').filter((id) => id !== '') : [], (id) => id)
  const [most] = [...sessions.values()].toSorted((a, b) => b.length - a.length)
  return most?.[0] ?? null
}

async function open(machine: Machine, target: string, options: OpenOptions): Promise<Tmux> {
  const words = [machine.tmux, '-u', ...attachWords(machine, target, options.create)]
  const channel = new ControlModeClient(machine.name, argvOn(machine, words), options.clock)
  const abandon = () => channel.kill()
  options.signal?.addEventListener('abort', abandon)
  try {
    return await handshake(channel, machine, target, options.create !== undefined)
  } catch (thrown) {
    await channel.close()
    if (!(thrown instanceof BurnError) || thrown.code !== 'machine_unreachable') throw thrown
    const cause = await refusal(machine, await channel.ended, thrown)
    if (cause !== null) throw cause
    return handshake(await startOneShot(machine, options.create), machine, target, options.create !== undefined)
  } finally {
    options.signal?.removeEventListener('abort', abandon)
  }
}

function attachWords(machine: Machine, target: string, create: FirstWindow | undefined): string[] {
  const socket = ['-L', machine.socket, '-C']
  if (create === undefined) return ['-N', ...socket, 'attach-session', '-f', CLIENT_FLAGS, '-t', target]
  return [...socket, 'new-session', '-A', '-f', CLIENT_FLAGS, ...firstWindowWords(machine, create)]
}

function firstWindowWords(machine: Machine, { name, width, height, command }: FirstWindow): string[] {
  return ['-s', machine.session, '-n', name, '-x', String(width), '-y', String(height), '--', ...command]
}

/** Learns the version, and that the server is this machine's: a session that was just made is marked as such. */
async function handshake<T extends ControlModeClient | OneShotTmux>(
  tmux: T,
  machine: Machine,
  target: string,
  create: boolean,
): Promise<T> {
  const claim = create ? [[['set-option', '-s', '-o', '-q', '@burn_machine', machine.name]]] : []
  const replies = await tmux.run([
    ...claim,
    [
      ['has-session', '-t', target],
      ['display-message', '-p', '-t', `${target}:`, '#{session_id}'],
      ['display-message', '-p', '#{version}'],
      ['display-message', '-p', '#{@burn_machine}'],
    ],
  ])
  const reply = replies.at(-1)
  if (reply?.ok !== true) throw noSession(machine, null)
  const [session = '', version = '', owner = ''] = reply.lines
  if (owner !== '' && owner !== machine.name) {
    throw unreachableError(
      machine.name,
      `its tmux server answers as "${owner}"`,
      'Two machines of the spec lead to the same tmux server: check "host" and "socket".',
    )
  }
  tmux.version = version
  tmux.session = session
  return tmux
}

/** Why a control client ended before it answered; null where tmux merely refuses control mode. One that said nothing and was killed is asked no more. */
async function refusal(machine: Machine, ended: Ended, thrown: BurnError): Promise<BurnError | null> {
  if (ended.code === null) return thrown
  const said = [...ended.notes, ended.stderr].join('\n')
  const absent = missingSession(said)
  if (absent !== null) return noSession(machine, absent.socket)
  if (machine.transport.kind === 'ssh' && ended.code === 255) return thrown
  const probe = await runProcess(argvOn(machine, [machine.tmux, '-V']), { timeout_ms: PROBE_MS })
  const version = /tmux (?:next-)?(\d+\.\d+)/.exec(probe.stdout)?.[1]
  if (version === undefined) return noVersion(machine, probe.stderr, probe.code)
  if (Number(version) < OLDEST) {
    return new BurnError(
      'tmux_too_old',
      `${machine.name} has tmux ${version}; burn needs ${OLDEST} or newer`,
      `Install a newer tmux on ${machine.name}, or name it as "tmux" in the spec.`,
    )
  }
  const wedged = ended.notes.length > 0 && ended.notes.every((note) => note === '%exit')
  return wedged ? null : thrown
}

function noVersion(machine: Machine, stderr: string, code: number | null): BurnError {
  const { kind, reason, hint } = explainTransportFailure(stderr, code)
  if (kind !== 'no_command') return unreachableError(machine.name, reason, hint)
  return new BurnError(
    'tmux_missing',
    `${machine.name} has no ${machine.tmux}`,
    `Install tmux on ${machine.name}: apt-get install tmux, or brew install tmux.`,
  )
}

/** How the message begins if no server answers at the socket of a machine. */
export const noServerAt = 'no tmux server at'

/** `socket`: where no server answers; null where one answers, without the session. */
function noSession(machine: Machine, socket: string | null): BurnError {
  const what = socket === null ? `no session ${machine.session} on its tmux server` : `${noServerAt} ${socket}`
  return new BurnError('tmux_no_session', `${machine.name} has ${what}`, `Raise it: burn up ${machine.name}`)
}

async function startOneShot(machine: Machine, create: FirstWindow | undefined): Promise<OneShotTmux> {
  if (create !== undefined) {
    const words = [machine.tmux, '-u', '-L', machine.socket, 'new-session', '-d', ...firstWindowWords(machine, create)]
    await runProcess(argvOn(machine, words), { timeout_ms: PROBE_MS })
  }
  return new OneShotTmux(machine)
}

/** No server answers at the socket. `Permission denied` and all other errors say nothing about a server. */
const noServer = /(?:no server running on (.+)|error connecting to (.+) \((?:No such file or directory|Connection refused)\))/
const sessionGone = /no sessions|can't find session|server exited|lost server/

export interface MissingSession {
  /** The socket at which no server answers; null where a server answered without the session, or just ended. */
  readonly socket: string | null
}

/** Null where tmux said something else. */
export function missingSession(said: string): MissingSession | null {
  const [, running, connecting] = noServer.exec(said) ?? []
  const socket = running ?? connecting
  if (socket !== undefined) return { socket }
  return sessionGone.test(said) ? { socket: null } : null
}
