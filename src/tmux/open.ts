/** Opens a machine's tmux server, and says why where it can't. */
import type { Machine } from '../core/nouns.ts'
import type { Clock, Tmux } from '../core/ports.ts'
import { BurnError } from '../core/errors.ts'
import { run } from '../host/exec.ts'
import { explainFailure } from '../host/failure.ts'
import { argvOn } from '../host/transport.ts'
import { ControlChannel, unreachable, type Ended } from './channel.ts'
import { ChainedTmux } from './chained.ts'
import { isGone } from './gone.ts'

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
 * A channel to the machine's session. Throws BurnError: `tmux_no_session` (reached, but no such session; a server that is not
 * there is the same), `tmux_missing`, `tmux_too_old`, `machine_unreachable` with the reason, also where the server says that it
 * belongs to another machine.
 */
export async function openTmux(machine: Machine, options: OpenOptions): Promise<Tmux> {
  for (let again = endingTries; ; again--) {
    try {
      return await open(machine, options)
    } catch (thrown) {
      // A server that is just ending still answers on its socket: a new one can be made a moment later.
      const ending = options.create !== undefined && thrown instanceof BurnError && thrown.code === 'tmux_no_session'
      if (!ending || again === 0) throw thrown
      await options.clock.sleep(endingPause)
    }
  }
}

async function open(machine: Machine, options: OpenOptions): Promise<Tmux> {
  const words = [machine.tmux, '-u', ...attachWords(machine, options.create)]
  const channel = new ControlChannel(machine.name, argvOn(machine, words), options.clock)
  const abandon = () => channel.kill()
  options.signal?.addEventListener('abort', abandon)
  try {
    return await greet(channel, machine, options.create !== undefined)
  } catch (thrown) {
    await channel.close()
    if (!(thrown instanceof BurnError) || thrown.code !== 'machine_unreachable') throw thrown
    const cause = await refusal(machine, await channel.ended, thrown)
    if (cause !== null) throw cause
    return greet(await startChained(machine, options.create), machine, options.create !== undefined)
  } finally {
    options.signal?.removeEventListener('abort', abandon)
  }
}

function attachWords(machine: Machine, create: FirstWindow | undefined): string[] {
  const socket = ['-L', machine.socket, '-C']
  if (create === undefined) return ['-N', ...socket, 'attach-session', '-f', CLIENT_FLAGS, '-t', `=${machine.session}`]
  return [...socket, 'new-session', '-A', '-f', CLIENT_FLAGS, ...firstWindowWords(machine, create)]
}

function firstWindowWords(machine: Machine, { name, width, height, command }: FirstWindow): string[] {
  return ['-s', machine.session, '-n', name, '-x', String(width), '-y', String(height), '--', ...command]
}

/** Learns the version, and that the server is this machine's: a session that was just made is marked as such. */
async function greet<T extends ControlChannel | ChainedTmux>(tmux: T, machine: Machine, create: boolean): Promise<T> {
  const claim = create ? [[['set-option', '-s', '-o', '-q', '@burn_machine', machine.name]]] : []
  const replies = await tmux.run([
    ...claim,
    [
      ['has-session', '-t', `=${machine.session}`],
      ['display-message', '-p', '#{version}'],
      ['display-message', '-p', '#{@burn_machine}'],
    ],
  ])
  const reply = replies.at(-1)
  if (reply?.ok !== true) throw noSession(machine)
  const [version = '', owner = ''] = reply.lines
  if (owner !== '' && owner !== machine.name) {
    throw unreachable(
      machine.name,
      `its tmux server answers as "${owner}"`,
      'Two machines of the spec lead to the same tmux server: check "host" and "socket".',
    )
  }
  tmux.version = version
  return tmux
}

/** Why a control client ended before it answered; null where tmux merely refuses control mode. One that said nothing and was killed is asked no more. */
async function refusal(machine: Machine, ended: Ended, thrown: BurnError): Promise<BurnError | null> {
  if (ended.code === null) return thrown
  const said = [...ended.notes, ended.stderr].join('\n')
  if (isGone(said)) return noSession(machine)
  if (machine.transport.kind === 'ssh' && ended.code === 255) return thrown
  const probe = await run(argvOn(machine, [machine.tmux, '-V']), { timeout_ms: PROBE_MS })
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
  const { kind, reason, hint } = explainFailure(stderr, code)
  if (kind !== 'no_command') return unreachable(machine.name, reason, hint)
  return new BurnError(
    'tmux_missing',
    `${machine.name} has no ${machine.tmux}`,
    `Install tmux on ${machine.name}: apt-get install tmux, or brew install tmux.`,
  )
}

function noSession(machine: Machine): BurnError {
  return new BurnError('tmux_no_session', `${machine.name} has no tmux session ${machine.session}`, `Raise it: burn up ${machine.name}`)
}

async function startChained(machine: Machine, create: FirstWindow | undefined): Promise<ChainedTmux> {
  if (create !== undefined) {
    const words = [machine.tmux, '-u', '-L', machine.socket, 'new-session', '-d', ...firstWindowWords(machine, create)]
    await run(argvOn(machine, words), { timeout_ms: PROBE_MS })
  }
  return new ChainedTmux(machine)
}
