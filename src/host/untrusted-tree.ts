/** Folders that a model writes to: looked at, and removed, whatever is in them. */
import { chmodSync, lstatSync, readdirSync, unlinkSync, type Stats } from 'node:fs'
import { rm } from 'node:fs/promises'
import { setImmediate as breathe } from 'node:timers/promises'
import { BurnError, ifCode, messageOf, noSuchPath } from '../core/errors.ts'
import { oneLine } from '../core/text.ts'
import { runProcess } from './exec.ts'

export interface TreeEntry {
  /** Relative to the folder; each character is one byte of the name. */
  readonly path: string
  readonly stat: Stats
}

export interface WalkOptions {
  /**
   * Nothing runs there any more, and nothing may stay unseen: the owner is given back the rights to folders, and paths that are too long are refused. Otherwise
   * what can't be looked at is passed over.
   */
  readonly strict: boolean
  /** Hears of each entry; false: it has seen enough. */
  readonly onEntry: (entry: TreeEntry) => boolean
}

/** The system takes paths of 4,096 bytes; nobody needs one that is nearly as long. */
const longestPath = 4_000
/** Entries that are looked at before others get a turn. */
const atOnce = 2_000
const removal_ms = 600_000

/** Looks at everything below a folder; follows no symbolic link. Throws BurnError `workspace_unusable` for a path that is refused. */
export async function walkTree(root: string, { strict: settled, onEntry: seen }: WalkOptions): Promise<void> {
  const bytes = (path: string) => Buffer.from(`${Buffer.from(root).toString('latin1')}/${path}`, 'latin1')
  const folders = ['']
  let looked = 0
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    if (settled) openUp(bytes(folder))
    for (const name of lookedAt(() => readdirSync(bytes(folder), 'latin1')) ?? []) {
      const path = folder === '' ? name : `${folder}/${name}`
      if (root.length + path.length > longestPath) {
        if (settled) throw unusableWorkspaceError(`a path in ${root} is longer than ${longestPath} bytes`)
        continue
      }
      const stat = lookedAt(() => lstatSync(bytes(path)))
      if ((looked += 1) % atOnce === 0) await breathe()
      if (stat === null) continue
      if (!seen({ path, stat })) return
      if (stat.isDirectory()) folders.push(path)
    }
  }
}

/** Null for what a command that still runs has removed, and for what its owner may not look at. */
function lookedAt<T>(look: () => T): T | null {
  try {
    return look()
  } catch (thrown) {
    return ifCode([...noSuchPath, 'EACCES'], null)(thrown)
  }
}

function openUp(folder: Buffer): void {
  const mode = lookedAt(() => lstatSync(folder))?.mode ?? 0o700
  if ((mode & 0o700) !== 0o700) lookedAt(() => chmodSync(folder, (mode & 0o777) | 0o700))
}

/** Whether it is neither a file, a folder nor a symbolic link: a reader of a pipe, a socket or a device may wait for ever. */
export function isSpecial(stat: Stats): boolean {
  return !stat.isFile() && !stat.isDirectory() && !stat.isSymbolicLink()
}

/** Removes one entry of a folder that `walk` saw. */
export function removeEntry(root: string, { path }: TreeEntry): void {
  unlinkSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]))
}

/** The name of an entry, for people. */
export function entryName({ path }: TreeEntry): string {
  return oneLine(Buffer.from(path, 'latin1').toString('utf8'), 200)
}

/** Removes a folder, also one whose owner may not look into it, or whose paths are too long for a path to name. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (thrown) {
    const words = ['sh', '-c', 'chmod -R u+rwx -- "$1"; exec rm -rf -- "$1"', 'sh', path]
    const { code, stderr } = await runProcess(words, { timeout_ms: removal_ms })
    if (code !== 0) throw new Error(`${path} can't be removed: ${oneLine(stderr) || messageOf(thrown)}`, { cause: thrown })
  }
}

/** The error for a workspace that a model left in a state that burn does not work with. */
export function unusableWorkspaceError(what: string): BurnError {
  return new BurnError('workspace_unusable', what, 'see what its commands did: burn sprint show')
}
