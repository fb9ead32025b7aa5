/** Finds bubblewrap, and tests a configuration of it on this machine. */
import { constants } from 'node:fs'
import { access, lstat, realpath, writeFile } from 'node:fs/promises'
import { BurnError, ifCode, noSuchPath } from '../core/errors.ts'
import type { SandboxPolicy } from '../core/sandbox-policy.ts'
import { oneLine } from '../core/text.ts'
import { runProcess, type RunResult } from '../host/exec.ts'
import { bubblewrapArgv, filterRedirection, type BubblewrapConfig } from './bubblewrap.ts'
import { findHidden, inaccessible } from './hidden.ts'
import { innerArgv } from './limits.ts'
import { findProgram } from '../host/find-program.ts'
import { baseEnvironment, type SandboxOptions } from './options.ts'
import { seccompFilter } from './seccomp.ts'
import { isBelow, linkedPackages, toolchainsOf } from './toolchains.ts'

/** This timeout is long, because a busy machine may take seconds to start bubblewrap. */
const probeTimeout_ms = 30_000

/**
 * Returns a configuration of bubblewrap that has successfully run a test command. Throws BurnError `sandbox_missing` or `sandbox_failed`.
 */
export async function findBubblewrap(
  policy: SandboxPolicy,
  entries: readonly string[],
  options: SandboxOptions & { readonly dir: string; readonly own: BubblewrapConfig['own'] },
): Promise<BubblewrapConfig> {
  const program = await findProgram('bwrap', entries.join(':'))
  if (program === null) throw new BurnError('sandbox_missing', 'bubblewrap is not installed', missingHint, { exit: 2 })
  const config = { ...(await bubblewrapConfigFor(program, entries, options)), scratch_bytes: Math.min(policy.memory, policy.disk) }
  const { code, stderr } = await runConfined(config, ['true'], { PATH: entries.join(':') }, options.probe_ms)
  if (code === 0) return config
  const reason = oneLine(stderr) || (code === null ? 'a signal ended bubblewrap' : `exit code ${code}`)
  throw new BurnError('sandbox_failed', `bubblewrap does not work here: ${reason}`, failedHint(reason))
}

/** Runs a command in bubblewrap. Throws BurnError `sandbox_failed` if the command exceeds the timeout. */
async function runConfined(
  config: BubblewrapConfig,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  timeout_ms = probeTimeout_ms,
): Promise<RunResult> {
  const argv = ['sh', '-c', `exec 3>&1 ${filterRedirection(config)}; exec "$@"`, 'sh', ...bubblewrapArgv(config, command)]
  const result = await runProcess(argv, { timeout_ms, env })
  if (result.stopped === null) return result
  const hint = 'check the load of the machine; the next sprint tries bubblewrap again'
  throw new BurnError('sandbox_failed', `bubblewrap did not start a command within ${timeout_ms / 1000} s`, hint)
}

async function bubblewrapConfigFor(
  program: string,
  entries: readonly string[],
  { dir, own, home, read_only, env, own_dir, facts, git: commandRepo }: SandboxOptions & { readonly own: BubblewrapConfig['own'] },
): Promise<Omit<BubblewrapConfig, 'scratch_bytes'>> {
  const realEntries = await Promise.all(entries.map((entry) => realpath(entry).catch(ifCode(inaccessible, entry))))
  const tools = toolchainsOf([...new Set([...entries, ...realEntries, ...(await linkedPackages(entries))])], home, [
    own_dir,
    dir,
    ...read_only,
  ])
  const readable = await readablePaths(tools.readable.filter((path) => !isBelow(path, dir)))
  // The distribution's own folders have no secrets. In a home, only folders of tools are readable, and they can be private as a whole.
  const searched = ['/etc', '/usr/local', ...readable.filter((path) => !isBelow(path, home) && !isBelow(path, '/usr'))]
  const search = { env: { PATH: entries.join(':') }, timeout_ms: probeTimeout_ms }
  const git = await lstat(`${dir}/.git`).catch(ifCode(noSuchPath, null))
  const resolver = await realpath('/etc/resolv.conf').catch(ifCode(noSuchPath, null))
  return {
    program,
    dir,
    git: git === null ? null : (commandRepo?.link ?? `${dir}/.git`),
    writable_git: null,
    own,
    readable,
    read_only,
    hidden: await facts.hidden.get(JSON.stringify(searched), () => findHidden(searched, search)),
    resolver: resolver === null || isBelow(resolver, '/etc') ? null : resolver,
    filter: await writeFilter(own_dir),
    network: false,
    mounts: [],
    env: { ...baseEnvironment(entries, { env }, own), ...tools.env },
  }
}

/** Writes the seccomp filter into a folder that commands do not see, and returns its path. Throws BurnError `sandbox_failed`. */
async function writeFilter(own_dir: string): Promise<string> {
  const filter = seccompFilter(process.arch)
  if (filter === null) {
    const hint = 'run sprints on a machine with an x64 or arm64 processor'
    throw new BurnError('sandbox_failed', `burn has no seccomp filter for the processor type ${process.arch}`, hint)
  }
  const path = `${own_dir}/seccomp.bpf`
  await writeFile(path, filter, { mode: 0o600 })
  return path
}

/** Returns the paths that burn can read. Leaves out all other paths, because bubblewrap fails if it cannot mount a path. */
async function readablePaths(paths: readonly string[]): Promise<string[]> {
  const readable = await Promise.all(paths.map((path) => access(path, constants.R_OK).then(() => [path], ifCode(inaccessible, []))))
  return readable.flat()
}

/** Tells whether the shell's process limit counts only the processes of this sandbox. Older kernels count all processes of the user. */
export async function countsOwnProcesses(policy: SandboxPolicy, config: BubblewrapConfig): Promise<boolean> {
  const command = innerArgv({ ...policy, file_bytes: policy.disk }, { processes: true, memory: false }, ['sh', '-c', '(true) && (true)'])
  return (await runConfined(config, command, config.env)).code === 0
}

const missingHint =
  'install bubblewrap: apt-get install bubblewrap (not available on macOS); or set "use": "off" in "sandbox" of the spec to run commands unconfined'

function failedHint(reason: string): string {
  if (/no space left|ENOSPC|max_\S+_namespaces/i.test(reason))
    return 'no user namespace is left: raise user.max_user_namespaces, or end processes that use user namespaces; the next sprint tries again'
  if (/unknown option --size/i.test(reason))
    return 'install bubblewrap 0.7 or newer, or write a "dir" outside /tmp into "sprint" of the spec'
  if (/seccomp/i.test(reason)) return 'use a kernel with CONFIG_SECCOMP_FILTER, and a current bubblewrap; in a container, allow seccomp'
  return 'allow user namespaces: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), kernel.unprivileged_userns_clone=1 (Debian); in a container, change the settings of the container'
}
