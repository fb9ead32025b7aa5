/** One command: started behind the walls, watched, ended with all that it started, and told of. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { BurnError, ifCode, messageOf } from '../core/errors.ts'
import type { SandboxPolicy } from '../core/sprint.ts'
import { oneLine } from '../core/text.ts'
import { streamProcess, type StreamResult } from '../host/exec.ts'
import { bubblewrapArgv, type BubblewrapConfig } from './bubblewrap.ts'
import { Cgroup, groupOf, hitsIn, type Hits } from './cgroup.ts'
import { groupLimits, innerWords, outerWords, type Limits } from './limits.ts'
import { notesOf } from './notes.ts'
import { KeptOutput } from './output.ts'

export interface CommandOptions {
  readonly stop: AbortSignal
  /** Milliseconds; at most the policy's. */
  readonly timeout?: number
  /** In place of the policy's. */
  readonly network?: boolean
  /** Whether the `.git` of the workspace may be changed; never so for a model. */
  readonly writable_git?: boolean
}

export interface CommandResult {
  /** Null where a signal, or this program, ended it. */
  readonly code: number | null
  readonly signal: string | null
  /** Stdout and stderr as they came; of too much, the beginning and the end. */
  readonly output: string
  readonly stopped: 'timeout' | 'too_much' | 'stop' | null
  /** What the sandbox has to say: what it refused, why it ended the command. */
  readonly notes: readonly string[]
}

/** All that a command's start depends on; found once, when the sandbox is opened. */
export interface CommandSetup {
  readonly policy: SandboxPolicy
  readonly dir: string
  /** Null where there are none, and `why` says why not. */
  readonly bubblewrap: BubblewrapConfig | null
  readonly why: string
  readonly limits: Limits
  readonly shell: string
  /** Of what is outside of the walls. */
  readonly outer_env: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string>>
  /** Bytes that one file may have. */
  readonly file_bytes: number
  /** Aborted once no command may run any more; its reason is an Error. */
  readonly ended: AbortSignal
}

/** How often the limits of a running command are looked at. */
const LOOK_MS = 200
/** How long the last processes may take to go once they are killed. */
const GONE_MS = 5000

/** Runs a shell command in the workspace. Throws BurnError `sandbox_failed` where it could not be started; never for what it does. */
export async function runCommand(setting: CommandSetup, command: string, options: CommandOptions): Promise<CommandResult> {
  if (command.includes('\0')) throw new BurnError('bad_argument', 'the command contains a NUL character', 'leave it out')
  const group = await Cgroup.make(setting.limits.places, groupLimits(setting.policy)).catch((thrown: Error) => {
    throw failed(`its control group could not be made (${thrown.message})`)
  })
  const output = new KeptOutput(setting.policy.output)
  try {
    const { followed, hits, exceeded } = await watched(setting, group, { ...options, command }, output)
    if (setting.bubblewrap !== null) await lastGone(followed, output, setting.dir)
    const stopped = exceeded ? 'too_much' : followed.stopped
    const { code, signal } = stopped === null ? followed : { code: null, signal: 'SIGKILL' }
    const network = options.network ?? setting.policy.network
    const timeout = timeoutOf(setting, options)
    const text = output.text()
    const over = setting.ended.aborted ? messageOf(setting.ended.reason) : null
    const notes = notesOf({ ...setting, over, network, timeout, hits, exceeded, code, stopped, output: text })
    return { code, signal, output: text, stopped, notes }
  } finally {
    await group.close()
  }
}

/** The argv of a command, with everything around it. */
export function commandWords(setting: CommandSetup, groups: readonly string[], command: string, options: CommandOptions): string[] {
  const { policy, limits, bubblewrap: walls } = setting
  const inner = innerWords({ ...policy, file_bytes: setting.file_bytes }, limits.rlimits, setting.shell, command)
  const bare = () => [...Object.entries(setting.env).map(([name, value]) => `${name}=${value}`), ...inner]
  const network = options.network ?? policy.network
  const words =
    walls === null ? bare() : bubblewrapArgv({ ...walls, network, git: options.writable_git === true ? null : walls.git }, inner)
  // Bubblewrap's own process can be seen from behind its walls, with the environment that it was started with.
  return outerWords(groups, [...(limits.scope ?? []), 'env', '-i', ...words])
}

function timeoutOf({ policy }: CommandSetup, options: CommandOptions): number {
  return Math.min(policy.timeout, options.timeout ?? policy.timeout)
}

/** Follows a command, and ends it when it wants more processes than it may have: it would only try for ever. */
async function watched(
  setting: CommandSetup,
  group: Cgroup,
  { command, ...options }: CommandOptions & { readonly command: string },
  output: KeptOutput,
): Promise<{ followed: StreamResult; hits: Hits; exceeded: boolean }> {
  const exceeded = new AbortController()
  let started: number | null = null
  let hits: Hits = { processes: 0, memory: 0 }
  const look = async () => {
    const dirs = setting.limits.scope === null ? group.dirs : await scopeOf(started)
    const now = await hitsIn(dirs)
    hits = { processes: Math.max(hits.processes, now.processes), memory: Math.max(hits.memory, now.memory) }
    if (hits.processes > 0) exceeded.abort()
  }
  const stop = AbortSignal.any([options.stop, setting.ended])
  const limited = setting.limits.scope !== null || group.dirs.length > 0
  const looking = limited ? setInterval(() => void look(), LOOK_MS) : undefined
  try {
    const followed = await streamProcess(commandWords(setting, group.dirs, command, options), {
      timeout_ms: timeoutOf(setting, options),
      stop: AbortSignal.any([stop, exceeded.signal]),
      onStdout: (chunk) => output.add(chunk),
      started: (pid) => {
        started = pid
      },
      env: setting.outer_env,
      cwd: setting.dir,
    })
    if (limited) await look()
    return { followed, hits, exceeded: followed.stopped === 'stop' && !stop.aborted }
  } finally {
    clearInterval(looking)
  }
}

/** The group that systemd gave a command; none before it has. */
async function scopeOf(pid: number | null): Promise<string[]> {
  if (pid === null) return []
  const [own, its] = await Promise.all([groupOf(process.pid), groupOf(pid)])
  return its === null || its === own ? [] : [its]
}

/** Waits until the first process behind the walls is gone: the kernel lets it go only when all others are. */
async function lastGone(followed: StreamResult, output: KeptOutput, dir: string): Promise<void> {
  const first = /"child-pid": *(\d+)/.exec(followed.stderr)?.[1]
  if (first === undefined && followed.stopped === null) {
    if (!existsSync(dir)) throw new BurnError('sandbox_workspace', `the workspace ${dir} is gone`, 'nothing can run in it')
    throw failed(oneLine(output.text()) || oneLine(followed.stderr))
  }
  if (first === undefined) return
  for (let waited = 0; waited < GONE_MS; waited += 1) {
    const stat = await readFile(`/proc/${first}/stat`, 'utf8').catch(ifCode(['ENOENT', 'ESRCH'], null))
    if (stat === null || /\) [ZX] /.test(stat)) return
    await pause(1)
  }
}

function failed(why: string): BurnError {
  return new BurnError('sandbox_failed', `the command could not be started in its sandbox: ${why}`, 'run burn doctor')
}
