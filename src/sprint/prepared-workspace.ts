/** Prepares a sprint's workspace: a worktree of the cached mirror, a sandbox, and the tools for the model. */
import { join } from 'node:path'
import type { CopySettings, Issue } from '../core/nouns.ts'
import type { TranscriptEntry, Tool } from '../core/sprint.ts'
import { gitDirsOf, workspacesOf, type Mirror, type Workspace } from '../git/places.ts'
import { openSandbox, type Sandbox } from '../sandbox/open.ts'
import { SprintFailure, type SprintContext } from './context.ts'
import { neverCommit, recordBaseline } from '../git/baseline.ts'
import { createCommandRepo } from '../git/command-repo.ts'
import { checkOutLfs } from '../git/lfs.ts'
import { fetchBranch, openMirror } from '../git/mirror.ts'
import type { Git } from '../git/run.ts'
import { messageOf } from '../core/errors.ts'
import { checkOutSubmodules } from '../git/submodules.ts'
import { textsInBase } from '../git/texts.ts'
import { addWorkspace, removeWorkspace } from '../git/workspace.ts'
import { removeTree } from '../host/untrusted-tree.ts'
import { cloneUrlOf } from '../observe/repo-facts.ts'
import { workspaceTools } from '../sandbox/tools.ts'
import { copyFiles } from './copy.ts'
import { forgeTool } from './forge-tool.ts'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'

/** A workspace that is ready for a sprint. Disposing of it removes the private folders of the sandbox, but keeps the workspace. */
export interface PreparedWorkspace extends AsyncDisposable {
  readonly workspace: Workspace
  readonly sandbox: Sandbox
  readonly tools: readonly Tool[]
  /** The values of copied files that burn must not publish. */
  readonly secrets: readonly string[]
}

export interface PrepareOptions {
  readonly id: string
  readonly issue: Issue
  readonly base: string
  /** A command that prepares the workspace before the sprint. The command may use the network. */
  readonly setup: string | null
  readonly copy: CopySettings | null
  /** The branch of an existing change that the sprint continues; null for a new change. */
  readonly branch: string | null
  readonly note: (note: TranscriptEntry) => void
}

/**
 * Creates the workspace and its sandbox, runs the setup command, and returns the prepared workspace. Throws SprintFailure if the setup
 * command fails, and BurnError `git_*` or `sandbox_*`.
 */
export async function prepareWorkspace(
  { id, issue, base, setup, copy, branch, note }: PrepareOptions,
  context: SprintContext,
  stop: AbortSignal,
): Promise<PreparedWorkspace> {
  const { session, policy, git, env, home, facts } = context
  const clone_url = cloneUrlOf(issue.repo, session)
  const mirror = await openMirror(git, { dir: policy.dir, repo: issue.repo, clone_url })
  if (branch !== null) await fetchExisting(git, mirror, { id, branch })
  const workspace = await addWorkspace(git, mirror, { id, base, branch_prefix: session.fleet.dispatch.branch_prefix })
  const own_dir = join(policy.dir, 'private', id)
  const lfsProblem = await checkOutLfs(git, workspace)
  if (lfsProblem !== null) note({ kind: 'note', text: lfsProblem })
  const commandRepo = await createCommandRepo(workspace)
  const submodules = await checkOutSubmodules(git, workspace, commandRepo)
  for (const text of submodules.problems) note({ kind: 'note', text })
  const secrets = copy === null ? [] : await bringFiles(copy, workspace, context)
  const paths = { dir: workspace.path, read_only: [...gitDirsOf(workspace), ...submodules.read_only], git: commandRepo, own_dir }
  const sandbox = await openSandbox(policy.sandbox, { ...paths, env, home, facts })
  note({ kind: 'note', text: [sandbox.summary, ...sandbox.gaps.map(({ what }) => what)].join('; ') })
  const prepared: PreparedWorkspace = {
    workspace,
    sandbox,
    secrets,
    tools: [...workspaceTools(sandbox), forgeTool(issue, session.forge, session.newId)],
    [Symbol.asyncDispose]: () => removeTree(own_dir),
  }
  try {
    if (setup !== null) await runSetup({ setup, note }, prepared, context, stop)
    await recordBaseline(git, workspace)
    return prepared
  } catch (thrown) {
    await prepared[Symbol.asyncDispose]()
    throw thrown
  }
}

