/** Runs test files in a child process, and collects their results. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { join, relative, resolve } from 'node:path'
import { sourceOptions } from './support/sources.ts'
import type { FilesRan, Line, TestEnded } from './report.ts'

const root = resolve(import.meta.dirname, '..')
/** Maximum time (ms) of a test. It is long, because a test machine may be busy. */
const testTimeout = 120_000
const flags = [...sourceOptions, '--test-force-exit', `--test-timeout=${testTimeout}`, `--test-reporter=${join(root, 'test/events.ts')}`]
/**
 * A process that reports nothing for this time (ms) is stuck in a loop, so that test timeouts cannot fire. The longest timeout is three
 * minutes.
 */
const silence = 210_000

/** Returns the arguments that run the files. Tests start when all files are imported; `filesLoaded` shows that none is missing. */
function programOf(files: readonly string[]): string[] {
  const [only = ''] = files
  if (files.length === 1) return [only]
  const lines = files.map((file) => `import ${JSON.stringify(resolve(root, file))}`)
  return ['--eval', [...lines, `globalThis.filesLoaded = ${files.length}`].join('\n')]
}

/** Returns null for an incomplete line of a killed process. Such a process has no `end`, and counts as failed. */
function lineOf(text: string): Line | null {
  try {
    return JSON.parse(text) as Line
  } catch {
    return null
  }
}

/** Runs test files one after the other in one process. Kills the process if it reports nothing for `silent` ms. */
export async function runFiles(paths: readonly string[], silent = silence): Promise<FilesRan> {
  const started = performance.now()
  const files = paths.map((path) => relative(root, path))
  const child = spawn(process.execPath, [...flags, ...programOf(files)], { cwd: root, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const timer = setTimeout(kill, silent)
  const tests: TestEnded[] = []
  let end: FilesRan['end'] = null
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      timer.refresh()
      output += text
    })
  }
  createInterface({ input: child.stdio[3] as Readable }).on('line', (text) => {
    timer.refresh()
    const line = lineOf(text)
    if (line === null) return
    if ('test' in line) tests.push(line.test)
    else end = line.end
  })
  const exit = await new Promise<string>((done) => {
    child.once('error', (error) => done(error.message))
    child.once('close', (code, signal) => done(signal === null ? (code === 0 ? '' : `exit code ${code}`) : `signal ${signal}`))
  })
  clearTimeout(timer)
  process.off('exit', kill)
  return { files, tests, end, exit, output, seconds: (performance.now() - started) / 1000 }
}
