/** Opens a channel to a machine's tmux server. If this fails, the error explains the reason. */
import type { Machine } from '../core/nouns.ts'
import type { Clock, Tmux } from '../core/ports.ts'
import { BurnError } from '../core/errors.ts'
import { explainTransportFailure } from '../host/transport-failure.ts'
import { frame, runOn } from '../host/run-on.ts'
import { ControlModeClient, unreachableError, type ClientExit } from './control-mode.ts'
import { OneShotTmux } from './one-shot.ts'

/** The oldest tmux version that burn supports. Older versions lack the client flags (`-f`), `-N` or the pane options. */
const OLDEST = 3.2
const PROBE_MS = 20_000
const endingServerRetries = 20
/** The pause between two attempts while a server ends (ms). */
const endingServerPause = 50
const CLIENT_FLAGS = 'no-output,ignore-size'

/** The first window of a session that burn creates. */
export interface FirstWindow {
  readonly name: string
  readonly width: number
  readonly height: number
  /** The argv of the window's only pane. */
  readonly command: readonly string[]
}

/** Options for opening a session. */
export interface OpenOptions {
  readonly clock: Clock
  /** If set, creates session and server if they do not exist. */
  readonly create?: FirstWindow
  /** Aborts the attempt to connect. */
  readonly signal?: AbortSignal
}

/**
 * Opens a channel to the machine's session. If no session has the name that the spec gives, the function opens the session with most of the
 * machine's panes, because people rename sessions and move panes. Throws BurnError:
 * - `tmux_no_session`: the session does not exist, or no server answers at the socket. The agents may still run.
 * - `tmux_missing`, `tmux_too_old`
 * - `machine_unreachable`: the server can't be reached, or it belongs to another machine of the spec.
 */
export async function openTmux(machine: Machine, options: OpenOptions): Promise<Tmux> {
  for (let retries = endingServerRetries; ; retries--) {
    try {
      return await attachOrFind(machine, options)
    } catch (thrown) {
      // A server that is about to end still answers on its socket. A moment later burn can create a new server.
      const mayBeEnding = options.create !== undefined && thrown instanceof BurnError && thrown.code === 'tmux_no_session'
      if (!mayBeEnding || retries === 0) throw thrown
      await options.clock.sleep(endingServerPause)
    }
  }
}

async function attachOrFind(machine: Machine, options: OpenOptions): Promise<Tmux> {
  const named = `=${machine.session}`
  try {
    return await attach(machine, named, options)
  } catch (thrown) {
    const missing = options.create === undefined && thrown instanceof BurnError && thrown.code === 'tmux_no_session'
    const other = missing && !thrown.message.includes(noServerAt) ? await sessionOfPanes(machine) : null
    if (other === null) throw thrown
    return attach(machine, other, options)
  }
}

/** Returns the id (`$3`) of the session with most of the machine's panes; null if there are none. */
async function sessionOfPanes(machine: Machine): Promise<string | null> {
  const made = ['list-panes', '-a', '-f', `#{==:#{@burn_session},${machine.session}}`, '-F', '#{session_id}']
  const { code, stdout } = await runOn(machine, [machine.tmux, '-u', '-N', '-L', machine.socket, ...made], {
    timeout_ms: PROBE_MS,
  })
  const sessions = Map.groupBy(code === 0 ? stdout.split('\n').filter((id) => id !== '') : [], (id) => id)
  const [most] = [...sessions.values()].toSorted((a, b) => b.length - a.length)
  return most?.[0] ?? null
}

async function attach(machine: Machine, target: string, options: OpenOptions): Promise<Tmux> {
  const attached = [machine.tmux, '-u', ...attachWords(machine, target, options.create)]
  const words = ['sh', '-c', whenServerAnswers, 'burn', machine.tmux, machine.socket, ...attached]
  const channel = new ControlModeClient(machine.name, frame(machine, words), options.clock)
  const abandon = () => channel.kill()
  options.signal?.addEventListener('abort', abandon)
  try {
    return await handshake(channel, machine, target, options.create !== undefined)
  } catch (thrown) {
    await channel.close()
    if (!(thrown instanceof BurnError) || thrown.code !== 'machine_unreachable') throw thrown
    const cause = await attachFailure(machine, await channel.ended, thrown)
    if (cause !== null) throw cause
    return handshake(await startOneShot(machine, options.create), machine, target, options.create !== undefined)
  } finally {
    options.signal?.removeEventListener('abort', abandon)
  }
}

/** Seconds after which a hanging server gets no client in control mode. burn itself waits longer (control-mode.ts). */
const patience = 10
/**
 * Waits until the tmux server answers an ordinary client, and then becomes the client in control mode. If control-mode clients wait for a
 * server that hangs, the server crashes when it continues, and all agents with it. The transport may have gone in the meantime, while this
 * script still runs on the machine. Seen with tmux 3.3a; source: tmux pull request 4980. The time since the start of Linux costs no process.
 */
const whenServerAnswers = `now() { if read -r up rest </proc/uptime; then up=\${up%.*}; else up=$(date +%s); fi; } 2>/dev/null
now; began=$up; "$1" -u -N -L "$2" list-sessions </dev/null >/dev/null 2>&1
now; [ $((up - began)) -lt ${patience} ] || { echo 'tmux did not answer in time' >&2; exit 1; }
shift 2; exec "$@"`

