/**
 * Runs an agent's program once: sends the prompt on stdin, reads the lines of stdout, and kills processes that the program leaves behind.
 */
import type { AgentEnd } from '../core/agent.ts'
import { Lines, maxStreamSize } from './stream-limits.ts'
import { killGroup, killOrphans, onceDrained, spawnPiped, spawnErrorText } from '../host/exec.ts'

/** The maximum number of characters of stderr that burn keeps. */
const maxStderr = 64 * 1024
/** The maximum number of characters in one line. Some agents print a whole conversation as one line. */
const maxLine = 16 * 1024 * 1024

export interface AgentProcess {
  readonly argv: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly input: string
  /** When this signal aborts, burn kills the program and its process group. */
  readonly signal: AbortSignal
  /** Called with each line of the program's stdout. */
  readonly onLine: (text: string) => void
}

/** Runs the program until it exits or `signal` aborts. Returns how it ended. Never throws, even if the program fails. */
export function runAgent({ argv, cwd, env, input, signal, onLine }: AgentProcess): Promise<AgentEnd> {
  if (signal.aborted) return Promise.resolve({ code: null, stderr: '', flood: null })
  const child = spawnPiped(argv, { cwd, env })
  return new Promise((resolve) => {
    let stderr = ''
    let size = 0
    let flood: string | null = null
    const lines = new Lines(maxLine, onLine)
    const kill = () => killGroup(child)
    const finish = (code: number | null) => {
      signal.removeEventListener('abort', kill)
      if (flood === null) lines.end()
      child.stdout.destroy()
      child.stderr.destroy()
      resolve({ code, stderr, flood })
    }
    signal.addEventListener('abort', kill, { once: true })
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      if (flood !== null) return
      size += piece.length
      if (!lines.add(piece)) flood = `a line of the output is longer than ${maxLine / 1024 / 1024} MiB`
      else if (size > maxStreamSize) flood = `the program printed more than ${maxStreamSize / 1024 / 1024} MiB`
      if (flood !== null) kill()
    })
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      stderr = (stderr + piece).slice(-maxStderr)
    })
    child.once('error', (error) => {
      stderr = `${argv[0] ?? ''}: ${spawnErrorText(error)}`
      finish(127)
    })
    child.once('exit', () => killOrphans(child))
    onceDrained(child, finish)
    child.stdin.end(input)
  })
}
