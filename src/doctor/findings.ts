/** Turns the probe of a machine into findings with remedies. Pure. */
import type { Machine } from '../core/nouns.ts'
import type { MachineSnapshot } from '../core/panes.ts'
import type { Probe } from './probe.ts'
import { paneAgent } from '../agents/index.ts'
import { counted } from '../core/text.ts'
import { loginShellLine } from '../host/login-shell.ts'
import { shellWord, shellWords } from '../host/quote.ts'
import { lineOn } from '../observe/remedies.ts'

export type Level = 'ok' | 'warn' | 'fail'

/** The result of one check. */
export interface Finding {
  readonly level: Level
  /** A machine's name, `forge`, `ledger`, `workers` or `sprint`. */
  readonly where: string
  readonly what: string
  /** The command or instruction that fixes the problem; empty if the check is ok. */
  readonly remedy: string
}

/** The arguments of a probe, with the times (ms) of its request and its response. */
export interface ProbeRequest {
  readonly programs: readonly string[]
  readonly from: number
  readonly to: number
}

/** Resident memory (bytes) of an idle Hermes chat. */
const agentMemory = 210 * 1024 ** 2
const minFreeDiskKb = 5 * 1024 * 1024
const maxSkewSeconds = 30
/**
 * Minimum ratio of the memory that the machine reports to `ram_gb` of the spec. The ratio is below 1, because the kernel reserves memory
 * and vendors use decimal units.
 */
const minSizeShare = 0.85
const oldestTmux = [3, 2] as const

/** Returns one finding for each check of a machine. */
export function machineFindings(machine: Machine, probe: Probe, request: ProbeRequest): Finding[] {
  const workers = machine.windows.reduce((sum, window) => sum + window.workers.length, 0)
  return [
    tmuxFinding(machine, probe),
    clockFinding(machine, probe, request),
    ...shellFindings(machine, probe),
    ...(probe.shell_works ? request.programs.map((program) => programFinding(machine, probe, program)) : []),
    gitFinding(machine, probe),
    diskFinding(machine, probe),
    memoryFinding(machine, probe, workers),
    ...sizeFindings(machine, probe),
    ...busyFindings(machine),
    ...hookFindings(machine, probe),
    ...sessionFindings(machine, probe),
  ]
}

type Where = Pick<Machine, 'name'>

const ok = ({ name }: Where, what: string): Finding => ({ level: 'ok', where: name, what, remedy: '' })
const warn = ({ name }: Where, what: string, remedy: string): Finding => ({ level: 'warn', where: name, what, remedy })
const fail = ({ name }: Where, what: string, remedy: string): Finding => ({ level: 'fail', where: name, what, remedy })

function installLine(machine: Machine, { install }: Probe, name: string): string {
  return install === null ? `install ${name} there` : lineOn(machine, `${install} ${name}`)
}

function tmuxFinding(machine: Machine, probe: Probe): Finding {
  const { tmux, login_tmux } = probe
  if (tmux === null) {
    const isElsewhere = login_tmux !== null && login_tmux.startsWith('/') && login_tmux !== machine.tmux
    const remedy = isElsewhere
      ? `the login shell finds tmux: write "tmux": ${JSON.stringify(login_tmux)} for ${machine.name} in the spec`
      : installLine(machine, probe, 'tmux')
    return fail(machine, `${machine.tmux} is not installed, or not in PATH`, remedy)
  }
  const [, major, minor] = /(\d+)\.(\d+)/.exec(tmux) ?? []
  const isOld = major !== undefined && (Number(major) < oldestTmux[0] || (Number(major) === oldestTmux[0] && Number(minor) < oldestTmux[1]))
  if (isOld)
    return fail(
      machine,
      `${tmux} is too old: burn needs ${oldestTmux.join('.')} or newer`,
      `${installLine(machine, probe, 'tmux')}   (or build a newer tmux, and write its path as "tmux" in the spec)`,
    )
  return ok(machine, tmux)
}

/**
 * Compares the machine's clock with the clock of this computer. The machine read its clock between the request and the response, so only a
 * value outside this interval is a difference.
 */