function attachWords(machine: Machine, target: string, create: FirstWindow | undefined): string[] {
  const socket = ['-L', machine.socket, '-C']
  if (create === undefined) return ['-N', ...socket, 'attach-session', '-f', CLIENT_FLAGS, '-t', target]
  return [...socket, 'new-session', '-A', '-f', CLIENT_FLAGS, ...firstWindowWords(machine, create)]
}

function firstWindowWords(machine: Machine, { name, width, height, command }: FirstWindow): string[] {
  return ['-s', machine.session, '-n', name, '-x', String(width), '-y', String(height), '--', ...command]
}

/**
 * Reads the server's version, and checks that the server belongs to this machine. If `create` is true, the function first records on the
 * server that it belongs to this machine.
 */
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
      `its tmux server already belongs to the machine "${owner}"`,
      'Two machines of the spec have the same tmux server. Check "host" and "socket" of both.',
    )
  }
  tmux.version = version
  tmux.session = session
  return tmux
}

/**
 * Returns the error for a control-mode client that ended before it answered; null if tmux only refuses control mode, so that burn can
 * connect without control mode. A client that was killed always gives an error.
 */
async function attachFailure(machine: Machine, exit: ClientExit, thrown: BurnError): Promise<BurnError | null> {
  if (exit.code === null) return thrown
  const output = [...exit.messages, exit.stderr].join('\n')
  const missing = output.trim() === '' && exit.code !== 255 ? await lostAnswer(machine) : missingSession(output)
  if (missing !== null) return noSession(machine, missing.socket)
  const [, longPath] = tooLongSocket.exec(output) ?? []
  if (longPath !== undefined) return socketTooLong(machine, longPath)
  if (machine.transport.kind === 'ssh' && exit.code === 255) return thrown
  const probe = await runOn(machine, [machine.tmux, '-V'], { timeout_ms: PROBE_MS })
  const version = /tmux (?:next-)?(\d+\.\d+)/.exec(probe.stdout)?.[1]
  if (version === undefined) return noVersion(machine, probe.stderr, probe.code)
  if (Number(version) < OLDEST) {
    return new BurnError(
      'tmux_too_old',
      `${machine.name} has tmux ${version}; burn needs ${OLDEST} or newer`,
      `Install a newer tmux on ${machine.name}, or set "tmux" in the spec to the path of a newer tmux.`,
    )
  }
  const refusesControlMode = exit.messages.length > 0 && exit.messages.every((message) => message === '%exit')
  return refusesControlMode ? null : thrown
}

/**
 * Returns the session or server that is missing; null if the session exists, or if burn does not reach tmux. podman can lose the whole output
 * of a command that ends before it has read its standard input, so burn asks again without any input.
 */
async function lostAnswer(machine: Machine): Promise<MissingSession | null> {
  const words = [machine.tmux, '-u', '-N', '-L', machine.socket, 'list-sessions', '-F', '#{session_name}']
  const { code, stdout, stderr } = await runOn(machine, words, { timeout_ms: PROBE_MS })
  if (code !== 0) return missingSession(stderr)
  return stdout.split('\n').includes(machine.session) ? null : { socket: null }
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

/** The error message of tmux for a socket whose path does not fit into the address of a socket. */
const tooLongSocket = /error connecting to (.+) \(File name too long\)/

/** Returns the error for the path of a socket with more than 107 bytes (103 on macOS). Source: unix(7), `sun_path`. */
function socketTooLong({ name }: Machine, path: string): BurnError {
  const reason = `the path of its tmux socket is too long: ${path}, ${Buffer.byteLength(path)} bytes; at most 107 are possible, 103 on macOS`
  return unreachableError(
    name,
    reason,
    `Set TMUX_TMPDIR to a folder with a shorter path on ${name}, or write a shorter "socket" in the spec.`,
  )
}

/** The beginning of the error message for a socket at which no server answers. */
export const noServerAt = 'no tmux server at'

/**
 * Returns the error `tmux_no_session`. `socket` is the path at which no server answers; null if a server answers, but has no such session.
 */
function noSession(machine: Machine, socket: string | null): BurnError {
  const what = socket === null ? `no session ${machine.session} on its tmux server` : `${noServerAt} ${socket}`
  return new BurnError('tmux_no_session', `${machine.name} has ${what}`, `Create it with: burn up ${machine.name}`)
}

async function startOneShot(machine: Machine, create: FirstWindow | undefined): Promise<OneShotTmux> {
  if (create !== undefined) {
    const words = [machine.tmux, '-u', '-L', machine.socket, 'new-session', '-d', ...firstWindowWords(machine, create)]
    await runOn(machine, words, { timeout_ms: PROBE_MS })
  }
  return new OneShotTmux(machine)
}

/**
 * The error messages of tmux that prove that no server runs at a socket. After any other message, such as `Permission denied`, a server may
 * still run.
 */
const noServer = /(?:no server running on (.+)|error connecting to (.+) \((?:No such file or directory|Connection refused)\))/
const sessionGone = /no sessions|can't find session|server exited|lost server/

/** A session that tmux did not find. */
export interface MissingSession {
  /** The socket at which no server answers; null if a server answered that it has no such session, or if the server has just ended. */
  readonly socket: string | null
}

/** Returns the session or server that tmux reports as missing; null if the output reports something else. */
export function missingSession(output: string): MissingSession | null {
  const [, running, connecting] = noServer.exec(output) ?? []
  const socket = running ?? connecting
  if (socket !== undefined) return { socket }
  return sessionGone.test(output) ? { socket: null } : null
}
