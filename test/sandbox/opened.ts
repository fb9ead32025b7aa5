/** The fixture of sandbox tests: a workspace in a sandbox, beside a home and a folder that commands must not reach. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import type { SandboxPolicy } from '../../src/core/sandbox-policy.ts'
import type { ToolResult } from '../../src/core/sprint.ts'
import type { CommandOptions, CommandResult } from '../../src/sandbox/command.ts'
import { openSandbox, type Sandbox } from '../../src/sandbox/open.ts'
import { workspaceTools } from '../../src/sandbox/tools.ts'
import { sandboxFacts } from '../support/sandbox-facts.ts'

const realBwrap = spawnSync('sh', ['-c', 'command -v bwrap'], { encoding: 'utf8' }).stdout.trim()

/** The reason to skip tests that need bubblewrap; false if it works here. */
export const skipReason =
  spawnSync('bwrap', ['--unshare-all', '--ro-bind', '/', '/', '--proc', '/proc', 'true']).status === 0
    ? false
    : 'bubblewrap does not work here'

/** A stand-in for bwrap that runs the real one until there is a file `broken` beside it. */
export const failingBwrap = `#!/bin/sh
[ -e "\${0%/*}/broken" ] || PATH='${process.env['PATH'] ?? ''}' exec ${realBwrap} "$@"
echo 'bwrap: Creating new namespace failed: No space left on device' >&2
exit 1
`

export const secret = 'hush-0c1f7a'

export const policy: SandboxPolicy = {
  use: skipReason === false ? 'require' : 'off',
  network: false,
  setup_hosts: null,
  timeout: 30_000,
  output: 20_000,
  memory: 2 * 2 ** 30,
  processes: 64,
  disk: 2 ** 30,
  files: 10_000,
}

export interface OpenedSandbox {
  readonly sandbox: Sandbox
  /** The path of the workspace. */
  readonly dir: string
  /** The folder that contains the workspace, the home and a sibling. */
  readonly base: string
  readonly home: string
  run(command: string, options?: Partial<CommandOptions>): Promise<CommandResult>
  call(tool: string, args: unknown, stop?: AbortSignal): Promise<ToolResult>
}

export interface SetupOptions {
  readonly policy?: Partial<SandboxPolicy>
  readonly read_only?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** A folder beside the workspace that comes first in the PATH. */
  readonly first_path?: string
  /** Whether the PATH has no other folders. */
  readonly no_other_path?: boolean
  /** The whole PATH. The PATH of this process may contain folders below /tmp. */
  readonly path?: string
  /** The parent of `base`. */
  readonly root?: string
  /** Timeout for bubblewrap's first command (ms). */
  readonly probe_ms?: number
  /** Fills the workspace. By default it has an almost empty `.git`. */
  readonly make?: (paths: { dir: string; base: string; home: string }) => void
}

export const never = new AbortController().signal

/** Opens a sandbox in a new folder, which is removed after the test. */
export async function opened(t: TestContext, options: SetupOptions = {}): Promise<OpenedSandbox> {
  const base = realpathSync(mkdtempSync(join(options.root ?? tmpdir(), 'burn-sandbox-')))
  t.after(() => rmSync(base, { recursive: true, force: true }))
  const [dir, home] = [join(base, 'workspace'), join(base, 'home')]
  mkdirSync(dir)
  putFile(join(home, '.ssh/id_ed25519'), secret)
  putFile(join(home, '.hermes/auth.json'), secret)
  putFile(join(home, '.cargo/credentials.toml'), secret)
  putFile(join(home, '.cargo/bin/tool'), '#!/bin/sh\necho a tool\n', 0o755)
  putFile(join(base, 'sibling/file'), secret)
  if (options.make === undefined) putFile(join(dir, '.git/config'), '[core]\n')
  else options.make({ dir, base, home })
  const firstPath = options.first_path === undefined ? [] : [join(base, options.first_path)]
  const otherPath = options.no_other_path === true ? [] : [`${home}/.cargo/bin`, dirname(process.execPath), process.env['PATH'] ?? '']
  const env = { ...process.env, ...options.env, PATH: options.path ?? [...firstPath, ...otherPath].join(':') }
  const paths = { dir, read_only: (options.read_only ?? []).map((name) => join(base, name)), own_dir: join(base, 'own'), env, home }
  const sandbox = await openSandbox(
    { ...policy, ...options.policy },
    { ...paths, facts: sandboxFacts, ...(options.probe_ms === undefined ? {} : { probe_ms: options.probe_ms }) },
  )
  const tools = new Map(workspaceTools(sandbox).map((tool) => [tool.name, tool]))
  return {
    sandbox,
    dir,
    base,
    home,
    run: (command, options) => sandbox.run(command, { stop: never, ...options }),
    call: (name, args, stop = never) => {
      const tool = tools.get(name)
      if (tool === undefined) throw new Error(`there is no tool ${name}`)
      return tool.run(args as Readonly<Record<string, unknown>>, stop)
    },
  }
}

/** Writes a file, and creates its folders. */
export function putFile(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text, { mode })
}

/** Returns whether a process of this machine has `marker` in its command line. */
export function isRunning(marker: string): boolean {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(marker)
      } catch {
        // The process has exited since the list was read.
        return false
      }
    })
}
