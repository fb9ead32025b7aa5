/** Fills in the defaults of the spec's `sprint`. */
import type { BackendConfig, SprintPolicy } from '../core/sprint.ts'
import type { ModelConfig } from '../core/model-settings.ts'
import type { CommitPolicy, Identity } from '../core/commits.ts'
import type { RepoRef } from '../core/nouns.ts'
import type { SecretSource } from '../core/secret-source.ts'
import type * as z from 'zod'
import type { runnerModel, WrittenSprint } from './sprint.ts'
import { defaults } from './defaults.ts'
import { durationMs, sizeBytes } from './units.ts'

/** The facts from the rest of the spec that `completeSprint` needs. */
export interface SprintInput {
  /** The models of a runner that names none. */
  readonly chain: readonly ModelConfig[]
  /** The repos that workers serve. */
  readonly served: readonly RepoRef[]
  /** Returns a repo as `owner/name`; the spec may leave out the owner. */
  readonly full: (repo: string) => RepoRef
  /** Returns the absolute path of a path in the spec, which may be relative or start with `~/`. */
  readonly local: (path: string) => string
  /** The default of `dir`. */
  readonly dir: string
}

/** Returns the settings of sprints with every default filled in; null if the spec has no `sprint`. */
export function completeSprint(written: WrittenSprint | undefined, { chain, served, full, local, dir }: SprintInput): SprintPolicy | null {
  if (written === undefined) return null
  const { budget = {}, sandbox = {}, keep = {} } = written
  return {
    repos: written.repos === undefined ? served : [...new Set(written.repos.map(full))],
    dir: written.dir === undefined ? dir : local(written.dir),
    backends: written.backends.map((backend) => completeBackend(backend, chain, local)),
    budget: {
      turns: budget.turns ?? defaults.sprintTurns,
      tokens: budget.tokens ?? defaults.sprintTokens,
      time: durationMs(budget.time ?? defaults.sprintTime),
      money: budget.money ?? null,
    },
    skip_labels: written.skip_labels ?? defaults.skipLabels,
    skip_titles: written.skip_titles ?? defaults.skipTitles,
    check_retries: written.check_retries ?? defaults.checkRetries,
    check_timeout: durationMs(written.check_timeout ?? defaults.checkTime),
    allow_paths: written.allow_paths ?? [],
    commits: completeCommits(written, local),
    sandbox: {
      use: sandbox.use === 'off' ? 'off' : 'require',
      network: sandbox.network ?? false,
      setup_hosts: sandbox.setup_hosts ?? null,
      timeout: durationMs(sandbox.timeout ?? defaults.commandTime),
      output: sizeBytes(sandbox.output ?? defaults.commandOutput),
      memory: sizeBytes(sandbox.memory ?? defaults.commandMemory),
      processes: sandbox.processes ?? defaults.commandProcesses,
      disk: sizeBytes(sandbox.disk ?? defaults.sandboxDisk),
      files: sandbox.files ?? defaults.sandboxFiles,
    },
    keep: { workspaces: keep.workspaces ?? defaults.keepWorkspaces, age: durationMs(keep.age ?? defaults.keepAge) },
  }
}

function completeCommits(written: WrittenSprint, local: SprintInput['local']): CommitPolicy {
  const author = written.author ?? defaults.author
  const { signing_key: key } = written
  return {
    author: identityOf(author),
    committer: identityOf(written.committer ?? author),
    sign_off: written.sign_off ?? false,
    signing_key: key === undefined ? null : key.includes('/') ? local(key) : key,
  }
}

/** Parses `Name <address>`, which the schema has checked. */
function identityOf(text: string): Identity {
  const [name = '', email = ''] = text.split(/ <|>/)
  return { name: name.trim(), email }
}

type WrittenBackend = WrittenSprint['backends'][number]
type WrittenModel = z.infer<typeof runnerModel>

function completeBackend(backend: WrittenBackend, chain: readonly ModelConfig[], local: SprintInput['local']): BackendConfig {
  if (backend.kind === 'gateway') {
    const { kind, url, key, model } = backend
    // The cast is safe: the schema allows only one source of a secret, but its type can't express that.
    return { kind, url: url ?? defaults.gateway, key: (key as SecretSource | undefined) ?? null, model: model ?? null }
  }
  if (backend.kind === 'cli') {
    const { kind, agent, command, model, env } = backend
    return { kind, agent, command: command ?? [], model: model ?? null, env: env ?? {} }
  }
  const { kind, models, hermes_home } = backend
  // A runner with a Hermes home of its own uses the models of that home.
  const own = models?.map(completeModel) ?? (hermes_home === undefined ? chain : [])
  return { kind, models: own, hermes_home: local(hermes_home ?? defaults.hermesHome) }
}

/** Returns a model with every default filled in. */
export function completeModel({ model, url, key, provider, price }: WrittenModel): ModelConfig {
  return {
    model,
    url: url.replace(/\/+$/, ''),
    // The cast is safe: the schema allows only one source of a secret, but its type can't express that.
    key: (key as SecretSource | undefined) ?? null,
    provider: provider ?? null,
    price: price ?? null,
  }
}
