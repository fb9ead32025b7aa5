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
  // In Python's working directory these would replace the real modules.
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

/** These files define more than the check, so burn uses the change's version, and tells the reviewer. */
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

/** burn pins only parts of these files, because dependencies may change with the code. */
const isPackage = globMatcher(['**/package.json'])

/**
 * Files without which a command cannot run. If the base has none of a row, burn uses the change's own. Otherwise the first check of a repo
 * could never pass.
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

/** The changed files that define a check, by their treatment. */
export interface CheckFiles {
  /** The check runs with the base's version of these. If the base has none, the check runs without the file. */
  readonly pinned: readonly string[]
  /** burn compares these with the base's version, and pins parts of them. */
  readonly packages: readonly string[]
  /** These may define the check. burn uses the change's version. */
  readonly changed: readonly string[]
}

/** Returns the paths that `checkFiles` looks up in the base; none if no changed path defines the check. */
export function askedOfBase(paths: readonly string[], command: string): string[] {
  const { pinned, packages, changed } = checkFiles(paths, command, () => true)
  const touched = [...pinned, ...packages, ...changed]
  return touched.length === 0 ? [] : [...touched, ...essential.flat()]
}

/** Sorts the changed paths by their treatment for the check `command`. Scripts that a shell runs are pinned, too. */
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
 * Returns the programs of a repository that a command runs: those run by a shell or by their path, and those run by another interpreter.
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
 * Returns the text of a change's package.json with the parts that define a check taken from the base; null if these parts are equal. New
 * scripts stay, except those that npm runs before and after others (`pre…`, `post…`).
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
    // A file that is not JSON defines nothing.
    return null
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
