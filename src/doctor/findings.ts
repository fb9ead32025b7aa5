/** What a machine's probe means: a finding a part, each with the line that mends it. Pure. */
import type { Machine } from '../core/nouns.ts'
import type { MachineSnapshot } from '../core/panes.ts'
import type { Probe } from './probe.ts'
import { paneAgent } from '../agents/index.ts'
import { shellWord, shellWords } from '../host/quote.ts'
import { lineOn } from '../observe/remedies.ts'

export type Level = 'ok' | 'warn' | 'fail'

export interface Finding {
  readonly level: Level
  /** A machine's name, `forge`, `ledger`, `workers` or `sprint`. */
  readonly where: string
  readonly what: string
  /** What to do about it; empty where it is well. */
  readonly remedy: string
}

/** What was asked of a machine, and when (ms) the question left and the answer came. */
export interface Asked {
  readonly url: string | null
  readonly programs: readonly string[]
  readonly from: number
  readonly to: number
}

/** Resident memory of an idle Hermes chat (measured: 210 MB). */
const agentKb = 210 * 1024
const leastDiskKb = 5 * 1024 * 1024
const mostSkew_s = 30
/** A kernel keeps some memory to itself, and sellers count in thousands. */
const leastOfSaid = 0.85
const oldestTmux = [3, 2] as const

