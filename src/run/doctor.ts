/** `burn doctor`: everything that has to be right before a fleet runs overnight, each finding with the command that mends it. */
import type { Machine } from '../core/nouns.ts'
import type { Probe } from './probe.ts'
import type { Session } from './session.ts'
import { agentKind } from '../agents/index.ts'
import { BurnError, messageOf } from '../core/errors.ts'
import { mapBounded } from './bounded.ts'
import { probeMachine } from './probe.ts'
import { servedRepos } from './view.ts'

export type Level = 'ok' | 'warn' | 'fail'

export interface Finding {
  readonly level: Level
  /** A machine's name, `forge` or `ledger`. */
  readonly where: string
  readonly what: string
  /** What to do about it; empty where it is well. */
  readonly mend: string
}

/** Resident memory of an idle Hermes chat (measured: 210 MB). */
const agentKb = 210 * 1024
const leastDiskKb = 5 * 1024 * 1024
const mostSkew_s = 30

export async function doctor(machines: readonly Machine[], session: Session, onFinding: (finding: Finding) => void): Promise<Finding[]> {
  const all: Finding[] = []
  const say = (findings: readonly Finding[]) => {
    for (const finding of findings) {
      all.push(finding)
      onFinding(finding)
    }
  }
  await Promise.all([
    checkLedger(session).then(say),
    checkForge(machines, session).then(say),
    ...machines.map((machine) => checkMachine(machine, session).then(say)),
  ])
  return all
}

async function checkLedger({ ledger }: Session): Promise<Finding[]> {
  try {
    const { where, version } = await ledger.check()
    return [{ level: 'ok', where: 'ledger', what: `${where} is whole, version ${version}`, mend: '' }]
  } catch (thrown) {
    return [failed('ledger', thrown)]
  }
}

function failed(where: string, thrown: unknown): Finding {
  return { level: 'fail', where, what: messageOf(thrown), mend: thrown instanceof BurnError ? thrown.hint : '' }
}

async function checkForge(machines: readonly Machine[], { forge }: Session): Promise<Finding[]> {
  const findings: Finding[] = []
  try {
    findings.push({ level: 'ok', where: 'forge', what: `the token belongs to ${(await forge.whoami()).login}`, mend: '' })
  } catch (thrown) {
    findings.push(failed('forge', thrown))
  }
  const rights = await mapBounded(servedRepos(machines), 8, async (repo): Promise<Finding> => {
    try {
      const { exists, write } = await forge.rights(repo)
      if (!exists)
        return {
          level: 'fail',
          where: 'forge',
          what: `there is no repo ${repo}, or the token may not see it`,
          mend: 'correct "repos" in the spec, or give the account access',
        }
      if (!write)
        return {
          level: 'fail',
          where: 'forge',
          what: `the token may not write to ${repo}`,
          mend: `make the token's account a collaborator of ${repo}, with issues and repository in the token's scopes`,
        }
      return { level: 'ok', where: 'forge', what: `${repo}: may read and write`, mend: '' }
    } catch (thrown) {
      return failed('forge', thrown)
    }
  })
  return [...findings, ...rights]
}

async function checkMachine(machine: Machine, session: Session): Promise<Finding[]> {
  const workers = machine.windows.flatMap((window) => window.workers)
  const [repo] = servedRepos([machine])
  const url =
    repo === undefined
      ? null
      : (session.fleet.repos.find((settings) => settings.repo === repo)?.clone_url ?? session.forge.access(repo).clone_url)
  const programs = [...new Set(workers.map(({ agent }) => agentKind(agent.kind).start(agent).argv[0] ?? ''))]
  const before = session.clock.now()
  const probed = await probeMachine(machine, url, programs)
  const where = machine.name
  if (!probed.ok) return [{ level: 'fail', where, what: `unreachable: ${probed.reason}`, mend: probed.hint }]
  const { probe } = probed
  const between = (before + session.clock.now()) / 2000
  return [
    tmuxFinding(where, machine, probe),
    clockFinding(where, probe, between),
    ...programs.map((program): Finding => {
      if (probe.found.has(program)) return { level: 'ok', where, what: `${program} is there`, mend: '' }
      return {
        level: 'fail',
        where,
        what: `the login shell does not find ${program}`,
        mend: `install it on ${where}, or name its path in "agent.command"`,
      }
    }),
    gitFinding(where, probe, url),
    ...spaceFindings(where, probe, workers.length),
    ...busyFinding(where, machine),
  ]
}

