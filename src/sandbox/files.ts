/** Reads ranges of files in a workspace, and writes whole files. */
import { randomBytes } from 'node:crypto'
import { chmod, lstat, rename, rm, writeFile, type FileHandle } from 'node:fs/promises'
import { codeOf, ifCode } from '../core/errors.ts'
import { counted } from '../core/text.ts'
import { inFolder, openFile, partsOf, ToolError, pathErrorCodes, throwPathError, displayPath } from './paths.ts'

/** The maximum number of bytes that one call shows. */
const maxReadBytes = 32 * 1024
/** The maximum size (bytes) of a file that a tool edits or writes. */
const maxFileBytes = 4 * 1024 * 1024
/** As in git, a file is binary if these first bytes contain a NUL. */
const binaryCheckBytes = 8000

export interface FileRange {
  /** The number of the first line to show, counted from 1. */
  readonly from_line: number
  readonly lines: number
  /** The number of the first byte to show. If set, the range is in bytes instead of lines. Use it for files with very long lines. */
  readonly from_byte: number | null
}

/** Returns a range of a text file with line numbers, and says where the next range begins. Throws ToolError. */
export function readRange(dir: string, path: string, range: FileRange, stop: AbortSignal): Promise<string> {
  return withFile(dir, path, async (file) => {
    const { size } = await file.stat()
    await refuseBinary(file, path, size)
    if (size === 0) return `${displayPath(path)} is empty`
    if (range.from_byte !== null) return bytesFrom(file, size, range.from_byte)
    const start = await startOfLine(file, range.from_line, stop)
    return linesFrom(file, { start, size, from_line: range.from_line, lines: range.lines })
  })
}

/** Returns the text of a whole file. Throws ToolError if the file is too large or is not valid UTF-8. */
export function readWhole(dir: string, path: string): Promise<string> {
  return withFile(dir, path, async (file) => {
    const { size } = await file.stat()
    if (size > maxFileBytes)
      throw new ToolError(
        `${displayPath(path)} has ${size} bytes, which is too large for this tool: change the file with sed in run_command`,
      )
    await refuseBinary(file, path, size)
    const bytes = await file.readFile()
    const text = bytes.toString('utf8')
    if (Buffer.from(text).equals(bytes)) return text
    throw new ToolError(`${displayPath(path)} is not UTF-8, and this tool would damage the file: change the file with sed in run_command`)
  })
}

/**
 * Writes a temporary file and renames it to `path`, so that readers see either the old or the new file. Keeps the file mode. Throws
 * ToolError.
 */
export function writeFileAtomically(dir: string, path: string, text: string): Promise<{ readonly created: boolean }> {
  const parts = partsOf(dir, path)
  if (parts.length === 0) throw new ToolError('the path is the workspace itself: name a file in it')
  if (path.endsWith('/')) throw new ToolError(`${displayPath(path)} names a folder: name a file in it`)
  if (Buffer.byteLength(text) > maxFileBytes)
    throw new ToolError(`the content has more than ${maxFileBytes} bytes: write the file in parts with run_command`)
  return inFolder(dir, parts, { create: true }, async (folder, name) => {
    const target = folder.at(name)
    const existing = await lstat(target).catch(ifCode(pathErrorCodes, null))
    if (existing !== null && !existing.isFile()) return throwPathError(target, dir, parts, 'file')
    const temporary = folder.at(`.burn-${randomBytes(9).toString('hex')}`)
    try {
      await writeFile(temporary, text, { flag: 'wx' })
      if (existing !== null) await chmod(temporary, existing.mode & 0o777)
      await rename(temporary, target)
    } catch (thrown) {
      await rm(temporary, { force: true })
      throw new ToolError(`${displayPath(path)} cannot be written (${codeOf(thrown) || 'unknown'})`)
    }
    return { created: existing === null }
  })
}

function withFile<T>(dir: string, path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const parts = partsOf(dir, path)
  return inFolder(dir, parts, { create: false }, async (folder) => {
    const file = await openFile(folder, dir, parts)
    try {
      return await use(file)
    } finally {
      await file.close()
    }
  })
}

async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}

async function refuseBinary(file: FileHandle, path: string, size: number): Promise<void> {
  if ((await bytesAt(file, 0, binaryCheckBytes)).includes(0))
    throw new ToolError(
      `${displayPath(path)} is a binary file of ${size} bytes: inspect it with the commands file, strings or od in run_command`,
    )
}

/** Returns the byte offset at which a line begins. */
async function startOfLine(file: FileHandle, line: number, stop: AbortSignal): Promise<number> {
  let lineNumber = 1
  for (let position = 0; lineNumber < line;) {
    if (stop.aborted) throw new ToolError('stopped')
    const chunk = await bytesAt(file, position, 256 * 1024)
    if (chunk.length === 0) throw new ToolError(`the file has only ${counted(lineNumber, 'line')}: from_line must not be larger`)
    let index = -1
    while (lineNumber < line && (index = chunk.indexOf(10, index + 1)) !== -1) lineNumber += 1
    if (lineNumber === line) return position + index + 1
    position += chunk.length
  }
  return 0
}

async function linesFrom(
  file: FileHandle,
  { start, size, from_line, lines }: { start: number; size: number; from_line: number; lines: number },
): Promise<string> {
  const bytes = await bytesAt(file, start, maxReadBytes)
  const last = bytes.lastIndexOf(10)
  const hasMore = start + bytes.length < size
  if (bytes.length === 0) throw new ToolError(`the file ends before line ${from_line}`)
  if (hasMore && last === -1)
    return `${numbered(bytes.toString('utf8'), from_line)}\n[line ${from_line} continues: use from_byte ${start + bytes.length}]`
  // An incomplete last line belongs to the next range. A line end at the end of the file does not begin another line.
  const complete = bytes.subarray(0, hasMore || last === bytes.length - 1 ? last : bytes.length).toString('utf8')
  const all = complete.split('\n')
  const shownLines = all.slice(0, lines)
  const next = from_line + shownLines.length
  const footer = hasMore || all.length > lines ? `\n[more follows: continue with from_line ${next}; the file has ${size} bytes]` : ''
  return `${shownLines.map((line, index) => numbered(line, from_line + index)).join('\n')}${footer}`
}

async function bytesFrom(file: FileHandle, size: number, from: number): Promise<string> {
  const bytes = await bytesAt(file, from, maxReadBytes)
  if (bytes.length === 0) throw new ToolError(`the file has only ${counted(size, 'byte')}: from_byte must be smaller`)
  const next = from + bytes.length
  return next < size ? `${bytes.toString('utf8')}\n[more follows: continue with from_byte ${next} of ${size}]` : bytes.toString('utf8')
}

function numbered(line: string, number: number): string {
  return `${String(number).padStart(6)}\t${line}`
}
