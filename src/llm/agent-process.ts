/** One run of an agent's program: its prompt on stdin, its lines as they come, and an end of it and of all that it started. */
import { killGroup, killRest, open, startFailure } from '../host/exec.ts'

/** How long output may still come once the program has ended. */
const drain_ms = 250
/** What is kept of stderr. */
const mostComplaint = 64 * 1024
/** A line longer than this is not kept whole. */
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

export interface AgentEnd {
  /** 127 where it could not be started; null where a signal ended it. */
  readonly code: number | null
  /** The last of it. */
  readonly stderr: string
}

/** Never throws for what the program does. */
export function runAgent({ argv, cwd, env, input, signal, line }: AgentProcess): Promise<AgentEnd> {
  if (signal.aborted) return Promise.resolve({ code: null, stderr: '' })
  const child = open(argv, { cwd, env })
  return new Promise((resolve) => {
    let stderr = ''
    let rest = ''
    let drain: NodeJS.Timeout | undefined
    const stop = () => killGroup(child)
    const finish = (code: number | null) => {
      clearTimeout(drain)
      signal.removeEventListener('abort', stop)
      if (rest !== '') line(rest)
      rest = ''
      child.stdout.destroy()
      child.stderr.destroy()
      resolve({ code, stderr })
    }
    signal.addEventListener('abort', stop, { once: true })
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      const lines = (rest + piece).split('\n')
      rest = (lines.pop() ?? '').slice(0, mostLine)
      for (const each of lines) line(each)
    })
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      stderr = (stderr + piece).slice(-mostComplaint)
    })
    child.once('error', (error) => {
      stderr = `${argv[0] ?? ''}: ${startFailure(error)}`
      finish(127)
    })
    child.once('exit', (code) => {
      killRest(child)
      drain = setTimeout(() => finish(code), drain_ms)
      child.once('close', () => finish(code))
    })
    child.stdin.end(input)
  })
}
