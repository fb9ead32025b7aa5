/** The repo's own check: which command it is, how the base commit defines it, and how it ended. */
import type { TranscriptEntry } from '../core/sprint.ts'
import type { FileChange } from '../git/changes.ts'
import type { Workspace } from '../git/places.ts'
import type { Git } from '../git/run.ts'
import type { Sandbox } from '../sandbox/open.ts'
import type { SprintContext } from './context.ts'
import { membersOf } from '../core/json.ts'
import { askedOfBase, checkFiles, hideable, pinnedPackage } from '../decide/check-files.ts'
import { baseFiles, hiddenFiles, readBlob, indexedFiles, withFiles, writeBlob, type Blob } from '../git/base.ts'

/** Read in this order; the first that is there says the command. */
const known: readonly { readonly file: string; readonly command: string; readonly when?: (text: string) => boolean }[] = [
  { file: 'package.json', command: 'npm test', when: hasTestScript },
  { file: 'Cargo.toml', command: 'cargo test' },
  { file: 'go.mod', command: 'go test ./...' },
  { file: 'pytest.ini', command: 'python3 -m pytest -q' },
  { file: 'pyproject.toml', command: 'python3 -m pytest -q', when: (text) => /pytest/.test(text) },
  { file: 'tox.ini', command: 'python3 -m pytest -q', when: (text) => /pytest/.test(text) },
  { file: 'Makefile', command: 'make test', when: (text) => /^test\s*:(?!=)/m.test(text) },
  { file: 'makefile', command: 'make test', when: (text) => /^test\s*:(?!=)/m.test(text) },
  { file: 'mix.exs', command: 'mix test' },
  { file: 'Gemfile', command: 'bundle exec rake test' },
  { file: 'tests/conftest.py', command: 'python3 -m pytest -q' },
]

/** npm's own placeholder is no test. */
function hasTestScript(text: string): boolean {
  try {
    const { test } = membersOf(membersOf(JSON.parse(text))['scripts'])
    return typeof test === 'string' && !/no test specified/.test(test)
  } catch {
    // No JSON: whoever runs npm there is told so; this repo has no check that is known.
    return false
  }
}

/** Returns the check that the base commit has; null if none is known. The folder is not asked: a model writes to it. */
export async function findCheck(git: Git, workspace: Workspace): Promise<string | null> {
  const files = await baseFiles(
    git,
    workspace,
    known.map(({ file }) => file),
  )
  for (const { file, command, when } of known) {
    const blob = files.get(file)
    if (blob !== undefined && (when === undefined || when(await readBlob(git, workspace, blob)))) return command
  }
  return null
}

/** What a change did to the definition of its check. */
interface Definition {
  /** What is in place while the check runs; null: nothing. */
  readonly files: ReadonlyMap<string, Blob | null>
  /** Files that define the check and are used as the change has them. */
  readonly changed: readonly string[]
}

/** Compares what `changesIn` saw with the base commit. Throws BurnError `git_*`. */
async function definitionOf(git: Git, workspace: Workspace, paths: readonly string[], command: string): Promise<Definition> {
  const base = await baseFiles(git, workspace, askedOfBase(paths, command))
  const { pinned, packages, changed } = checkFiles(paths, command, (path) => base.has(path))
  const hidden = paths.includes('.gitignore') ? await hiddenFiles(git, workspace, hideable) : []
  const files = new Map<string, Blob | null>([...hidden, ...pinned].map((path) => [path, base.get(path) ?? null]))
  const seen = await indexedFiles(git, workspace, packages)
  for (const path of packages) {
    const [before, after] = [base.get(path), seen.get(path)]
    if (before === undefined) continue
    const text = after === undefined ? '' : await readBlob(git, workspace, after)
    const made = pinnedPackage(await readBlob(git, workspace, before), text)
    if (made !== null) files.set(path, await writeBlob(git, workspace, made))
  }
  return { files, changed }
}

export interface CheckRun {
  readonly passed: boolean
  readonly output: string
  /** Files whose version of the base commit was used in place of the change's. */
  readonly pinned: readonly string[]
  readonly changed: readonly string[]
}

export interface ToCheck {
  readonly command: string
  readonly workspace: Workspace
  readonly sandbox: Sandbox
  /** What `changesIn` saw. */
  readonly files: readonly FileChange[]
  readonly note: (note: TranscriptEntry) => void
}

/** Runs the check as the base commit defines it. Throws BurnError `git_*`. */
export async function runCheck(
  { command, workspace, sandbox, files, note }: ToCheck,
  { policy, session, git }: SprintContext,
  stop: AbortSignal,
): Promise<CheckRun> {
  const paths = files.map(({ path }) => path)
  const definition = await definitionOf(git, workspace, paths, command)
  const began = session.clock.now()
  const run = () => sandbox.run(command, { timeout: policy.check_timeout, stop })
  const { code, output, stopped, notes } = await withFiles(git, workspace, definition.files, run)
  const passed = code === 0 && stopped === null
  const late = stopped === 'timeout' ? [`ended: it took longer than ${policy.check_timeout / 1000} s`] : []
  const text = [...notes, output, ...late].join('\n')
  note({ kind: 'check', command, passed, text, ms: session.clock.now() - began })
  return { passed, output: text, pinned: [...definition.files.keys()], changed: definition.changed }
}
