/** A workspace with a sandbox around it, beside things that must stay out of reach. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import type { SandboxPolicy, ToolResult } from '../../src/core/sprint.ts'
import type { CommandOptions, CommandResult } from '../../src/sandbox/command.ts'
import { openSandbox, type Sandbox } from '../../src/sandbox/open.ts'
import { workspaceTools } from '../../src/sandbox/tools.ts'

const real = spawnSync('sh', ['-c', 'command -v bwrap'], { encoding: 'utf8' }).stdout.trim()

/** Why tests of the walls are left out; false where they are not. */
export const without =
  spawnSync('bwrap', ['--unshare-all', '--ro-bind', '/', '/', '--proc', '/proc', 'true']).status === 0 ? false : 'no bubblewrap here'

/** A bubblewrap that works until there is a file `broken` beside it. */
export const brittle = `#!/bin/sh
[ -e "\${0%/*}/broken" ] || PATH='${process.env['PATH'] ?? ''}' exec ${real} "$@"
echo 'bwrap: Creating new namespace failed: No space left on device' >&2
exit 1
`

export const secret = 'hush-0c1f7a'

export const policy: SandboxPolicy = {
  use: without === false ? 'require' : 'off',
  network: false,
  timeout: 30_000,
  output: 20_000,
  memory: 2 * 2 ** 30,
  processes: 64,
  disk: 2 ** 30,
  files: 10_000,
}

export interface Opened {
  readonly sandbox: Sandbox
  /** The workspace. */
  readonly dir: string
  /** What has the workspace, and beside it a home and a sibling. */
  readonly base: string
  readonly home: string
  run(command: string, options?: Partial<CommandOptions>): Promise<CommandResult>
  call(tool: string, args: unknown, stop?: AbortSignal): Promise<ToolResult>
}

export interface Wanted {
  readonly policy?: Partial<SandboxPolicy>
  readonly read_only?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** A folder beside the workspace whose programs are found first. */
  readonly first?: string
  /** Whether there are no others. */
  readonly alone?: boolean
  /** The whole PATH, in place of this process's: that may lead through /tmp. */
  readonly path?: string
  /** Where all of it lies. */
  readonly root?: string
  /** Milliseconds that bubblewrap may take to start its first command. */
  readonly probe_ms?: number
  /** Makes the workspace; it has an empty `.git` unless this makes another. */
  readonly make?: (places: { dir: string; base: string; home: string }) => void
}

export const never = new AbortController().signal

/** Opens a sandbox in a folder of its own, which is removed after the test. */
export async function opened(t: TestContext, wanted: Wanted = {}): Promise<Opened> {
  const base = realpathSync(mkdtempSync(join(wanted.root ?? tmpdir(), 'burn-sandbox-')))
  t.after(() => rmSync(base, { recursive: true, force: true }))
  const [dir, home] = [join(base, 'workspace'), join(base, 'home')]
  mkdirSync(dir)
  put(join(home, '.ssh/id_ed25519'), secret)
  put(join(home, '.hermes/auth.json'), secret)
  put(join(home, '.cargo/credentials.toml'), secret)
  put(join(home, '.cargo/bin/tool'), '#!/bin/sh\necho a tool\n', 0o755)
  put(join(base, 'sibling/file'), secret)
  if (wanted.make === undefined) put(join(dir, '.git/config'), '[core]\n')
  else wanted.make({ dir, base, home })
  const first = wanted.first === undefined ? [] : [join(base, wanted.first)]
  const rest = wanted.alone === true ? [] : [`${home}/.cargo/bin`, dirname(process.execPath), process.env['PATH'] ?? '']
  const env = { ...process.env, ...wanted.env, PATH: wanted.path ?? [...first, ...rest].join(':') }
  const places = { dir, read_only: (wanted.read_only ?? []).map((name) => join(base, name)), own_dir: join(base, 'own'), env, home }
  const sandbox = await openSandbox(
    { ...policy, ...wanted.policy },
    { ...places, ...(wanted.probe_ms === undefined ? {} : { probe_ms: wanted.probe_ms }) },
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

/** Writes a file and the folders it is in. */
export function put(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text, { mode })
}

/** Whether a process of this machine has `marker` in its command line. */
export function runs(marker: string): boolean {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(marker)
      } catch {
        // It ended since the list was read.
        return false
      }
    })
}
