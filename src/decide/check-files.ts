/** Finds the files of a repository that define its check, so that a change cannot weaken the check that judges it. */
import { membersOf } from '../core/json.ts'
import { globMatcher } from '../core/globs.ts'

/** burn runs the check with the base commit's version of these files. */
const isPinned = globMatcher([
  '**/.npmrc',
  '**/.yarnrc*',
  '**/.pnpmfile.*',
  '**/bunfig.toml',
  'turbo.json',
  'nx.json',
  'lerna.json',
  '**/jest.config.*',
  '**/vitest.config.*',
  '**/vitest.workspace.*',
  '**/.mocharc*',
  '**/karma.conf.*',
  '**/ava.config.*',
  '.cargo',
  '.cargo/**',
  'go.work',
  '**/pytest.ini',
  '**/.pytest.ini',
  '**/tox.ini',
  '**/setup.cfg',
  '**/pyproject.toml',
  '**/noxfile.py',
  // Python would load these files in place of the real modules, because it searches the working directory first.
  'pytest.py',
  'pytest/**',
  '_pytest/**',
  'sitecustomize.py',
  '**/GNUmakefile',
  '**/Makefile',
  '**/*.mk',
  '**/mix.exs',
  '**/Rakefile',
  '**/.rspec',
  'justfile',
  '.justfile',
  'Taskfile.y*ml',
])

/**
 * These files define more than the check. burn runs the check with the version of these files in the change, and lists the files for the
 * reviewer.
 */
const isNamed = globMatcher([
  '**/conftest.py',
  '**/vite.config.*',
  '**/Cargo.toml',
  '**/go.mod',
  '**/pom.xml',
  '**/build.gradle*',
  '**/composer.json',
  '**/deno.json*',
  '**/CMakeLists.txt',
])

/** burn pins only those parts of a package.json that define the check, because a change may need new dependencies. */
const isPackage = globMatcher(['**/package.json'])

/**
 * Each row lists the possible names of a file that a check command needs. If the base commit has no file with one of these names, burn uses
 * the file of the change. Otherwise the first check of a new repo could never pass.
 */
const essential: readonly (readonly string[])[] = [
  ['GNUmakefile', 'makefile', 'Makefile'],
  ['mix.exs'],
  ['Rakefile'],
  ['justfile', '.justfile'],
  ['Taskfile.yml', 'Taskfile.yaml'],
]

/** Files in the top folder that define a check even if git ignores them. */
export const hideable: readonly string[] =
  '.npmrc .yarnrc.yml bunfig.toml pytest.py sitecustomize.py pytest.ini .pytest.ini tox.ini setup.cfg pyproject.toml go.work .rspec .mocharc.json .mocharc.js GNUmakefile makefile Makefile .cargo'.split(
    ' ',
  )

/** The changed files that define a check, grouped by the version that burn uses. */
export interface CheckFiles {
  /** burn runs the check with the base commit's version of these files, or without a file that the base commit does not have. */
  readonly pinned: readonly string[]
  /** The changed package.json files. burn takes the parts that define the check from the base commit. */
  readonly packages: readonly string[]
  /** Files that may define the check. burn uses the change's version. */
  readonly changed: readonly string[]
}

/** Returns the paths that `checkFiles` looks up in the base commit; empty if no changed path defines the check. */
export function askedOfBase(paths: readonly string[], command: string): string[] {
  const { pinned, packages, changed } = checkFiles(paths, command, () => true)
  const touched = [...pinned, ...packages, ...changed]
  return touched.length === 0 ? [] : [...touched, ...essential.flat()]
}

/**
 * Groups the changed paths by the version that burn uses for the check `command`. Scripts that the command runs in a shell are pinned, too.
 */
export function checkFiles(paths: readonly string[], command: string, inBase: (path: string) => boolean): CheckFiles {
  const { shell, other } = programsOf(command)
  const files = { pinned: [] as string[], packages: [] as string[], changed: [] as string[] }
  for (const path of paths) {
    const row = essential.find((names) => names.includes(path)) ?? (shell.includes(path) ? [path] : null)
    if (isPackage(path)) (inBase(path) ? files.packages : files.changed).push(path)
    else if (row !== null) (row.some(inBase) ? files.pinned : files.changed).push(path)
    else if (isPinned(path)) files.pinned.push(path)
    else if (other.includes(path) || isNamed(path)) files.changed.push(path)
  }
  return files
}

/**
 * Returns the paths of the files that a check command runs. `shell`: shell scripts, and programs that the command names with a slash, such
 * as `./check`. `other`: scripts for another interpreter, such as Python.
 */
function programsOf(command: string): { readonly shell: readonly string[]; readonly other: readonly string[] } {
  const shell: string[] = []
  const other: string[] = []
  for (const part of command.split(/[;&|()\n]+/)) {
    const words = part.split(/\s+/).filter((word) => !/^(?:|!|env|exec|time|nice|\w+=.*)$/.test(word))
    const [first = ''] = words
    const script = words.slice(1).find((word) => !word.startsWith('-')) ?? ''
    if (/^(?:\/\S*\/)?(?:ba|da|z|k)?sh$/.test(first)) shell.push(script)
    else if (/^(?:\/\S*\/)?(?:python[\d.]*|node|ruby|perl|bun|deno)$/.test(first)) other.push(script)
    else if (first.includes('/')) shell.push(first)
  }
  const tidy = (words: readonly string[]) => words.map((word) => word.replace(/^["']|["']$/g, '').replace(/^\.\//, ''))
  return { shell: tidy(shell), other: tidy(other) }
}

/** The keys of a package.json that can define a check. */
const defining = ['workspaces', 'config', 'jest', 'mocha', 'ava', 'tap', 'c8', 'nyc']

/**
 * Returns the package.json of a change, but with those parts that define a check from the base commit; null if these parts are equal. New
 * scripts stay, except those that npm runs before or after other scripts (`pre…`, `post…`).
 */
export function pinnedPackage(base: string, changed: string): string | null {
  const [before, after] = [recordIn(base), recordIn(changed)]
  if (before === null) return null
  if (after === null) return base
  const [old, fresh] = [membersOf(before['scripts']), membersOf(after['scripts'])]
  const added = Object.entries(fresh).filter(([name]) => !/^(?:pre|post)/.test(name))
  const scripts = { ...Object.fromEntries(added), ...old }
  const kept = Object.fromEntries(Object.entries(after).filter(([key]) => !defining.includes(key)))
  const own = Object.fromEntries(Object.entries(before).filter(([key]) => defining.includes(key)))
  const made = { ...kept, ...own, scripts }
  const same = sorted(scripts) === sorted(fresh) && defining.every((key) => sorted(before[key]) === sorted(after[key]))
  return same ? null : `${JSON.stringify(made, null, 2)}\n`
}

function sorted(value: unknown): string {
  return JSON.stringify(isRecord(value) ? Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)) : (value ?? null))
}

function recordIn(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : null
  } catch {
    // A package.json that is not valid JSON cannot define a check.
    return null
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
