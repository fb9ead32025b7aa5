/** Sets up the demo: a folder with a folder forge, three bare repositories and a fleet spec. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { messageOf } from '../src/core/errors.ts'
import { runProcess } from '../src/host/exec.ts'
import { SandboxFacts } from '../src/sandbox/facts.ts'
import { openSandbox } from '../src/sandbox/open.ts'
import { renderDocument } from '../src/forge/front-matter.ts'
import { standInFile } from '../test/stand-ins/files.ts'
import { backlog, writers, type DemoIssue } from './backlog.ts'
import { repos } from './repos.ts'

/** The files and names of one demo. */
export interface DemoSetup {
  /** The folder of the demo, with all its files. */
  readonly dir: string
  /** The folder of the forge. */
  readonly forge: string
  /** The bundled command, because the sources start slowly. */
  readonly command: string
  readonly spec: string
  readonly socket: string
  readonly session: string
  /** The reason why the demo's sprint runs commands without a sandbox; null if bubblewrap confines them. */
  readonly unconfined: string | null
  /** The environment of the demo's programs. It has a private home, and git reads no configuration of the user. */
  readonly env: Readonly<Record<string, string>>
}

const root = resolve(import.meta.dirname, '..')
const agent = standInFile('hermes')

/** The windows of the demo, with their lanes, repos and workers. One worker is in the council. */
export const lanes = [
  { name: 'CRUCIBLE', lane: 'code', repos: ['kettle'], names: ['AZOTH', 'ALBEDO', 'CITRINITAS', 'RUBEDO'] },
  {
    name: 'SCRIPTORIUM',
    lane: 'docs',
    repos: ['handbook'],
    names: ['THOTH', 'SESHAT', 'NISABA', 'ATHENA'],
    workers: { ATHENA: { role: 'council', glyph: '◈' } },
  },
  { name: 'FOUNDRY', lane: 'tools', repos: ['toolbox'], names: ['HEPHAESTUS', 'WAYLAND', 'ILMARINEN', 'DAEDALUS'] },
] as const

/** Creates the demo in a new temporary folder. `model`: the URL of the model for sprints. */
export async function setUpDemo(env: Readonly<Record<string, string | undefined>>, model: string): Promise<DemoSetup> {
  const dir = mkdtempSync(join(tmpdir(), 'burn-demo-'))
  const forge = join(dir, 'forge')
  const home = join(dir, 'home')
  const socket = `burn-demo-${dir.slice(-6)}`
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !/^(?:GIT_|BURN_|TMUX$|TMUX_PANE$|NODE_TEST_CONTEXT$|NODE_OPTIONS$)/.test(entry[0]),
  )
  const own_env = { ...Object.fromEntries(kept), HOME: home, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', NO_COLOR: '1' }
  mkdirSync(home)
  const setup: DemoSetup = {
    dir,
    forge,
    command: env['BURN_COMMAND'] ?? join(dir, 'burn/start.mjs'),
    spec: join(dir, 'fleet-spec.json'),
    socket,
    session: 'DEMO',
    unconfined: await whyUnconfined(dir, own_env),
    env: own_env,
  }
  writeIssues(forge)
  // If BURN_COMMAND is set, a test run has bundled the command already.
  if (env['BURN_COMMAND'] === undefined) {
    const { bundle } = await import('../scripts/bundle.ts')
    await bundle(dirname(setup.command))
  }
  await Promise.all(Object.entries(repos).map(([name, { files }]) => makeRepo(setup, name, files)))
  writeFileSync(setup.spec, specOf(setup, model))
  return setup
}

function writeIssues(forge: string): void {
  const began = Date.now() - backlog.length * 3_600_000
  backlog.forEach((issue, index) => writeIssue(forge, issue, began + index * 3_600_000))
  write(join(forge, 'writers'), `${writers.join('\n')}\n`)
}

type WrittenIssue = Pick<DemoIssue, 'repo' | 'number' | 'title' | 'body' | 'author'> & Partial<Pick<DemoIssue, 'labels' | 'assignees'>>

