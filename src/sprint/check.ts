/** Finds the command that checks a repo, and runs this check as the base commit defines it. */
import type { TranscriptEntry } from '../core/sprint.ts'
import type { FileChange } from '../git/changes.ts'
import type { Workspace } from '../git/places.ts'
import type { Git } from '../git/run.ts'
import type { Sandbox } from '../sandbox/open.ts'
import type { SprintContext } from './context.ts'
import { askedOfBase, checkFiles, hideable, pinnedPackage } from '../decide/check-files.ts'
import { findKnownCheck, knownChecks } from '../decide/known-checks.ts'
import { baseFiles, hiddenFiles, readBlob, indexedFiles, withFiles, writeBlob, type Blob } from '../git/base.ts'

/** Returns the check command of the base commit; null if burn finds none. Ignores the working tree, because a model can write to it. */
export async function findCheck(git: Git, workspace: Workspace): Promise<string | null> {
  const files = await baseFiles(
    git,
    workspace,
    knownChecks.map(({ file }) => file),
  )
  return findKnownCheck(async (file) => {
    const blob = files.get(file)
    return blob === undefined ? null : readBlob(git, workspace, blob)
  })
}

/** The files that define a check, and how the change affects these files. */
interface Definition {
  /** The version of each file that burn uses while the check runs. If the version is null, burn removes the file. */
  readonly files: ReadonlyMap<string, Blob | null>
  /** Files that define the check, and that burn does not replace with the version of the base commit. */
  readonly changed: readonly string[]
}

/** Compares the staged changes with the base commit, and returns the definition of the check. Throws BurnError `git_*`. */
async function definitionOf(git: Git, workspace: Workspace, paths: readonly string[], command: string): Promise<Definition> {
  const base = await baseFiles(git, workspace, askedOfBase(paths, command))
  const { pinned, packages, changed } = checkFiles(paths, command, (path) => base.has(path))
  const hidden = paths.includes('.gitignore') ? await hiddenFiles(git, workspace, hideable) : []
  const files = new Map<string, Blob | null>([...hidden, ...pinned].map((path) => [path, base.get(path) ?? null]))
  const staged = await indexedFiles(git, workspace, packages)
  for (const path of packages) {
    const [before, after] = [base.get(path), staged.get(path)]
    if (before === undefined) continue
    const text = after === undefined ? '' : await readBlob(git, workspace, after)
    const pinnedText = pinnedPackage(await readBlob(git, workspace, before), text)
    if (pinnedText !== null) files.set(path, await writeBlob(git, workspace, pinnedText))
  }
  return { files, changed }
}

/** The result of a check. */
export interface CheckRun {
  readonly passed: boolean
  readonly output: string
  /** Files that burn replaced with the version of the base commit. */
  readonly pinned: readonly string[]
  /** Files that define the check and that the change modified. burn runs the check with the modified files. */
  readonly changed: readonly string[]
}

export interface CheckRequest {
  readonly command: string
  readonly workspace: Workspace
  readonly sandbox: Sandbox
  /** The staged changes. */
  readonly files: readonly FileChange[]
  readonly note: (note: TranscriptEntry) => void
}

/** Runs the check as the base commit defines it, and returns the result. Throws BurnError `git_*`. */
export async function runCheck(
  { command, workspace, sandbox, files, note }: CheckRequest,
  { policy, session, git }: SprintContext,
  stop: AbortSignal,
): Promise<CheckRun> {
  const paths = files.map(({ path }) => path)
  const definition = await definitionOf(git, workspace, paths, command)
  const startedAt = session.clock.now()
  const run = () => sandbox.run(command, { timeout: policy.check_timeout, stop })
  const { code, output, stopped, notes } = await withFiles(git, workspace, definition.files, run)
  const passed = code === 0 && stopped === null
  const timeoutNote = stopped === 'timeout' ? [`killed: the check took longer than ${policy.check_timeout / 1000} s`] : []
  const text = [...notes, output, ...timeoutNote].join('\n')
  note({ kind: 'check', command, passed, text, ms: session.clock.now() - startedAt })
  return { passed, output: text, pinned: [...definition.files.keys()], changed: definition.changed }
}
