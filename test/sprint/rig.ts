/** A fleet that runs sprints: a forge over HTTP that may serve git and wants a token, a stand-in model, a folder of its own, and the real command line. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Sprint } from '../../src/core/sprint.ts'
import type { Ledger } from '../../src/core/ledger.ts'
import type { IssueSeed } from '../stand-ins/gitea/state.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { placeMirror } from '../git/mirrors.ts'
import { makeBare } from '../stand-ins/gitea/git.ts'
import { startGitea, type GiteaStandIn } from '../stand-ins/gitea/server.ts'
import { startModel, type ModelOptions, type StandInModel } from '../stand-ins/model/server.ts'
import { burn, scratch, type Ran } from '../support/fleet.ts'
import { newLedger } from '../support/ledger.ts'

export const repo = 'acme/app'
/** Secrets of the rig: none of them may be found in anything that a sprint leaves behind. */
export const secrets = { forge: 'forge-token-5e1f0c9a77', model: 'sk-model-key-d41d8cd98f' }

export interface SprintRig {
  readonly dir: string
  /** Where mirrors, workspaces and transcripts are. */
  readonly state: string
  readonly bare: string
  readonly forge: GiteaStandIn
  readonly model: StandInModel
  burn(...words: readonly string[]): Promise<Ran>
  /** The environment that the command runs with. */
  readonly env: Readonly<Record<string, string>>
  /** Rows of a run with `--json`. */
  run(...words: readonly string[]): Promise<readonly Sprint[]>
  /** Changes the spec's `sprint`. */
  spec(changes: object): void
  /** Opens the ledger for as long as `look` runs. */
  ledger<T>(look: (ledger: Ledger) => Promise<T>): Promise<T>
  /** Open and closed changes for review, by the issue that their body closes. */
  changes(): Map<number, { readonly branch: string; readonly body: string }[]>
}

export interface RigOptions {
  readonly issues: readonly IssueSeed[]
  readonly script: ModelOptions['script']
  readonly files?: Readonly<Record<string, string>>
  readonly check?: string
  readonly sprint?: object
  /** The rest of the spec; it gets the rig's folder. */
  readonly more?: (dir: string) => object
  /** Holds every exchange against the forge's description, which takes a while to open. */
  readonly conform?: boolean
  readonly windows?: readonly object[] | undefined
  /** Issues of a second repo, `acme/lib`, of which no check is known. */
  readonly also?: readonly IssueSeed[]
  /**
   * How git reaches the repos. By their paths, the default, it needs a third of the processes that HTTP with a login needs, and the mirror is there already;
   * `clone`: by their paths, and without a mirror.
   */
  readonly by?: 'path' | 'http' | 'clone'
}

/** The check fails for as long as some file says BROKEN. */
export const check = '! grep -rn BROKEN notes'

export async function sprintRig(t: Pick<TestContext, 'after'>, options: RigOptions): Promise<SprintRig> {
  const dir = scratch(t)
  const [home, state, forgeDir] = [join(dir, 'home'), join(dir, 'sprints'), join(dir, 'forge')]
  for (const each of [home, forgeDir]) mkdirSync(each)
  const bare = join(forgeDir, `${repo}.git`)
  const files = options.files ?? { 'README.md': '# app\n\nshared line\n', 'notes/0.md': 'fine\n' }
  makeBare(bare, files)
  if ((options.by ?? 'path') === 'path' && Object.keys(files).length > 0) await placeMirror(state, { repo, bare, files })
  const seedOf = (name: string, issues: readonly IssueSeed[]) => {
    return { name, writers: ['burn', 'ann'], issues: issues.map((issue) => ({ author: 'ann', ...issue })) }
  }
  const seeds = [seedOf(repo, options.issues)]
  if (options.also !== undefined) {
    makeBare(join(forgeDir, 'acme/lib.git'), { 'README.md': '# lib\n' })
    seeds.push(seedOf('acme/lib', options.also))
  }
  const forge = await startGitea({ check: options.conform ?? false, git: forgeDir, repos: seeds, tokens: { [secrets.forge]: 'burn' } })
  const model = await startModel({ script: options.script, key: secrets.model })
  t.after(() => Promise.all([forge.close(), model.close()]))
  const file = join(dir, 'fleet-spec.json')
  for (const [name, secret] of Object.entries(secrets)) writeFileSync(join(dir, `${name}.secret`), secret, { mode: 0o600 })
  const runner = { kind: 'runner', models: [{ model: 'stand-in', url: model.url, key: { file: join(dir, 'model.secret') } }] }
  const machines = options.windows === undefined ? {} : { machines: { box: { windows: options.windows } } }
  const clone = (name: string) => (options.by === 'http' ? {} : { clone_url: join(forgeDir, `acme/${name}.git`) })
  const write = (sprint: object) =>
    writeFileSync(
      file,
      JSON.stringify({
        name: 'f',
        forge: { kind: 'gitea', url: forge.url, owner: 'acme', token: { file: join(dir, 'forge.secret') } },
        ledger: `sqlite:${dir}/l.db`,
        repos: { app: { check: options.check ?? check, ...clone('app') }, ...(options.also === undefined ? {} : { lib: clone('lib') }) },
        sprint: { repos: ['app'], dir: state, backends: [runner], ...options.sprint, ...sprint },
        ...machines,
        ...options.more?.(dir),
      }),
    )
  write({})
  await newLedger(join(dir, 'l.db'))
  const env = { BURN_SPEC: file, HOME: home }
  const call = (...words: readonly string[]) => burn(words, env)
  return {
    dir,
    state,
    bare,
    forge,
    model,
    env,
    burn: call,
    run: async (...words) => {
      const ran = await call('sprint', 'run', '--json', ...words)
      const said = JSON.parse(ran.out) as { sprints?: readonly Sprint[]; error?: { code: string; message: string } }
      if (said.sprints === undefined) throw new Error(`${said.error?.code}: ${said.error?.message}${ran.err}`)
      return said.sprints
    },
    spec: write,
    ledger: async (look) => {
      const ledger = await openLedger(`sqlite:${dir}/l.db`, { random: Math.random })
      try {
        return await look(ledger)
      } finally {
        await ledger.close()
      }
    },
    changes: () => changesOf(forge),
  }
}

function changesOf({ state }: GiteaStandIn): Map<number, { branch: string; body: string }[]> {
  const found = new Map<number, { branch: string; body: string }[]>()
  for (const { pull, body } of state.repos.get(repo)?.items.values() ?? []) {
    if (pull === null) continue
    const number = Number(/^Closes #(\d+)$/m.exec(body)?.[1])
    found.set(number, [...(found.get(number) ?? []), { branch: pull.branch, body }])
  }
  return found
}

/** Files below a folder that hold a text: relative paths. */
export function filesWith(folder: string, text: string, leave: readonly string[]): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !leave.includes(path) && readFileSync(path).includes(text))
}
