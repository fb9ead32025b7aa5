/**
 * The fixture of sprint tests: a stand-in forge, a stand-in model, a new folder, and the real command line. The forge wants a token and can
 * serve git over HTTP.
 */
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
/** The secrets of the fixture. A sprint must not leave any of them behind. */
export const secrets = { forge: 'forge-token-5e1f0c9a77', model: 'sk-model-key-d41d8cd98f' }

export interface SprintRig {
  readonly dir: string
  /** The folder of mirrors, workspaces and transcripts. */
  readonly state: string
  readonly bare: string
  /** Whether the repo counts as one that burn has checked before (`inside`), as most repos are. */
  readonly checked: boolean
  readonly forge: GiteaStandIn
  readonly model: StandInModel
  burn(...words: readonly string[]): Promise<Ran>
  /** The environment of the command. */
  readonly env: Readonly<Record<string, string>>
  /** Runs `burn sprint run --json` and returns its rows. */
  run(...words: readonly string[]): Promise<readonly Sprint[]>
  /** Writes the spec with these changes to `sprint`. */
  spec(changes: object): void
  /** Opens the ledger while `use` runs. */
  ledger<T>(use: (ledger: Ledger) => Promise<T>): Promise<T>
  /** Returns open and closed changes by the issue that their body closes. */
  changes(): Map<number, { readonly branch: string; readonly body: string }[]>
}

export interface RigOptions {
  readonly issues: readonly IssueSeed[]
  readonly script: ModelOptions['script']
  readonly files?: Readonly<Record<string, string>>
  readonly check?: string
  readonly sprint?: object
  /** More settings of the repo, such as `setup`. */
  readonly repo?: object
  /** Returns the rest of the spec. It gets the folder of the fixture. */
  readonly more?: (dir: string) => object
  /** Checks every request and response against the forge's API description, which is slow to open. */
  readonly conform?: boolean
  readonly windows?: readonly object[] | undefined
  /** Issues of a second repo, `acme/lib`, which has no check. */
  readonly also?: readonly IssueSeed[]
  /**
   * The way in which git reaches the repos. `path`, the default, uses their paths and needs a third of the processes of `http`; its mirror
   * exists already, and burn has checked the repo. `clone` uses their paths, too, but has no mirror.
   */
  readonly by?: 'path' | 'http' | 'clone'
  /** The scopes of tokens that lack some of them. */
  readonly scopes?: Readonly<Record<string, readonly string[]>>
}

/** A check that fails while some file contains BROKEN. */
export const check = '! grep -rn BROKEN notes'

/** Starts the stand-ins and writes the spec. */
export async function sprintRig(t: Pick<TestContext, 'after'>, options: RigOptions): Promise<SprintRig> {
  const dir = scratch(t)
  const [home, state, forgeDir] = [join(dir, 'home'), join(dir, 'sprints'), join(dir, 'forge')]
  for (const each of [home, forgeDir]) mkdirSync(each)
  const bare = join(forgeDir, `${repo}.git`)
  const files = options.files ?? { 'README.md': '# app\n\nshared line\n', 'notes/0.md': 'fine\n' }
  makeBare(bare, files)
  const checked = (options.by ?? 'path') === 'path' && Object.keys(files).length > 0
  if (checked) await placeMirror(state, { repo, bare, files })
  const seedOf = (name: string, issues: readonly IssueSeed[]) => {
    return { name, writers: ['burn', 'ann'], issues: issues.map((issue) => ({ author: 'ann', ...issue })) }
  }
  const seeds = [seedOf(repo, options.issues)]
  if (options.also !== undefined) {
    makeBare(join(forgeDir, 'acme/lib.git'), { 'README.md': '# lib\n' })
    seeds.push(seedOf('acme/lib', options.also))
  }
  const forge = await startGitea({
    check: options.conform ?? false,
    git: forgeDir,
    repos: seeds,
    tokens: { [secrets.forge]: 'burn' },
    scopes: options.scopes ?? {},
  })
  const model = await startModel({ script: options.script, key: secrets.model })
  t.after(() => Promise.all([forge.close(), model.close()]))
  const file = join(dir, 'fleet-spec.json')
  for (const [name, secret] of Object.entries(secrets)) writeFileSync(join(dir, `${name}.secret`), secret, { mode: 0o600 })
  const runner = { kind: 'runner', models: [{ model: 'stand-in', url: model.url, key: { file: join(dir, 'model.secret') } }] }
  const machines = options.windows === undefined ? {} : { machines: { box: { windows: options.windows } } }
  const clone = (name: string) => (options.by === 'http' ? {} : { clone_url: join(forgeDir, `acme/${name}.git`) })
  const writeSpec = (sprint: object) =>
    writeFileSync(
      file,
      JSON.stringify({
        name: 'f',
        forge: { kind: 'gitea', url: forge.url, owner: 'acme', token: { file: join(dir, 'forge.secret') } },
        ledger: `sqlite:${dir}/l.db`,
        repos: {
          app: { check: options.check ?? check, ...clone('app'), ...options.repo },
          ...(options.also === undefined ? {} : { lib: clone('lib') }),
        },
        sprint: { repos: ['app'], dir: state, backends: [runner], ...options.sprint, ...sprint },
        ...machines,
        ...options.more?.(dir),
      }),
    )
  writeSpec({})
  await newLedger(join(dir, 'l.db'))
  const env = { BURN_SPEC: file, HOME: home }
  const call = (...words: readonly string[]) => burn(words, env)
  return {
    dir,
    state,
    bare,
    checked,
    forge,
    model,
    env,
    burn: call,
    run: async (...words) => {
      const result = await call('sprint', 'run', '--json', ...words)
      const output = JSON.parse(result.out) as { sprints?: readonly Sprint[]; error?: { code: string; message: string } }
      if (output.sprints === undefined) throw new Error(`${output.error?.code}: ${output.error?.message}${result.err}`)
      return output.sprints
    },
    spec: writeSpec,
    ledger: async (use) => {
      const ledger = await openLedger(`sqlite:${dir}/l.db`, { random: Math.random })
      try {
        return await use(ledger)
      } finally {
        await ledger.close()
      }
    },
    changes: () => changesOf(forge),
  }
}

function changesOf({ state }: GiteaStandIn): Map<number, { branch: string; body: string }[]> {
  const changes = new Map<number, { branch: string; body: string }[]>()
  for (const { pull, body } of state.repos.get(repo)?.items.values() ?? []) {
    if (pull === null) continue
    const number = Number(/^Closes #(\d+)$/m.exec(body)?.[1])
    changes.set(number, [...(changes.get(number) ?? []), { branch: pull.branch, body }])
  }
  return changes
}

/** Returns the paths of the files below a folder that contain a text. */
export function filesWith(folder: string, text: string, except: readonly string[]): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !except.includes(path) && readFileSync(path).includes(text))
}
