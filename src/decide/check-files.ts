/** Which files of a repository define its check, so that a change can't weaken the check that judges it. */
import { membersOf } from '../core/json.ts'
import { globMatcher } from '../core/globs.ts'

/** The base commit's version of these is in place while the check runs. */
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
  // In the folder that Python runs in, these stand in for the real ones.
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

/** These define more than the check, so the change's version is used; a reviewer is told of it. */
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

/** Pinned in part: dependencies may change with the code. */
const isPackage = globMatcher(['**/package.json'])

/** Makes a command possible at all: if the base has none of a row, the change's own is used, or no first check could ever pass. */
const essential: readonly (readonly string[])[] = [
  ['GNUmakefile', 'makefile', 'Makefile'],
  ['mix.exs'],
  ['Rakefile'],
  ['justfile', '.justfile'],
  ['Taskfile.yml', 'Taskfile.yaml'],
]

/** Names in the top folder that define a check even if git ignores them. */
export const hideable: readonly string[] =
  '.npmrc .yarnrc.yml bunfig.toml pytest.py sitecustomize.py pytest.ini .pytest.ini tox.ini setup.cfg pyproject.toml go.work .rspec .mocharc.json .mocharc.js GNUmakefile makefile Makefile .cargo'.split(
    ' ',
  )

export interface CheckFiles {
  /** The base's version is put in place while the check runs; where it has none, the file is taken out. */
  readonly pinned: readonly string[]
  /** Each is compared with the base's, and pinned in part. */
  readonly packages: readonly string[]
  /** These may define the check, and are used as the change has them. */
  readonly changed: readonly string[]
}

/** Returns the paths that `checkFiles` asks for in the base; none if no changed path defines the check. */
export function askedOfBase(paths: readonly string[], command: string): string[] {
  const { pinned, packages, changed } = checkFiles(paths, command, () => true)
  const touched = [...pinned, ...packages, ...changed]
  return touched.length === 0 ? [] : [...touched, ...essential.flat()]
}

/** Sorts the changed paths by what they are to the check `command`. Scripts that a shell runs are pinned, too. */
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

/** Returns the programs of a repository that a command runs: by a shell or by their path, and by another interpreter. */
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

/** Keys of a package.json that define a check. */
const defining = ['workspaces', 'config', 'jest', 'mocha', 'ava', 'tap', 'c8', 'nyc']

/**
 * Returns the text of a change's package.json with what defines a check as the base's says it; null if both say the same. Scripts that are
 * new stay, but not those that npm would run around others.
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
    // No JSON defines nothing.
    return null
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