function clockFinding(machine: Machine, { clock, os }: Probe, { from, to }: ProbeRequest): Finding {
  if (clock === null) return warn(machine, 'burn could not read the clock', lineOn(machine, 'date +%s'))
  const [early, late] = [Math.floor(from / 1000), Math.ceil(to / 1000)]
  const skew = clock < early ? clock - early : Math.max(0, clock - late)
  if (Math.abs(skew) <= maxSkewSeconds) return ok(machine, `the clock of the machine is right to within ${maxSkewSeconds} s`)
  const set = os === 'Darwin' ? 'sudo sntp -sS time.apple.com' : 'sudo timedatectl set-ntp true'
  return warn(machine, `the clock of the machine is ${Math.abs(skew)} s ${skew > 0 ? 'ahead' : 'behind'}`, lineOn(machine, set))
}

function shellFindings(machine: Machine, { shell, shell_works }: Probe): Finding[] {
  if (shell_works) return []
  const what = `the login shell (${shell}) runs no commands, so agents cannot get their environment from it`
  return [
    fail(
      machine,
      what,
      `find the cause in the profile of the login shell; to see the error, run: ${lineOn(machine, loginShellLine(shell, 'env'))}`,
    ),
  ]
}

function programFinding(machine: Machine, { found, shell }: Probe, program: string): Finding {
  if (found.has(program)) return ok(machine, `${program} is installed`)
  const check = `${shell.endsWith('csh') ? 'which' : 'command -v'} ${shellWord(program)}`
  return fail(
    machine,
    `the login shell (${shell}) does not find ${program}`,
    `install ${program} on ${machine.name}, or write its path in "agent.command". To check: ${lineOn(machine, loginShellLine(shell, check))}`,
  )
}

function gitFinding(machine: Machine, probe: Probe): Finding {
  const { git } = probe
  return git === null ? fail(machine, 'git is not installed', installLine(machine, probe, 'git')) : ok(machine, git)
}

function diskFinding(machine: Machine, { disk_free_kb: free }: Probe): Finding {
  if (free === null) return warn(machine, 'the free disk space is unknown', lineOn(machine, 'df -h "$HOME"'))
  if (free < minFreeDiskKb)
    return warn(machine, `the disk has only ${gb(free * 1024)} left`, lineOn(machine, 'du -xk "$HOME" | sort -n | tail -n 20'))
  return ok(machine, `the disk has ${gb(free * 1024)} left`)
}

/**
 * Compares the memory with the need of the agents. It compares the whole memory with all agents, then the free memory with the missing
 * agents. The memory of running agents is in use already.
 */
function memoryFinding(machine: Machine, { memory: { total, free, limited }, agents }: Probe, workers: number): Finding {
  const needOf = (count: number, noun: string) =>
    `${counted(count, noun)} ${count === 1 ? 'needs' : 'need'} about ${gb(count * agentMemory)}`
  const enoughFor = (count: number) => `the memory is enough for about ${counted(Math.floor(count), 'agent')}`
  const reduce = `reduce "panes" for ${machine.name}`
  if (total !== null && workers * agentMemory > total) {
    const size = limited ? `its memory limit is ${gb(total)}` : `the machine has ${gb(total)}`
    const what = `${needOf(workers, 'agent')} of memory (${agentMemory / 1024 ** 2} MB each), but ${size}`
    return warn(machine, what, `${reduce}${limited ? ', or raise the limit of the container' : ''}: ${enoughFor(total / agentMemory)}`)
  }
  const more = Math.max(0, workers - agents)
  const need = needOf(more, agents > 0 ? 'more agent' : 'agent')
  if (free === null) return warn(machine, `the free memory is unknown; ${need}`, lineOn(machine, 'vm_stat || free -m'))
  const what = `${gb(free)} of memory available; ${need}`
  return free >= more * agentMemory ? ok(machine, what) : warn(machine, what, `${reduce}: ${enoughFor(agents + free / agentMemory)}`)
}

