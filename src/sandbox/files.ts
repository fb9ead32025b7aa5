/** Files of a workspace: read in ranges, written whole. */
import { randomBytes } from 'node:crypto'
import { chmod, lstat, rename, rm, writeFile, type FileHandle } from 'node:fs/promises'
import { codeOf, ifCode } from '../core/errors.ts'
import { inFolder, openFile, partsOf, ToolError, refusedPath, refuseWhat, shown } from './paths.ts'

/** Bytes that one reading shows. */
const SHOWN = 32 * 1024
/** Bytes of a file that is edited or written. */
const WHOLE = 4 * 1024 * 1024
/** Where git looks for a NUL to call a file binary. */
const LOOKED_AT = 8000

export interface FileRange {
  /** From 1. */
  readonly from_line: number
  readonly lines: number
  /** In place of lines: for a file of very long ones. */
  readonly from_byte: number | null
}

/** A range of a text file, with line numbers, and where it goes on. Throws Refusal. */
export function readRange(dir: string, path: string, range: FileRange, stop: AbortSignal): Promise<string> {
  return withFile(dir, path, async (file) => {
    const { size } = await file.stat()
    await refuseBinary(file, path, size)
    if (size === 0) return `${shown(path)} is empty`
    if (range.from_byte !== null) return bytesFrom(file, size, range.from_byte)
    const start = await startOfLine(file, range.from_line, stop)
    return linesFrom(file, { start, size, from_line: range.from_line, lines: range.lines })
  })
}

/** A whole file of text that can be written back unharmed. Throws Refusal. */
export function readWhole(dir: string, path: string): Promise<string> {
  return withFile(dir, path, async (file) => {
    const { size } = await file.stat()
    if (size > WHOLE) throw new ToolError(`${shown(path)} is ${size} bytes, too large for this tool: change it with sed in run_command`)
    await refuseBinary(file, path, size)
    const bytes = await file.readFile()
    const text = bytes.toString('utf8')
    if (Buffer.from(text).equals(bytes)) return text
    throw new ToolError(`${shown(path)} is not UTF-8, and would be harmed: change it with sed in run_command`)
  })
}

/** Writes a file beside its place and renames it; what runs from it, or reads it, sees the old or the new. Throws Refusal. */
export function writeFileAtomically(dir: string, path: string, text: string): Promise<{ readonly made: boolean }> {
  const parts = partsOf(dir, path)
  if (parts.length === 0) throw new ToolError('that is the workspace itself: name a file in it')
  if (path.endsWith('/')) throw new ToolError(`${shown(path)} names a folder: name a file in it`)
  if (Buffer.byteLength(text) > WHOLE) throw new ToolError(`that is more than ${WHOLE} bytes: write it in parts with run_command`)
  return inFolder(dir, parts, { make: true }, async (folder, name) => {
    const place = folder.at(name)
    const old = await lstat(place).catch(ifCode(refusedPath, null))
    if (old !== null && !old.isFile()) return refuseWhat(place, dir, parts, 'file')
    const beside = folder.at(`.burn-${randomBytes(9).toString('hex')}`)
    try {
      await writeFile(beside, text, { flag: 'wx' })
      if (old !== null) await chmod(beside, old.mode & 0o777)
      await rename(beside, place)
    } catch (thrown) {
      await rm(beside, { force: true })
      throw new ToolError(`${shown(path)} can't be written (${codeOf(thrown) || 'unknown'})`)
    }
    return { made: old === null }
  })
}

function withFile<T>(dir: string, path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const parts = partsOf(dir, path)
  return inFolder(dir, parts, { make: false }, async (folder) => {
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
  if ((await bytesAt(file, 0, LOOKED_AT)).includes(0))
    throw new ToolError(`${shown(path)} is a binary file of ${size} bytes: look at it with file, strings or od in run_command`)
}

/** The byte where a line begins. */
async function startOfLine(file: FileHandle, line: number, stop: AbortSignal): Promise<number> {
  let seen = 1
  for (let position = 0; seen < line;) {
    if (stop.aborted) throw new ToolError('stopped')
    const chunk = await bytesAt(file, position, 256 * 1024)
    if (chunk.length === 0) throw new ToolError(`it has only ${seen} lines: from_line must be at most that`)
    let at = -1
    while (seen < line && (at = chunk.indexOf(10, at + 1)) !== -1) seen += 1
    if (seen === line) return position + at + 1
    position += chunk.length
  }
  return 0
}

async function linesFrom(
  file: FileHandle,
  { start, size, from_line, lines }: { start: number; size: number; from_line: number; lines: number },
): Promise<string> {
  const bytes = await bytesAt(file, start, SHOWN)
  const last = bytes.lastIndexOf(10)
  const more = start + bytes.length < size
  if (bytes.length === 0) throw new ToolError(`it ends before line ${from_line}`)
  if (more && last === -1)
    return `${numbered(bytes.toString('utf8'), from_line)}\n[line ${from_line} goes on: from_byte ${start + bytes.length}]`
  // A line that is only begun is shown with the next range, and an end of line at the very end begins no other.
  const whole = bytes.subarray(0, more || last === bytes.length - 1 ? last : bytes.length).toString('utf8')
  const all = whole.split('\n')
  const shownLines = all.slice(0, lines)
  const next = from_line + shownLines.length
  const rest = more || all.length > lines ? `\n[more follows: from_line ${next}; the file has ${size} bytes]` : ''
  return `${shownLines.map((line, index) => numbered(line, from_line + index)).join('\n')}${rest}`
}

async function bytesFrom(file: FileHandle, size: number, from: number): Promise<string> {
  const bytes = await bytesAt(file, from, SHOWN)
  if (bytes.length === 0) throw new ToolError(`it has only ${size} bytes: from_byte must be less`)
  const next = from + bytes.length
  return next < size ? `${bytes.toString('utf8')}\n[more follows: from_byte ${next} of ${size}]` : bytes.toString('utf8')
}

function numbered(line: string, number: number): string {
  return `${String(number).padStart(6)}\t${line}`
}
