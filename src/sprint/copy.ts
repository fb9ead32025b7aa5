/** Copies files of the operator, such as `.env`, into a new workspace. burn never commits these files. */
import { constants } from 'node:fs'
import { copyFile, glob, lstat, mkdir, readFile, realpath } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import type { CopySettings } from '../core/nouns.ts'
import type { Workspace } from '../git/places.ts'
import { codeOf, ifCode, noSuchPath } from '../core/errors.ts'
import { SprintFailure } from './context.ts'

/** The maximum number of files that burn copies. */
const maxFiles = 1_000
/** The maximum size (bytes) of a file in which burn looks for secrets. */
const maxSecretsFile = 2 ** 18
/** The minimum length of a value that burn hides. Shorter values, such as `true` or a port, are in many texts. */
const shortestSecret = 8

/** Files that burn copied into a workspace. */
export interface CopiedFiles {
  /** Their paths in the workspace. */
  readonly paths: readonly string[]
  /** The values in these files that reports must not show. */
  readonly secrets: readonly string[]
}

/**
 * Copies the files that match the globs. Leaves out files that the repo has. Throws SprintFailure `repo_unusable` if a glob matches no file,
 * or if a file is a symbolic link: an agent in the folder could have created the link.
 */
export async function copyFiles({ from, files }: CopySettings, workspace: Workspace): Promise<CopiedFiles> {
  const paths = new Set<string>()
  for (const pattern of files) {
    const found: string[] = []
    for await (const path of glob(pattern, { cwd: from })) found.push(path)
    const copied = await Promise.all(found.map(async (path) => ((await isRegularFile(from, path)) ? [path] : [])))
    if (copied.flat().length === 0) throw failure(`no file in ${from} matches ${JSON.stringify(pattern)}`)
    for (const path of copied.flat()) paths.add(path)
  }
  if (paths.size > maxFiles) throw failure(`the globs match ${paths.size} files in ${from}; at most ${maxFiles} are possible`)
  const made: string[] = []
  for (const path of paths) if (await copyInto(workspace.path, from, path)) made.push(path)
  return { paths: made, secrets: (await Promise.all(made.map((path) => secretsOf(join(from, path))))).flat() }
}

async function isRegularFile(from: string, path: string): Promise<boolean> {
  if (isAbsolute(path) || path.split('/').includes('..')) throw failure(`${path} is not below ${from}`)
  const stat = await lstat(join(from, path))
  if (stat.isSymbolicLink()) throw failure(`${join(from, path)} is a symbolic link`)
  if ((await realpath(join(from, path))) !== join(await realpath(from), path))
    throw failure(`${join(from, path)} is outside the folder, or is behind a symbolic link`)
  return stat.isFile()
}

/** Copies one file. Returns false if the workspace has a file at this path. Follows no symbolic link in the workspace. */
async function copyInto(folder: string, from: string, path: string): Promise<boolean> {
  const parents = dirname(path) === '.' ? [] : dirname(path).split('/')
  for (let depth = 1; depth <= parents.length; depth++) {
    const parent = join(folder, ...parents.slice(0, depth))
    const stat = await lstat(parent).catch(ifCode(noSuchPath, null))
    if (stat === null) await mkdir(parent)
    else if (!stat.isDirectory()) throw failure(`${parents.slice(0, depth).join('/')} is not a folder in the repo`)
  }
  return copyFile(join(from, path), join(folder, path), constants.COPYFILE_EXCL).then(
    () => true,
    (thrown: unknown) => {
      if (codeOf(thrown) === 'EEXIST') return false
      throw thrown
    },
  )
}

/** Returns the values of lines such as `NAME=value` and `"name": "value"`. */
async function secretsOf(path: string): Promise<string[]> {
  if ((await lstat(path)).size > maxSecretsFile) return []
  const lines = (await readFile(path, 'utf8')).matchAll(/^[\s{]*(?:export\s+)?["']?[\w.-]+["']?\s*[=:]\s*(.+)$/gm)
  const values = [...lines].map(([, value = '']) => /^(["'])(.*?)\1/.exec(value)?.[2] ?? value.replace(/\s+#.*$/, '').trim())
  return values.filter((value) => value.length >= shortestSecret)
}

function failure(reason: string): SprintFailure {
  return new SprintFailure({ class: 'repo_unusable', reason: `repos.*.copy: ${reason}` })
}
