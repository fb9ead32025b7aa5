/** Checks the agent programs of a machine: versions and settings with which burn may misread their screens. */
import { basename } from 'node:path'
import type { AgentConfig, Machine } from '../core/nouns.ts'
import type { PaneAgent } from '../core/agent.ts'
import type { Finding } from './findings.ts'
import { paneAgent } from '../agents/index.ts'
import { parseConfig } from '../host/config-file.ts'
import { readHome } from '../host/files.ts'
import { loginShellFunctions } from '../host/login-shell.ts'
import { loginShellScript, shellWord } from '../host/quote.ts'
import { runOn } from '../host/run-on.ts'

const timeout = 30_000

/** Prints `program` and its version, separated by a tab, for each program that the login shell finds. */
const script = `${loginShellFunctions}
path=$(as_login "$(login_shell)" ${shellWord(loginShellScript('printf "burn<%s>burn" "$PATH"'))} 2>/dev/null)
path=\${path##*'burn<'} path=\${path%'>burn'*}
limit=; command -v timeout >/dev/null 2>&1 && limit='timeout 10'
for program; do
  at=$(PATH=$path; command -v "$program") || continue
  printf '%s\\t%s\\n' "$program" "$(PATH=$path; export PATH; $limit "$at" --version </dev/null 2>/dev/null | head -n 1)"
done`

/** Returns a warning for each version and each setting with which burn may misread the agents of a machine. Throws BurnError `machine_files`. */
export async function agentFindings(machine: Machine): Promise<Finding[]> {
  const configs = [
    ...new Map(machine.windows.flatMap(({ workers }) => workers.map(({ agent }) => [JSON.stringify(agent), agent]))).values(),
  ]
  const found = await Promise.all([versionFindings(machine, configs), settingFindings(machine, configs)])
  return found.flat()
}

const warn = ({ name }: Machine, what: string, remedy: string): Finding => ({ level: 'warn', where: name, what, remedy })

async function versionFindings(machine: Machine, configs: readonly AgentConfig[]): Promise<Finding[]> {
  const programs = new Map<string, PaneAgent>()
  for (const config of configs) {
    const kind = paneAgent(config)
    const [program] = kind.start(config, null).argv
    // A command of the spec may be a wrapper, whose version says nothing about the agent.
    if (kind.versions !== undefined && program !== undefined && basename(program) === kind.command[0]) programs.set(program, kind)
  }
  if (programs.size === 0) return []
  const { stdout } = await runOn(machine, ['sh', '-c', script, 'burn', ...programs.keys()], { timeout_ms: timeout })
  return stdout.split('\n').flatMap((line) => {
    const [program = '', text = ''] = line.split('\t')
    const [version] = /\d+(?:\.\d+)+/.exec(text) ?? []
    const known = programs.get(program)?.versions
    if (version === undefined || known === undefined || isKnown(version, known)) return []
    const what = `${program} has version ${version}. burn was tested with the screens of versions ${known.join(' to ')}, and may misread others`
    return [warn(machine, what, 'compare burn status with the panes while the agents work and wait (burn attach WORKER)')]
  })
}

/** Compares major and minor numbers. Patches rarely change a screen. */
function isKnown(version: string, [oldest, newest]: readonly [string, string]): boolean {
  const rank = (text: string) => {
    const [major = 0, minor = 0] = text.split('.').map(Number)
    return major * 1_000_000 + minor
  }
  return rank(oldest) <= rank(version) && rank(version) <= rank(newest)
}

async function settingFindings(machine: Machine, configs: readonly AgentConfig[]): Promise<Finding[]> {
  const checked = configs.filter((config) => paneAgent(config).unreadableSettings !== undefined)
  if (checked.length === 0) return []
  const { files } = await readHome(machine, [...new Set(checked.flatMap((config) => paneAgent(config).reads ?? []))])
  const parsed = new Map([...files].map(([name, text]) => [name, text === null ? null : parseConfig(text)]))
  const problems = checked.flatMap((config) => paneAgent(config).unreadableSettings?.(config, parsed) ?? [])
  return [...new Set(problems)].map((what) =>
    warn(machine, what, 'remove the setting, or find out why burn writes no profile: burn christen'),
  )
}
