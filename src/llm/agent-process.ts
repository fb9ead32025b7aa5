/** One run of an agent's program: its prompt on stdin, its lines as they come, and an end of it and of all that it started. */
import type { AgentEnd } from '../core/agent.ts'
import { Lines, mostStream } from './stream-limits.ts'
import { killGroup, killRest, onceRead, spawnPiped, startFailure } from '../host/exec.ts'

/** What is kept of stderr. */
const mostComplaint = 64 * 1024
/** Characters of one line: some agents print a whole conversation as one. */
const mostLine = 16 * 1024 * 1024

export interface AgentProcess {
  readonly argv: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly input: string
  /** Ends it, with its whole process group. */
  readonly signal: AbortSignal
  /** Hears each line of its stdout. */
  readonly line: (text: string) => void
}

/** Never throws for what the program does. */
export function runAgent({ argv, cwd, env, input, signal, line }: AgentProcess): Promise<AgentEnd> {
  if (signal.aborted) return Promise.resolve({ code: null, stderr: '', flood: null })
  const child = spawnPiped(argv, { cwd, env })
  return new Promise((resolve) => {
    let stderr = ''
    let printed = 0
    let flood: string | null = null
    const lines = new Lines(mostLine, line)
    const stop = () => killGroup(child)
    const finish = (code: number | null) => {
      signal.removeEventListener('abort', stop)
      if (flood === null) lines.end()
      child.stdout.destroy()
      child.stderr.destroy()
      resolve({ code, stderr, flood })
    }
    signal.addEventListener('abort', stop, { once: true })
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      if (flood !== null) return
      printed += piece.length
      if (!lines.add(piece)) flood = `a line of its output has more than ${mostLine / 1024 / 1024} MiB`
      else if (printed > mostStream) flood = `it printed more than ${mostStream / 1024 / 1024} MiB`
      if (flood !== null) stop()
    })
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      stderr = (stderr + piece).slice(-mostComplaint)
    })
    child.once('error', (error) => {
      stderr = `${argv[0] ?? ''}: ${startFailure(error)}`
      finish(127)
    })
    child.once('exit', () => killRest(child))
    onceRead(child, finish)
    child.stdin.end(input)
  })
}
