/** Builds the paths of a folder forge, and reads all files of one folder. */
import { lstat, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { RepoRef } from '../core/nouns.ts'
import type { IssuePage } from '../core/ports.ts'
import { BurnError, ifCode, noSuchPath } from '../core/errors.ts'
import { namesIn, readPlainFile, unreadable } from './files.ts'
import { concurrencyLimiter } from './rate-limit.ts'
import { splitRepo } from './refs.ts'

/** The login of the fleet on a folder forge. */
export const login = 'burn'
const openFiles = 16

type Kind = 'issues' | 'comments' | 'reviews' | 'checks' | 'rules'

/**
 * The paths of a folder forge. The functions throw BurnError `forge_not_found` for a repo of another owner, and `forge_forbidden` if a
 * folder is a symbolic link.
 */
export interface FolderPaths {
  readonly root: string
  /** The text before the dispatch's id in the names of branches; by default `burn/`. */
  readonly branch_prefix: string | undefined
  /** Returns the folder of a repo, or a folder below it. `below` must be plain names. */
  folder(kind: Kind, repo: RepoRef, ...below: readonly string[]): Promise<string>
}

/** Returns the paths below `root`, for repos of this owner. */
export function folderPaths(root: string, owner: string, branch_prefix?: string): FolderPaths {
  return {
    root,
    branch_prefix,
    async folder(kind, repo, ...below) {
      const parts = splitRepo(repo)
      if (parts.owner !== owner)
        throw new BurnError('forge_not_found', `the folder ${root} has no repo ${repo}`, `its repos are ${owner}/<name>`)
      const names = [kind, parts.name, ...below]
      const path = names.map((_, index) => join(root, ...names.slice(0, index + 1)))
      await Promise.all(path.map(refuseLink))
      return path.at(-1)!
    },
  }
}

/**
 * Throws BurnError `forge_forbidden` if a folder is a symbolic link, because a link could lead anywhere. The root folder itself may be a
 * link.
 */
async function refuseLink(path: string): Promise<void> {
  const found = await lstat(path)
    .catch(ifCode(noSuchPath, null))
    .catch((thrown: unknown) => Promise.reject(unreadable(path, thrown)))
  if (found?.isSymbolicLink() === true)
    throw new BurnError('forge_forbidden', `${path} is a symbolic link`, 'replace the link with the folder itself')
}

/** Returns the path of the bare repository of a repo. */
export function bareOf(root: string, repo: RepoRef): string {
  return join(root, `${splitRepo(repo).name}.git`)
}

/** Returns the branch that HEAD of the bare repository names; null if there is no bare repository. */
export async function defaultBranch(root: string, repo: RepoRef): Promise<string | null> {
  const head = await readFile(join(bareOf(root, repo), 'HEAD'), 'utf8').catch(ifCode(['EACCES', ...noSuchPath], ''))
  return /^ref: refs\/heads\/(\S+)$/m.exec(head)?.[1] ?? null
}

/** Returns the logins in the `writers` file, and burn's own; null if there is no such file. */
export async function readWriterNames({ root }: FolderPaths): Promise<readonly string[] | null> {
  const file = await readPlainFile(join(root, 'writers'))
  if (file === null) return null
  const logins = file.text.split('\n').map((line) => line.replace(/#.*/, '').trim())
  return [login, ...logins.filter((each) => each !== '')]
}

/** Reads each file whose name is a number, in the order of the numbers. Skips malformed files and reports the reason for each. */
export async function readNumberedFiles<T>(
  paths: FolderPaths,
  folder: string,
  numberIn: (name: string) => number | null,
  make: (path: string, number: number) => Promise<T | null>,
): Promise<{ readonly found: readonly T[]; readonly skipped: IssuePage['skipped'] }> {
  const names = (await namesIn(folder)) ?? []
  const skipped: { what: string; why: string }[] = []
  const limited = concurrencyLimiter(openFiles)
  const read = async ({ name, number }: { name: string; number: number }): Promise<T | null> => {
    const path = join(folder, name)
    try {
      return await make(path, number)
    } catch (thrown) {
      if (!(thrown instanceof BurnError) || thrown.code !== 'forge_malformed') throw thrown
      skipped.push({ what: relative(paths.root, path), why: thrown.message.replace(`${paths.root}/`, '') })
      return null
    }
  }
  const numbered = names.flatMap((name) => {
    const number = numberIn(name)
    return number === null ? [] : [{ name, number }]
  })
  const made = await Promise.all(numbered.toSorted((a, b) => a.number - b.number).map((each) => limited(() => read(each))))
  const misnamed = names.filter((name) => name.endsWith('.md') && numberIn(name) === null)
  skipped.push(...misnamed.map((name) => ({ what: relative(paths.root, join(folder, name)), why: 'the file name is not <number>.md' })))
  return { found: made.filter((each) => each !== null), skipped }
}
