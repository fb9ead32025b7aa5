/** Where a sprint works: a workspace from the cached mirror, the sandbox around it, and the tools that reach into it. */
import { join } from 'node:path'
import type { Issue } from '../core/nouns.ts'
import type { SprintNote, Tool } from '../core/sprint.ts'
import type { Workspace } from '../git/places.ts'
import type { Sandbox } from '../sandbox/open.ts'
import type { SprintContext } from './context.ts'
import { openMirror } from '../git/mirror.ts'
import { gitDirsOf } from '../git/places.ts'
import { addWorkspace } from '../git/workspace.ts'
import { removeTree } from '../host/tree.ts'
import { settingsOf } from '../claim/prompts.ts'
import { openSandbox } from '../sandbox/open.ts'
import { workspaceTools } from '../sandbox/tools.ts'
import { SprintFailure } from './context.ts'
import { forgeTool } from './forge-tool.ts'

export interface Workplace extends AsyncDisposable {
  readonly workspace: Workspace
  readonly sandbox: Sandbox
  readonly tools: readonly Tool[]
}

export interface WorkplaceFor {
  readonly id: string
  readonly issue: Issue
  readonly base: string
  /** Run first, with network. */
  readonly setup: string | null
  readonly note: (note: SprintNote) => void
}

export async function openWorkplace(
  { id, issue, base, setup, note }: WorkplaceFor,
  context: SprintContext,
  stop: AbortSignal,
): Promise<Workplace> {
  const { session, policy, git, env, home } = context
  const clone_url = settingsOf(session.fleet.repos, issue.repo).clone_url ?? session.forge.access(issue.repo).clone_url
  const mirror = await openMirror(git, { dir: policy.dir, repo: issue.repo, clone_url })
  const workspace = await addWorkspace(git, mirror, { id, base })
  const own_dir = join(policy.dir, 'private', id)
  const sandbox = await openSandbox(policy.sandbox, { dir: workspace.path, read_only: gitDirsOf(workspace), own_dir, env, home })
  note({ kind: 'note', text: sandbox.why })
  const place: Workplace = {
    workspace,
    sandbox,
    tools: [...workspaceTools(sandbox), forgeTool(issue, session.forge, session.newId)],
    [Symbol.asyncDispose]: () => removeTree(own_dir),
  }
  try {
    if (setup !== null) await prepare({ setup, note }, place, context, stop)
    return place
  } catch (thrown) {
    await place[Symbol.asyncDispose]()
    throw thrown
  }
}

async function prepare(
  { setup, note }: { readonly setup: string; readonly note: WorkplaceFor['note'] },
  { sandbox }: Workplace,
  { policy }: SprintContext,
  stop: AbortSignal,
): Promise<void> {
  const { code, output, stopped } = await sandbox.run(setup, { timeout: policy.check_timeout, stop, network: true })
  note({ kind: 'note', text: `${setup}: ${stopped ?? `ended with ${code ?? 'a signal'}`}` })
  await sandbox.settle()
  if (code === 0 && stopped === null) return
  const reason = `its setup failed: ${setup}: ${output.trimEnd().split('\n').at(-1) ?? ''}`
  throw new SprintFailure(stopped === 'stop' ? { class: 'stopped', reason } : { class: 'repo_unusable', reason })
}
