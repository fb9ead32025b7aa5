/**
 * Resolves paths that a model names. burn opens each folder relative to its parent, and follows no symbolic link. So a command cannot lead
 * burn out of the workspace by replacing a folder with a link.
 */
import { constants } from 'node:fs'
import { lstat, mkdir, open, readlink, type FileHandle } from 'node:fs/promises'
import { posix } from 'node:path'
import { codeOf, ifCode, messageOf, noSuchPath } from '../core/errors.ts'
import { oneLine } from '../core/text.ts'

/** An error of a tool call. Its message is written for the model. */
export class ToolError extends Error {}

/**
 * The codes of errors that a wrong path causes. `throwPathError` explains these errors to the model. Other codes mean that the machine
 * failed.
 */
export const pathErrorCodes = [...noSuchPath, 'EACCES', 'EPERM', 'ELOOP', 'EMLINK', 'ENAMETOOLONG', 'ENXIO', 'ENODEV'] as const

/** A folder of the workspace that burn keeps open. */
export interface OpenFolder {
  /** Returns the path of an entry in this folder. The path is valid while the folder is open. */
  at(name: string): string
}

/**
 * Returns the names along `path`, from the workspace's top folder. The list is empty for the top folder itself. Throws ToolError if the
 * path leaves the workspace or leads into its `.git`.
 */
export function partsOf(dir: string, path: string): string[] {
  if (path === '') throw new ToolError('the path is empty: name a file, relative to the workspace')
  if (path.includes('\0')) throw new ToolError('the path contains a NUL character: remove it')
  const relative = posix.relative(dir, posix.resolve(dir, path))
  const parts = relative === '' ? [] : relative.split('/')
  if (parts[0] === '..') throw new ToolError(`the path leaves the workspace: ${displayPath(path)}; use a path below ${dir}`)
  // Some file systems ignore the case of names.
  if (parts[0]?.toLowerCase() === '.git')
    throw new ToolError("the workspace's .git can't be read or written with this tool: use git status, git log and git diff in run_command")
  if (parts.some((part) => Buffer.byteLength(part) > 255))
    throw new ToolError(`a name in the path is longer than 255 bytes: ${displayPath(path)}`)
  return parts
}

/**
 * Opens the folder that contains the last name of `parts`, and runs `use` while the folder is open. With `create`, creates missing folders.
 * Returns the result of `use`. Throws ToolError.
 */
export async function inFolder<T>(
  dir: string,
  parts: readonly string[],
  options: { readonly create: boolean },
  use: (folder: OpenFolder, name: string) => Promise<T>,
): Promise<T> {
  const folders = parts.slice(0, -1)
  let current = await open(dir, folderFlags)
  try {
    for (const [depth, name] of folders.entries()) {
      const target = pathIn(current, [dir, ...folders.slice(0, depth)].join('/'), name)
      if (options.create) await mkdir(target).catch(ignoreExisting)
      const next = await open(target, folderFlags).catch(ifCode(pathErrorCodes, null))
      if (next === null) await throwPathError(target, dir, folders.slice(0, depth + 1), 'folder')
      else {
        await current.close()
        current = next
      }
    }
    const path = [dir, ...folders].join('/')
    const folder = { at: (name: string) => pathIn(current, path, name) }
    return await use(folder, parts.at(-1) ?? '.')
  } finally {
    await current.close()
  }
}

/** Opens a regular file for reading. Does not block. Throws ToolError for anything else, such as a named pipe. */
export async function openFile(folder: OpenFolder, dir: string, parts: readonly string[]): Promise<FileHandle> {
  const target = folder.at(parts.at(-1) ?? '.')
  const stat = await lstat(target).catch(ifCode(pathErrorCodes, null))
  const file = stat?.isFile() === true ? await open(target, fileFlags).catch(ifCode(pathErrorCodes, null)) : null
  if (file === null) return throwPathError(target, dir, parts, 'file')
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw new ToolError(`${displayPath(parts.join('/'))} was replaced while burn opened it: try again`)
}

/** Throws a ToolError that explains why `target` is not a usable file or folder. */
export async function throwPathError(target: string, dir: string, parts: readonly string[], expected: 'file' | 'folder'): Promise<never> {
  const name = displayPath(parts.join('/') || '.')
  const stat = await lstat(target).catch((error: NodeJS.ErrnoException) => error)
  if (stat instanceof Error) {
    if (stat.code === 'ENOENT') throw new ToolError(`there is no ${name} in the workspace: find it with search, or with ls in run_command`)
    throw new ToolError(`${name} cannot be accessed (${stat.code ?? stat.message})`)
  }
  if (stat.isSymbolicLink()) {
    const to = await readlink(target).catch(ifCode(['EINVAL', ...noSuchPath], null))
    if (to === null) throw new ToolError(`${name} was replaced while burn opened it: try again`)
    const path = posix.relative(dir, posix.resolve(dir, ...parts.slice(0, -1), to))
    const leavesWorkspace = path === '..' || path.startsWith('..')
    throw new ToolError(
      leavesWorkspace
        ? `the path leaves the workspace: ${name} is a symbolic link to ${displayPath(to)}`
        : `${name} is a symbolic link to ${displayPath(to)}, and this tool does not follow links: use the path ${displayPath(path || '.')}`,
    )
  }
  if (expected === 'folder' && stat.isDirectory()) throw new ToolError(`the folder ${name} cannot be entered: check its permissions`)
  if (expected === 'folder') throw new ToolError(`${name} is not a folder`)
  if (stat.isDirectory()) throw new ToolError(`${name} is a folder: name a file in it; list it with ls in run_command`)
  if (stat.isFile()) throw new ToolError(`${name} cannot be opened: check its permissions`)
  throw new ToolError(`${name} is not a regular file (a pipe, socket or device), and this tool does not open it`)
}

/** Returns a path for use in a message: on one line, without control characters. */
export function displayPath(path: string): string {
  return oneLine(path, 300)
}

const fileFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const folderFlags = fileFlags | constants.O_DIRECTORY

/**
 * Returns the path of an entry. On Linux, the path goes through /proc, so it is relative to the open folder. On other systems burn can use
 * only the plain path, and may not notice that a folder was replaced.
 */
function pathIn(folder: FileHandle, path: string, name: string): string {
  return process.platform === 'linux' ? `/proc/self/fd/${folder.fd}/${name}` : `${path}/${name}`
}

function ignoreExisting(thrown: unknown): void {
  const code = codeOf(thrown)
  if (code !== 'EEXIST') throw new ToolError(`the folder cannot be created (${code || messageOf(thrown)})`)
}