function tmuxFinding(where: string, machine: Machine, { tmux }: Probe): Finding {
  const version = Number.parseFloat(/(\d+\.\d+)/.exec(tmux ?? '')?.[1] ?? '')
  if (tmux === null)
    return { level: 'fail', where, what: `there is no ${machine.tmux}`, mend: 'apt-get install tmux, or brew install tmux' }
  if (version < 3.2)
    return { level: 'fail', where, what: `${tmux} is too old`, mend: 'install tmux 3.2 or newer, or name it as "tmux" in the spec' }
  return { level: 'ok', where, what: tmux, mend: '' }
}

function clockFinding(where: string, { clock }: Probe, between: number): Finding {
  const skew = clock === null ? 0 : Math.round(clock - between)
  if (Math.abs(skew) <= mostSkew_s) return { level: 'ok', where, what: 'its clock agrees', mend: '' }
  return {
    level: 'warn',
    where,
    what: `its clock is ${Math.abs(skew)} s ${skew > 0 ? 'ahead' : 'behind'}`,
    mend: 'timedatectl set-ntp true',
  }
}

function gitFinding(where: string, { git, git_error }: Probe, url: string | null): Finding {
  if (git === null) return { level: 'fail', where, what: 'there is no git', mend: 'apt-get install git, or brew install git' }
  if (git_error === null) return { level: 'ok', where, what: url === null ? git : `${git} reads ${url}`, mend: '' }
  return {
    level: 'fail',
    where,
    what: `git can't read ${url}: ${git_error}`,
    mend: `set up credentials there: git config --global credential.helper store, or an ssh key and "clone_url"`,
  }
}

function spaceFindings(where: string, { disk_free_kb, memory_free_kb }: Probe, agents: number): Finding[] {
  const gb = (kb: number) => `${(kb / 1024 / 1024).toFixed(1)} GB`
  const disk: Finding[] =
    disk_free_kb === null
      ? [{ level: 'warn', where, what: 'its free disk is not known', mend: 'df -h there' }]
      : [
          disk_free_kb < leastDiskKb
            ? { level: 'warn', where, what: `only ${gb(disk_free_kb)} of disk are free`, mend: 'make room: clones and agents need it' }
            : { level: 'ok', where, what: `${gb(disk_free_kb)} of disk free`, mend: '' },
        ]
  const need = agents * agentKb
  if (memory_free_kb === null)
    return [...disk, { level: 'warn', where, what: 'its free memory is not known', mend: `${agents} agents need about ${gb(need)}` }]
  const enough = memory_free_kb >= need
  return [
    ...disk,
    {
      level: enough ? 'ok' : 'warn',
      where,
      what: `${gb(memory_free_kb)} of memory available; ${agents} agents need about ${gb(need)}`,
      mend: enough ? '' : 'fewer panes there, or more memory; agents that run already are not counted twice by this',
    },
  ]
}

function busyFinding(where: string, machine: Machine): Finding[] {
  const deep = machine.windows
    .flatMap(({ workers }) => workers)
    .filter(({ depth, agent }) => depth > 1 && agent.kind === 'hermes' && agent.busy_input_mode === 'interrupt')
  if (deep.length === 0) return []
  return [
    {
      level: 'warn',
      where,
      what: `${deep.length} Hermes workers hold more than one issue, and their Enter cuts a running turn: the second prompt goes by /queue, which shows nothing until the turn ends`,
      mend: 'set display.busy_input_mode: queue in their config.yaml, and "busy_input_mode": "queue" in the spec',
    },
  ]
}