export function machineFindings(machine: Machine, probe: Probe, asked: Asked): Finding[] {
  const workers = machine.windows.reduce((sum, window) => sum + window.workers.length, 0)
  return [
    tmuxFinding(machine, probe),
    clockFinding(machine, probe, asked),
    ...asked.programs.map((program) => programFinding(machine, probe, program)),
    gitFinding(machine, probe, asked.url),
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
  const { tmux, login_tmux: elsewhere } = probe
  if (tmux === null) {
    const known = elsewhere !== null && elsewhere.startsWith('/') && elsewhere !== machine.tmux
    const remedy = known
      ? `its login shell finds one: write "tmux": ${JSON.stringify(elsewhere)} for it in the spec`
      : installLine(machine, probe, 'tmux')
    return fail(machine, `there is no ${machine.tmux}`, remedy)
  }
  const [, major, minor] = /(\d+)\.(\d+)/.exec(tmux) ?? []
  const old = major !== undefined && (Number(major) < oldestTmux[0] || (Number(major) === oldestTmux[0] && Number(minor) < oldestTmux[1]))
  if (old)
    return fail(
      machine,
      `${tmux} is too old: it must be ${oldestTmux.join('.')} or newer`,
      `${installLine(machine, probe, 'tmux')}   (or build a newer one, and name it as "tmux" in the spec)`,
    )
  return ok(machine, tmux)
}

/** The answer was given between question and answer, so only what lies outside is a difference. */
function clockFinding(machine: Machine, { clock, os }: Probe, { from, to }: Asked): Finding {
  if (clock === null) return warn(machine, 'it does not say what time it is', lineOn(machine, 'date +%s'))
  const [early, late] = [Math.floor(from / 1000), Math.ceil(to / 1000)]
  const skew = clock < early ? clock - early : Math.max(0, clock - late)
  if (Math.abs(skew) <= mostSkew_s) return ok(machine, 'its clock agrees')
  const set = os === 'Darwin' ? 'sudo sntp -sS time.apple.com' : 'sudo timedatectl set-ntp true'
  return warn(machine, `its clock is ${Math.abs(skew)} s ${skew > 0 ? 'ahead' : 'behind'}`, lineOn(machine, set))
}

function programFinding(machine: Machine, { found }: Probe, program: string): Finding {
  if (found.has(program)) return ok(machine, `${program} is there`)
  return fail(
    machine,
    `the login shell does not find ${program}`,
    `install it on ${machine.name}, or name its path in "agent.command"; to look: ${lineOn(machine, `$SHELL -lc ${shellWord(`command -v ${shellWord(program)}`)}`)}`,
  )
}

function gitFinding(machine: Machine, probe: Probe, url: string | null): Finding {
  const { git, git_error: said } = probe
  if (git === null) return fail(machine, 'there is no git', installLine(machine, probe, 'git'))
  if (url === null || said === null) return ok(machine, url === null ? git : `${git} reads ${url}`)
  const look = `git ls-remote ${shellWord(url)}`
  const login =
    /^https?:/.test(url) && /authentication|could not read (?:username|password)|terminal prompts disabled|\b40[13]\b/i.test(said)
  // Asked for once by hand, the login is kept for the agents.
  return fail(
    machine,
    `git can't read ${url}: ${said}`,
    lineOn(machine, login ? `git config --global credential.helper store && ${look}` : look),
  )
}

function diskFinding(machine: Machine, { disk_free_kb: free }: Probe): Finding {
  if (free === null) return warn(machine, 'its free disk is not known', lineOn(machine, 'df -h "$HOME"'))
  if (free < leastDiskKb)
    return warn(machine, `only ${gb(free)} of disk are free`, lineOn(machine, 'du -xk "$HOME" | sort -n | tail -n 20'))
  return ok(machine, `${gb(free)} of disk free`)
}

/** Agents that run have their memory already: room is asked for the others. */
function memoryFinding(machine: Machine, { memory_free_kb: free, agents }: Probe, workers: number): Finding {
  const more = Math.max(0, workers - agents)
  const need = `${more} ${agents > 0 ? 'more ' : ''}agents need about ${gb(more * agentKb)}`
  if (free === null) return warn(machine, `its free memory is not known; ${need}`, lineOn(machine, 'vm_stat || free -m'))
  const what = `${gb(free)} of memory available; ${need}`
  if (free >= more * agentKb) return ok(machine, what)
  return warn(machine, what, `write fewer "panes" for ${machine.name}: it has room for about ${agents + Math.floor(free / agentKb)}`)
}

/** What the spec says of the machine's size shows whether it is the machine that was meant. */
function sizeFindings(machine: Machine, { cores, memory_kb }: Probe): Finding[] {
  const kb = machine.ram_gb === null ? null : machine.ram_gb * 1024 * 1024
  const fewer = machine.cores !== null && cores !== null && cores < machine.cores
  const less = kb !== null && memory_kb !== null && memory_kb < kb * leastOfSaid
  if (!fewer && !less) return []
  const what = `the spec says ${[...(fewer ? [`${machine.cores} cores, and it has ${cores}`] : []), ...(less ? [`${machine.ram_gb} GB, and it has ${gb(memory_kb)}`] : [])].join('; ')}`
  return [warn(machine, what, 'is it the machine that was meant? Correct "host", or "cores" and "ram_gb"')]
}

function busyFindings(machine: Machine): Finding[] {
  const deep = machine.windows
    .flatMap(({ workers }) => workers)
    .filter(
      ({ depth, agent }) => depth > 1 && paneAgent(agent).has_busy_mode === true && !agent.hooks && agent.busy_input_mode === 'interrupt',
    )
  if (deep.length === 0) return []
  return [
    warn(
      machine,
      `${deep.length} workers hold more than one issue, and their Enter cuts a running turn: the second prompt goes by /queue, which shows nothing until the turn ends`,
      'set display.busy_input_mode: queue in their config.yaml, and "busy_input_mode": "queue" in the spec',
    ),
  ]
}

/** Panes keep their marks wherever a person moves them, and burn uses them there. */
function sessionFindings(machine: Machine, { sessions }: Probe): Finding[] {
  const others = sessions.filter((name) => name !== machine.session)
  const [only] = others
  if (only === undefined) return []
  const what = `panes of the fleet are in other sessions than ${machine.session}: ${others.join(', ')}; burn uses them there`
  const rename = shellWords([machine.tmux, '-L', machine.socket, 'rename-session', '-t', `=${only}`, machine.session])
  return [
    warn(machine, what, sessions.length === 1 ? lineOn(machine, rename) : 'move them back (tmux move-window, join-pane), or leave them'),
  ]
}

/** Agents that run although their tmux server or session is not found. */
export function hiddenFindings(machine: Machine, sight: MachineSnapshot): Finding[] {
  if (sight.state !== 'unreachable' || sight.answers !== true) return []
  return [fail(machine, sight.reason, sight.remedy ?? '')]
}

function hookFindings(machine: Machine, { hooks: { heard, dropped, strangers, without, why } }: Probe): Finding[] {
  const from = `${machine.state_dir}/hooks`
  const gone =
    strangers === 0
      ? []
      : [
          warn(
            machine,
            `${strangers} files in ${from} are of panes that are gone, or of no pane of this fleet: they are not heard`,
            `remove them when you like: rm ${from}/*.jsonl`,
          ),
        ]
  const bare =
    without === 0
      ? []
      : [
          warn(
            machine,
            `agents that run without hooks and are known by their screens alone: ${without} (${why})`,
            'docs/explanation/signals.md says what each kind needs',
          ),
        ]
  if (heard === 0) return [...gone, ...bare]
  const odd = `${dropped} of ${heard} events that hooks told were dropped: no JSON object, or over 1 MB`
  return [
    ...gone,
    ...bare,
    dropped === 0 ? ok(machine, `hooks told ${heard} events`) : warn(machine, odd, `see which: grep -v '"ok":true}$' ${from}/*.jsonl`),
  ]
}

function gb(kb: number): string {
  return `${(kb / 1024 / 1024).toFixed(1)} GB`
}
