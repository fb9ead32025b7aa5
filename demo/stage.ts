/** Sets the demo's stage: a folder with a folder forge, three bare repositories, and a fleet spec. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { bundle } from '../scripts/bundle.ts'
import { messageOf } from '../src/core/errors.ts'
import { runProcess } from '../src/host/exec.ts'
import { openSandbox } from '../src/sandbox/open.ts'
import { renderDocument } from '../src/forge/front-matter.ts'
import { backlog, writers, type DemoIssue } from './backlog.ts'
import { repos } from './repos.ts'

export interface Stage {
  /** All that the demo leaves behind. */
  readonly dir: string
  /** The folder forge in it. */
  readonly forge: string
  /** The command as it ships: from its sources each start would take a second. */
  readonly command: string
  readonly spec: string
  readonly socket: string
  readonly session: string
  /** Why its sprint runs commands unconfined; null if they run in bubblewrap. */
  readonly unconfined: string | null
  /** What its programs run with: a home of their own, and no git configuration of the person's. */
  readonly env: Readonly<Record<string, string>>
}

const root = resolve(import.meta.dirname, '..')
const agent = join(root, 'test/stand-ins/agent/agent.mjs')

/** The lanes of the demo; the one who advises sits among those who work. */
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

/** Makes everything, in a new folder below the system's temporary one. `model`: where the model of sprints listens. */
export async function setStage(env: Readonly<Record<string, string | undefined>>, model: string): Promise<Stage> {
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
  const stage: Stage = {
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
  // A run of all tests has bundled the command already.
  if (env['BURN_COMMAND'] === undefined) await bundle(dirname(stage.command))
  await Promise.all(Object.entries(repos).map(([name, { files }]) => makeRepo(stage, name, files)))
  writeFileSync(stage.spec, specOf(stage, model))
  return stage
}

function writeIssues(forge: string): void {
  const began = Date.now() - backlog.length * 3_600_000
  backlog.forEach((issue, index) => writeIssue(forge, issue, began + index * 3_600_000))
  write(join(forge, 'writers'), `${writers.join('\n')}\n`)
}

type WrittenIssue = Pick<DemoIssue, 'repo' | 'number' | 'title' | 'body' | 'author'> & Partial<Pick<DemoIssue, 'labels' | 'assignees'>>

/** An issue, as a person writes one into the folder. */
export function writeIssue(
  forge: string,
  { repo, number, title, body, author, labels = [], assignees = [] }: WrittenIssue,
  at = Date.now(),
): void {
  const created = new Date(at).toISOString()
  write(join(forge, 'issues', repo, `${number}.md`), renderDocument({ title, author, labels, assignees, created }, `${body}\n`))
}

/** A bare repository with one commit on main. */
async function makeRepo(stage: Stage, name: string, files: Readonly<Record<string, string>>): Promise<void> {
  const tree = join(stage.dir, `first-${name}`)
  for (const [path, text] of Object.entries(files)) write(join(tree, path), text)
  if (name === 'toolbox')
    for (const path of Object.keys(files).filter((each) => each.startsWith('bin/'))) chmodSync(join(tree, path), 0o755)
  const bare = join(stage.forge, `${name}.git`)
  await git(stage, 'init', '--quiet', tree)
  await git(stage, '-C', tree, 'symbolic-ref', 'HEAD', 'refs/heads/main')
  await git(stage, '-C', tree, 'add', '--all')
  await git(stage, '-C', tree, '-c', 'user.name=ann', '-c', 'user.email=ann@demo.invalid', 'commit', '--quiet', '-m', `Begin ${name}`)
  await git(stage, 'clone', '--quiet', '--bare', tree, bare)
  rmSync(tree, { recursive: true })
}

/** Runs git and returns what it printed. Throws with what it said. */
export async function git({ env, dir }: Stage, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProcess(['git', ...words], { timeout_ms: 20_000, env, cwd: dir })
  if (code !== 0) throw new Error(`git ${words.join(' ')}: ${stderr.trim() || `code ${code}`}`)
  return stdout
}

/** The demo's model is a script that harms nothing, so the demo also runs on a machine without a working bubblewrap, and says so. */
export async function whyUnconfined(dir: string, env: Stage['env']): Promise<string | null> {
  const [work, own_dir] = [join(dir, 'probe/work'), join(dir, 'probe/own')]
  mkdirSync(work, { recursive: true })
  const policy = {
    use: 'require',
    network: false,
    timeout: 10_000,
    output: 1000,
    memory: 1e9,
    processes: 64,
    disk: 1e9,
    files: 1000,
  } as const
  try {
    await openSandbox(policy, { dir: work, read_only: [], own_dir, env, home: env['HOME'] ?? dir })
    return null
  } catch (thrown) {
    return messageOf(thrown)
  } finally {
    rmSync(join(dir, 'probe'), { recursive: true, force: true })
  }
}

/** A key a line, so that a person sees which two lines to change for a forge and an agent of their own. */
function specOf({ dir, socket, session, unconfined }: Stage, model: string): string {
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
      // Nothing is written outside of the demo's folder.
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