/** Writes an issue to the folder forge, as a person would. */
export function writeIssue(
  forge: string,
  { repo, number, title, body, author, labels = [], assignees = [] }: WrittenIssue,
  at = Date.now(),
): void {
  const created = new Date(at).toISOString()
  write(join(forge, 'issues', repo, `${number}.md`), renderDocument({ title, author, labels, assignees, created }, `${body}\n`))
}

/** Creates a bare repository with one commit on main. */
async function makeRepo(setup: DemoSetup, name: string, files: Readonly<Record<string, string>>): Promise<void> {
  const tree = join(setup.dir, `first-${name}`)
  for (const [path, text] of Object.entries(files)) write(join(tree, path), text)
  if (name === 'toolbox')
    for (const path of Object.keys(files).filter((each) => each.startsWith('bin/'))) chmodSync(join(tree, path), 0o755)
  const bare = join(setup.forge, `${name}.git`)
  await git(setup, 'init', '--quiet', tree)
  await git(setup, '-C', tree, 'symbolic-ref', 'HEAD', 'refs/heads/main')
  await git(setup, '-C', tree, 'add', '--all')
  await git(setup, '-C', tree, '-c', 'user.name=ann', '-c', 'user.email=ann@demo.invalid', 'commit', '--quiet', '-m', `Begin ${name}`)
  await git(setup, 'clone', '--quiet', '--bare', tree, bare)
  rmSync(tree, { recursive: true })
}

/** Runs git, and returns its output. Throws an error with its messages. */
export async function git({ env, dir }: DemoSetup, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProcess(['git', ...words], { timeout_ms: 20_000, env, cwd: dir })
  if (code !== 0) throw new Error(`git ${words.join(' ')}: ${stderr.trim() || `code ${code}`}`)
  return stdout
}

/**
 * Returns the reason that bubblewrap does not work here; null if it works. Without bubblewrap the demo runs commands unconfined and reports
 * it: its model is a harmless script.
 */
export async function whyUnconfined(dir: string, env: DemoSetup['env']): Promise<string | null> {
  const [work, own_dir] = [join(dir, 'probe/work'), join(dir, 'probe/own')]
  mkdirSync(work, { recursive: true })
  const policy = {
    use: 'require',
    network: false,
    setup_hosts: null,
    timeout: 10_000,
    output: 1000,
    memory: 1e9,
    processes: 64,
    disk: 1e9,
    files: 1000,
  } as const
  try {
    await openSandbox(policy, {
      dir: work,
      read_only: [],
      own_dir,
      env,
      home: env['HOME'] ?? dir,
      facts: new SandboxFacts({ now: Date.now }),
    })
    return null
  } catch (thrown) {
    return messageOf(thrown)
  } finally {
    rmSync(join(dir, 'probe'), { recursive: true, force: true })
  }
}

/** Returns the spec with one key per line, so that a person can easily change the lines for a forge and an agent. */
function specOf({ dir, socket, session, unconfined }: DemoSetup, model: string): string {
  const spec = {
    name: 'demo',
    session,
    socket,
    dir: join(dir, 'workers'),
    forge: { kind: 'folder', path: './forge' },
    agent: {
      kind: 'hermes',
      command: [process.execPath, agent, '--busy-mode', 'queue', '--turn', join(root, 'demo/worker.mjs')],
      model: 'demo-worker',
      busy_input_mode: 'queue',
      // Hooks would write outside the folder of the demo.
      hooks: false,
    },
    dispatch: { depth: 2, interval: '1s', skip_labels: ['epic'] },
    sprint: {
      dir: join(dir, 'sprints'),
      sandbox: { use: unconfined === null ? 'require' : 'off' },
      backends: [{ kind: 'runner', models: [{ model: 'demo-model', url: model }] }],
    },
    ledger: `sqlite:${join(dir, 'ledger.db')}`,
    repos: Object.fromEntries(Object.entries(repos).map(([name, { check }]) => [name, { check }])),
    machines: { here: { windows: lanes } },
  }
  return `{\n${Object.entries(spec)
    .map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`)
    .join(',\n')}\n}\n`
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
