/** Where a sprint works: a workspace from the cached mirror, the sandbox around it, and the tools that reach into it. */
import { join } from 'node:path'
import type { Issue } from '../core/nouns.ts'
import type { SprintNote, Tool } from '../core/sprint.ts'
import type { Workspace } from '../git/workspace.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'
import type { SprintContext } from './context.ts'
import { openMirror } from '../git/mirror.ts'
import { addWorkspace, gitDirsOf } from '../git/workspace.ts'
import { settingsOf } from '../run/prompts.ts'
import { openSandbox } from '../sandbox/sandbox.ts'
import { workspaceTools } from '../sandbox/tools.ts'
import { SprintFailure } from './context.ts'
import { forgeTool } from './forge-tool.ts'

export interface Place extends AsyncDisposable {
  readonly workspace: Workspace
  readonly sandbox: Sandbox
  readonly tools: readonly Tool[]
}

export interface PlaceFor {
  readonly id: string
  readonly issue: Issue
  readonly base: string
  /** Run first, with network. */
  readonly setup: string | null
  readonly note: (note: SprintNote) => void
}

export async function openPlace({ id, issue, base, setup, note }: PlaceFor, context: SprintContext, stop: AbortSignal): Promise<Place> {
  const { session, policy, credential, env, home } = context
  const clone_url = settingsOf(session.fleet.repos, issue.repo).clone_url ?? session.forge.access(issue.repo).clone_url
  const mirror = await openMirror({ dir: policy.dir, repo: issue.repo, clone_url, credential, env })
  const workspace = await addWorkspace(mirror, { id, base, dir: policy.dir })
  const private_dir = join(policy.dir, 'private', id)
  const sandbox = await openSandbox(policy.sandbox, { dir: workspace.dir, read_only: gitDirsOf(workspace), private_dir, env, home })
  note({ kind: 'note', text: sandbox.why })
  const place: Place = {
    workspace,
    sandbox,
    tools: [...workspaceTools(sandbox), forgeTool(issue, session.forge, session.newId)],
    [Symbol.asyncDispose]: () => sandbox.close(),
  }
  if (setup !== null) await prepare(setup, place, context, note, stop)
  return place
}

async function prepare(
  setup: string,
  { sandbox }: Place,
  { policy }: SprintContext,
  note: PlaceFor['note'],
  stop: AbortSignal,
): Promise<void> {
  const { code, output, stopped } = await sandbox.run(setup, { timeout: policy.check_timeout, stop, network: true })
  note({ kind: 'note', text: `${setup}: ${stopped ?? `ended with ${code ?? 'a signal'}`}` })
  if (code === 0 && stopped === null) return
  await sandbox.close()
  const reason = `its setup failed: ${setup}: ${output.trimEnd().split('\n').at(-1) ?? ''}`
  throw new SprintFailure(stopped === 'stop' ? { class: 'stopped', reason } : { class: 'repo_unusable', reason })
}
