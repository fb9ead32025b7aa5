/** What a run of tests says: a line per file as it ends, then failures in full, what was skipped, and the figures. */
import { readFileSync } from 'node:fs'
import { styleText } from 'node:util'

export interface TestEnded {
  readonly name: string
  /** Relative to the project. */
  readonly file: string
  readonly line: number
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** Why it failed or was skipped. */
  readonly text: string
}

/** The last word of a process that runs test files. */
interface End {
  /** False if something ended the process before its tests had ended. */
  readonly finished: boolean
  readonly loaded: number
  /** How many tests it reported. */
  readonly count: number
  /** Errors outside of any test: a rejection that nobody handled. */
  readonly troubles: readonly string[]
  readonly open: readonly string[]
  readonly cpu: number | null
}

export type Line = { readonly test: TestEnded } | { readonly end: End }

/** What came of a process that ran test files. */
export interface FilesRan {
  readonly files: readonly string[]
  readonly tests: readonly TestEnded[]
  readonly end: End | null
  /** Why the process ended: empty if it exited with 0. */
  readonly exit: string
  readonly output: string
  readonly seconds: number
}

interface Failure {
  readonly where: string
  readonly name: string
  readonly text: string
}

/** CPU seconds of this process and of the children that it has waited for, with theirs. Null where there is no /proc. */
export function cpuSeconds(): number | null {
  const stat = process.platform === 'linux' ? readFileSync('/proc/self/stat', 'utf8') : ''
  // After the name, which may hold anything, in brackets: utime, stime, cutime and cstime in hundredths of a second.
  const ticks = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
  return ticks.length === 4 ? ticks.reduce((sum, each) => sum + Number(each) / 100, 0) : null
}

/** Every failure of a process. Its tests alone do not count: it must have said that they ended, and how many there were. */
export function failuresOf(ran: FilesRan): Failure[] {
  const failed = ran.tests.filter(({ outcome }) => outcome === 'failed')
  const ofFiles = (text: string) => ({ where: ran.files.join(' '), name: 'the file', text: [text, ran.output.trim()].join('\n').trim() })
  const found: Failure[] = failed.map(({ file, line, name, text }) => ({ where: `${file}:${line}`, name, text }))
  if (ran.end === null || !ran.end.finished)
    found.push(ofFiles(`it has no test, or its process ended before they did: ${ran.exit || 'exit code 0'}`))
  else if (ran.end.loaded !== ran.files.length)
    found.push(ofFiles('its tests ended before all files were loaded: a file awaits something at its top'))
  else if (ran.end.count !== ran.tests.length) found.push(ofFiles(`it reported ${ran.tests.length} of ${ran.end.count} tests`))
  else if (ran.end.troubles.length > 0) found.push(ofFiles(ran.end.troubles.join('\n')))
  else if (ran.exit !== '' && failed.length === 0) found.push(ofFiles(`its process failed outside of any test: ${ran.exit}`))
  return found
}

/** Counts, and prints. */
export class Tally {
  readonly #ran: FilesRan[] = []
  readonly #print: (line: string) => void

  constructor(print: (line: string) => void) {
    this.#print = print
  }

  /** Takes what came of a process, and prints a line per file. */
  take(ran: FilesRan): void {
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

  /** Prints the end, with the figures as its last line. The exit code. */
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
