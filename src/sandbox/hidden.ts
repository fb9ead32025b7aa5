/** Finds what the sandbox hides inside the folders that commands can read: files that not everybody may read, and sockets. */
import { lstat } from 'node:fs/promises'
import { BurnError, ifCode, noSuchPath } from '../core/errors.ts'
import { oneLine } from '../core/text.ts'
import { runProcess } from '../host/exec.ts'

export interface HiddenPath {
  readonly path: string
  readonly folder: boolean
}

/** The error codes of paths that are missing or that burn may not access. Commands cannot access these paths either. */
export const inaccessible = [...noSuchPath, 'EACCES', 'EPERM', 'ELOOP']

/** The arguments of `find`: folders that not everybody may enter, files that not everybody may read, and sockets. */
const privateOnes = [
  '(',
  '-type',
  'd',
  '!',
  '-perm',
  '-0001',
  '-o',
  '!',
  '-type',
  'd',
  '!',
  '-type',
  'l',
  '!',
  '-perm',
  '-0004',
  '-o',
  '-type',
  's',
  ')',
]

/**
 * Returns the private paths inside the folders `roots`. A user reads its own private files, and root reads all, so the permissions of
 * a file do not protect it from a command. `env` has the PATH of `find`. Throws BurnError `sandbox_failed` if `find` cannot run.
 */
export async function findHidden(
  roots: readonly string[],
  options: { readonly env: Readonly<Record<string, string>>; readonly timeout_ms: number },
): Promise<HiddenPath[]> {
  const existing = (await Promise.all(roots.map((path) => kindOf(path)))).flatMap((kind) => (kind === null ? [] : [kind.path]))
  const { code, stdout, stderr, stopped } = await runProcess(['find', ...existing, ...privateOnes, '-prune', '-print0'], options)
  // The code is 1 if `find` cannot enter a folder. Commands run as the same user, so they cannot enter it either.
  if (stopped !== null || code === null || code > 1) {
    const reason = stopped === 'timeout' ? `no answer within ${options.timeout_ms / 1000} s` : oneLine(stderr)
    const hint = 'install find; remove slow network folders from the PATH'
    throw new BurnError('sandbox_failed', `burn could not look for private files in the folders of programs: ${reason}`, hint)
  }
  const paths = new Set(stdout.split('\0').filter((path) => path !== ''))
  return (await Promise.all([...paths].map(kindOf))).filter((kind) => kind !== null)
}

/** Returns the path with its kind; null if it does not exist. */
async function kindOf(path: string): Promise<HiddenPath | null> {
  const stat = await lstat(path).catch(ifCode(inaccessible, null))
  return stat === null ? null : { path, folder: stat.isDirectory() }
}
