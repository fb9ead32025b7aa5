/** Prints the results of a test run: a line per file as it ends, then failures, skipped tests and totals. */
import { readFileSync } from 'node:fs'
import { styleText } from 'node:util'

/** The result of a test. */
export interface TestEnded {
  readonly name: string
  /** Path from the root of the project. */
  readonly file: string
  readonly line: number
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** The error, or the reason that it was skipped. */
  readonly text: string
}

/** The last line of a process that runs test files. */
interface End {
  /** False if something ended the process before its tests had ended. */
  readonly finished: boolean
  readonly loaded: number
  /** Number of tests that it reported. */
  readonly count: number
  /** Errors outside of tests, such as an unhandled rejection. */
  readonly troubles: readonly string[]
  readonly open: readonly string[]
  readonly cpu: number | null
}

/** A line that a process writes to file descriptor 3. */
export type Line = { readonly test: TestEnded } | { readonly end: End }

/** The result of a process that ran test files. */
export interface FilesRan {
  readonly files: readonly string[]
  readonly tests: readonly TestEnded[]
  readonly end: End | null
  /** The exit code or signal of the process; empty if it exited with 0. */
  readonly exit: string
  readonly output: string
  readonly seconds: number
}

interface Failure {
  readonly where: string
  readonly name: string
  readonly text: string
}

/** Returns the CPU seconds of this process and of its ended descendants. Null if there is no /proc. */
export function cpuSeconds(): number | null {
  const stat = process.platform === 'linux' ? readFileSync('/proc/self/stat', 'utf8') : ''
  // The fields after the name in parentheses: utime, stime, cutime and cstime, in hundredths of a second.
  const ticks = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
  return ticks.length === 4 ? ticks.reduce((sum, each) => sum + Number(each) / 100, 0) : null
}

/** Returns the failures of a process. It also fails if it did not report the end of its tests and their number. */
export function failuresOf(ran: FilesRan): Failure[] {
  const failed = ran.tests.filter(({ outcome }) => outcome === 'failed')
  const ofFiles = (text: string) => ({ where: ran.files.join(' '), name: 'the file', text: [text, ran.output.trim()].join('\n').trim() })
  const found: Failure[] = failed.map(({ file, line, name, text }) => ({ where: `${file}:${line}`, name, text }))
  if (ran.end === null || !ran.end.finished)
    found.push(ofFiles(`the file has no tests, or its process ended before them: ${ran.exit || 'exit code 0'}`))
  else if (ran.end.loaded !== ran.files.length)
    found.push(ofFiles('tests ended before all files were loaded: a file has a top-level await'))
  else if (ran.end.count !== ran.tests.length) found.push(ofFiles(`the process reported ${ran.tests.length} of ${ran.end.count} tests`))
  else if (ran.end.troubles.length > 0) found.push(ofFiles(ran.end.troubles.join('\n')))
  else if (ran.exit !== '' && failed.length === 0) found.push(ofFiles(`the process failed outside of any test: ${ran.exit}`))
  return found
}

/** Counts results, and prints them. */
export class Tally {
  readonly #ran: FilesRan[] = []
  readonly #print: (line: string) => void

  constructor(print: (line: string) => void) {
    this.#print = print
  }

  /** Adds the result of a process, and prints a line per file. */
  add(ran: FilesRan): void {
    this.#ran.push(ran)
    const failures = failuresOf(ran)
    const cost = `${ran.seconds.toFixed(1)} s${ran.end?.cpu == null ? '' : `, ${ran.end.cpu.toFixed(1)} s of CPU`}`
    for (const [index, file] of ran.files.entries()) {
      const bad =
        failures.some(({ where, name }) => name === 'the file' || where.startsWith(`${file}:`)) ||
        (failures.length > 0 && ran.files.length === 1)
      const mark = bad ? styleText('red', 'FAIL') : styleText('green', 'ok  ')
      this.#print(`${mark}  ${file}  ${styleText('dim', index === 0 ? cost : 'in the same process')}`)
    }
  }

  /** Prints failures and totals; the totals are the last line. Returns the exit code. */
  finish(): number {
    const failures = this.#ran.flatMap(failuresOf)
    const tests = this.#ran.flatMap(({ tests }) => tests)
    const skipped = tests.filter(({ outcome }) => outcome === 'skipped')
    const passed = tests.filter(({ outcome }) => outcome === 'passed').length
    if (passed === 0 && failures.length === 0) failures.push({ where: 'test/', name: 'the files', text: 'no test ran' })
    for (const { where, name, text } of failures) this.#print(`\n${styleText('red', 'FAIL')}  ${where}  ${name}\n${indent(text)}`)
    if (skipped.length > 0) this.#print(`\n${styleText('yellow', 'skipped')}`)
    for (const { file, line, name, text } of skipped) this.#print(`  ${file}:${line}  ${name}: ${text}`)
    for (const { files, end } of this.#ran) {
      if (end !== null && end.open.length > 0)
        this.#print(`${styleText('yellow', 'open')}  ${files.join(' ')} left open: ${end.open.join(', ')}`)
    }
    const cpu = cpuSeconds()
    this.#print(`\n${this.#ran.flatMap(({ files }) => files).length} files in ${(performance.now() / 1000).toFixed(1)} s`)
    if (cpu !== null) this.#print(`${cpu.toFixed(1)} CPU seconds, user and system, with all child processes`)
    this.#print(`${passed} passed, ${failures.length} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`)
    return failures.length > 0 ? 1 : 0
  }
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '      ')
}