/** Compares the machine's cores and memory with the spec. If the machine is smaller, `host` may name the wrong machine. */
function sizeFindings(machine: Machine, { cores, memory: { total } }: Probe): Finding[] {
  const expected = machine.ram_gb === null ? null : machine.ram_gb * 1024 ** 3
  const fewer = machine.cores !== null && cores !== null && cores < machine.cores
  const less = expected !== null && total !== null && total < expected * minSizeShare
  if (!fewer && !less) return []
  const what = `the spec says ${[...(fewer ? [`${machine.cores} cores, but the machine has ${cores}`] : []), ...(less ? [`${machine.ram_gb} GB, but the machine has ${gb(total)}`] : [])].join('; ')}`
  return [warn(machine, what, 'is this the right machine? Correct "host", or "cores" and "ram_gb", in the spec')]
}

function busyFindings(machine: Machine): Finding[] {
  const affected = machine.windows
    .flatMap(({ workers }) => workers)
    .filter(
      ({ depth, agent }) => depth > 1 && paneAgent(agent).has_busy_mode === true && !agent.hooks && agent.busy_input_mode === 'interrupt',
    )
  if (affected.length === 0) return []
  return [
    warn(
      machine,
      `${counted(affected.length, 'worker')} can get a second issue while they work (depth above 1), but Enter interrupts a running turn. burn sends the second prompt with /queue, and cannot see that prompt until the turn ends`,
      'set display.busy_input_mode: queue in config.yaml of the agents, and "busy_input_mode": "queue" in the spec',
    ),
  ]
}

/** Returns a finding about panes that a person moved to another session. burn still finds these panes by the option `@burn_worker`. */
function sessionFindings(machine: Machine, { sessions }: Probe): Finding[] {
  const others = sessions.filter((name) => name !== machine.session)
  const [only] = others
  if (only === undefined) return []
  const what = `some panes of the fleet are not in session ${machine.session} but in ${others.join(', ')}. burn uses these panes in their present sessions`
  const rename = shellWords([machine.tmux, '-L', machine.socket, 'rename-session', '-t', `=${only}`, machine.session])
  return [
    warn(
      machine,
      what,
      sessions.length === 1 ? lineOn(machine, rename) : 'move the panes back (tmux move-window, join-pane), or leave them there',
    ),
  ]
}

/**
 * Returns a finding if burn does not reach the tmux server of a machine that answers. `hint`: the remedy, if the snapshot has none. If tmux
 * itself is missing or too old, `tmuxFinding` reports that.
 */
export function unreachableServerFindings(machine: Machine, probe: Probe, snapshot: MachineSnapshot, hint: string): Finding[] {
  if (snapshot.state !== 'unreachable' || tmuxFinding(machine, probe).level === 'fail') return []
  return [fail(machine, snapshot.reason, snapshot.remedy ?? hint)]
}

function hookFindings(machine: Machine, { hooks: { events, dropped, stray_files, without, why } }: Probe): Finding[] {
  const folder = `${machine.state_dir}/hooks`
  const stray =
    stray_files === 0
      ? []
      : [
          warn(
            machine,
            `${counted(stray_files, 'file')} in ${folder} ${stray_files === 1 ? 'belongs' : 'belong'} to no pane of this fleet. burn ignores ${stray_files === 1 ? 'it' : 'them'}`,
            `delete the files: rm ${folder}/*.jsonl`,
          ),
        ]
  const withoutHooks =
    without === 0
      ? []
      : [
          warn(
            machine,
            `${counted(without, 'agent')} ${without === 1 ? 'runs' : 'run'} without hooks, so burn reads only the ${without === 1 ? 'screen' : 'screens'} (${why})`,
            'remove the cause, then restart the agents: burn restart NAMES. Without hooks, burn reads the screens',
          ),
        ]
  if (events === 0) return [...stray, ...withoutHooks]
  const dropNote = `${dropped} of ${counted(events, 'hook event')} dropped: not a JSON object, or larger than 1 MB`
  return [
    ...stray,
    ...withoutHooks,
    dropped === 0
      ? ok(machine, `hooks reported ${counted(events, 'event')}`)
      : warn(machine, dropNote, `list them: grep -v '"ok":true}$' ${folder}/*.jsonl`),
  ]
}

function gb(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GB`
}