/**
 * Fetches the branch of an existing change, so that the workspace starts from it. Removes the workspace of the earlier sprint. Throws
 * SprintFailure if that workspace has unpushed work.
 */
async function fetchExisting(git: Git, mirror: Mirror, { id, branch }: { readonly id: string; readonly branch: string }): Promise<void> {
  const earlier = (await workspacesOf(mirror.dir, mirror.repo)).find((workspace) => workspace.id === id)
  if (earlier !== undefined) {
    const removed = await removeWorkspace(git, earlier, { force: false }).then(
      () => null,
      (thrown: unknown) => messageOf(thrown),
    )
    if (removed !== null) throw new SprintFailure({ class: 'workspace_unusable', reason: removed })
  }
  await fetchBranch(git, mirror, branch)
}

/** Copies the files of the operator. Returns the values in them that the repo does not have, and makes `redact` remove these values. */
async function bringFiles(copy: CopySettings, workspace: Workspace, { git, hide }: SprintContext): Promise<readonly string[]> {
  const { paths, secrets } = await copyFiles(copy, workspace)
  await neverCommit(workspace, paths)
  const known = await textsInBase(git, workspace, secrets)
  const unknown = secrets.filter((secret) => !known.has(secret))
  hide(unknown)
  return unknown
}

async function runSetup(
  { setup, note }: { readonly setup: string; readonly note: PrepareOptions['note'] },
  { sandbox }: PreparedWorkspace,
  { policy }: SprintContext,
  stop: AbortSignal,
): Promise<void> {
  const { setup_hosts } = policy.sandbox
  const network = setup_hosts === null ? { network: true } : { hosts: setup_hosts }
  const options = { timeout: policy.check_timeout, stop, writable_git: true, ...network }
  const { code, output, stopped, notes } = await sandbox.run(setup, options)
  const end = stopped ?? (code === null ? 'killed by a signal' : `exit code ${code}`)
  note({ kind: 'note', text: `${setup}: ${[end, ...notes].join('; ')}` })
  await sandbox.cleanWorkspace()
  if (code === 0 && stopped === null) return
  const reason = `the setup command failed: ${setup}: ${output.trimEnd().split('\n').at(-1) ?? ''}`
  throw new SprintFailure(stopped === 'stop' ? { class: 'stopped', reason } : { class: 'repo_unusable', reason })
}

type SandboxContext = Pick<SprintContext, 'policy' | 'env' | 'home' | 'facts'>

/**
 * Tests the sandbox: opens a sandbox in a temporary folder below `sprint.dir`, then removes the folder. Returns a summary of the sandbox.
 * Throws BurnError `sandbox_*`, and Node's error if the folder cannot be created.
 */
export async function trySandbox({ policy, env, home, facts }: SandboxContext): Promise<Pick<Sandbox, 'summary' | 'gaps'>> {
  await mkdir(policy.dir, { recursive: true, mode: 0o700 })
  const probeDir = await mkdtemp(join(policy.dir, 'probe-'))
  try {
    const dir = join(probeDir, 'work')
    await mkdir(dir)
    return await openSandbox(policy.sandbox, { dir, read_only: [], own_dir: join(probeDir, 'private'), env, home, facts })
  } finally {
    await rm(probeDir, { recursive: true, force: true })
  }
}

/** Throws BurnError `sandbox_*` if the spec requires a sandbox and burn cannot open one. */
export async function requireSandbox(context: SandboxContext): Promise<void> {
  if (context.policy.sandbox.use === 'require') await trySandbox(context)
}
