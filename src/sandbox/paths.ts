/**
 * Paths a model may name. Every folder on the way is opened from the one before, without following a symbolic link, so
 * that nothing a command swaps in meanwhile leads out of the workspace.
 */
import { constants } from 'node:fs'
import { lstat, mkdir, open, readlink, type FileHandle } from 'node:fs/promises'
import { posix } from 'node:path'
import { codeOf, ifCode, messageOf, noSuchPath } from '../core/errors.ts'
import { oneLine } from '../core/text.ts'

/** What a tool won't do, in words for the model. */
export class ToolError extends Error {}

/** The codes of the system for a path that is not what was asked for; `refuseWhat` says what it is. Every other error is the machine's. */
export const refusedPath = [...noSuchPath, 'EACCES', 'EPERM', 'ELOOP', 'EMLINK', 'ENAMETOOLONG', 'ENXIO', 'ENODEV'] as const

/** A folder of the workspace that is held open. */
export interface HeldFolder {
  /** A path to what lies in it; good while the folder is held. */
  at(name: string): string
}

/**
 * The names from the workspace's root to `path` (none for the root itself). Throws Refusal for a path that leaves the
 * workspace, or leads into its `.git`.
 */
export function partsOf(dir: string, path: string): string[] {
  if (path === '') throw new ToolError('the path is empty: name a file, relative to the workspace')
  if (path.includes('\0')) throw new ToolError('the path contains a NUL character: leave it out')
  const relative = posix.relative(dir, posix.resolve(dir, path))
  const parts = relative === '' ? [] : relative.split('/')
  if (parts[0] === '..') throw new ToolError(`the path leaves the workspace: ${shown(path)}; only what is below ${dir} can be used`)
  // Some file systems take `.GIT` for the same name.
  if (parts[0]?.toLowerCase() === '.git')
    throw new ToolError("the workspace's .git can't be read or written with this tool: use git status, git log and git diff in run_command")
  if (parts.some((part) => Buffer.byteLength(part) > 255))
    throw new ToolError(`a name in the path is longer than 255 bytes: ${shown(path)}`)
  return parts
}

/** Holds the folder that has `parts` in it while `use` works there; makes folders that are missing where `make` is set. */
export async function inFolder<T>(
  dir: string,
  parts: readonly string[],
  options: { readonly make: boolean },
  use: (folder: HeldFolder, name: string) => Promise<T>,
): Promise<T> {
  const way = parts.slice(0, -1)
  let held = await open(dir, folderFlags)
  try {
    for (const [depth, name] of way.entries()) {
      const place = placeIn(held, [dir, ...way.slice(0, depth)].join('/'), name)
      if (options.make) await mkdir(place).catch(refuseUnlessThere)
      const next = await open(place, folderFlags).catch(ifCode(refusedPath, null))
      if (next === null) await refuseWhat(place, dir, way.slice(0, depth + 1), 'folder')
      else {
        await held.close()
        held = next
      }
    }
    const path = [dir, ...way].join('/')
    const folder = { at: (name: string) => placeIn(held, path, name) }
    return await use(folder, parts.at(-1) ?? '.')
  } finally {
    await held.close()
  }
}

/** Opens a regular file for reading; never waits, whatever it is. Throws Refusal. */
export async function openFile(folder: HeldFolder, dir: string, parts: readonly string[]): Promise<FileHandle> {
  const place = folder.at(parts.at(-1) ?? '.')
  const stat = await lstat(place).catch(ifCode(refusedPath, null))
  const file = stat?.isFile() === true ? await open(place, fileFlags).catch(ifCode(refusedPath, null)) : null
  if (file === null) return refuseWhat(place, dir, parts, 'file')
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw new ToolError(`${shown(parts.join('/'))} was replaced while it was opened: try again`)
}

/** Throws the Refusal that says why this is not the file or folder that was asked for. */
export async function refuseWhat(place: string, dir: string, parts: readonly string[], wanted: 'file' | 'folder'): Promise<never> {
  const name = shown(parts.join('/') || '.')
  const stat = await lstat(place).catch((error: NodeJS.ErrnoException) => error)
  if (stat instanceof Error) {
    if (stat.code === 'ENOENT') throw new ToolError(`there is no ${name} in the workspace: look with search, or with ls in run_command`)
    throw new ToolError(`${name} can't be looked at (${stat.code ?? stat.message})`)
  }
  if (stat.isSymbolicLink()) {
    const to = await readlink(place).catch(ifCode(['EINVAL', ...noSuchPath], null))
    if (to === null) throw new ToolError(`${name} was replaced while it was opened: try again`)
    const target = posix.relative(dir, posix.resolve(dir, ...parts.slice(0, -1), to))
    const leaves = target === '..' || target.startsWith('..')
    throw new ToolError(
      leaves
        ? `the path leaves the workspace: ${name} is a symbolic link to ${shown(to)}`
        : `${name} is a symbolic link to ${shown(to)}, and links are not followed: use the path ${shown(target || '.')}`,
    )
  }
  if (wanted === 'folder' && stat.isDirectory()) throw new ToolError(`the folder ${name} can't be entered: check its rights`)
  if (wanted === 'folder') throw new ToolError(`${name} is not a folder`)
  if (stat.isDirectory()) throw new ToolError(`${name} is a folder: name a file in it; list it with ls in run_command`)
  if (stat.isFile()) throw new ToolError(`${name} can't be opened: check its rights`)
  throw new ToolError(`${name} is not a regular file (a pipe, socket or device), which this tool does not open`)
}

/** A path as a text names it. */
export function shown(path: string): string {
  return oneLine(path, 300)
}

const fileFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const folderFlags = fileFlags | constants.O_DIRECTORY

/** Linux opens relative to a folder that is held, by way of /proc. Elsewhere only the path is left, and a swap meanwhile may go unseen. */
function placeIn(folder: FileHandle, path: string, name: string): string {
  return process.platform === 'linux' ? `/proc/self/fd/${folder.fd}/${name}` : `${path}/${name}`
}

function refuseUnlessThere(thrown: unknown): void {
  const code = codeOf(thrown)
  if (code !== 'EEXIST') throw new ToolError(`the folder can't be made (${code || messageOf(thrown)})`)
}
