/** What the test runner says: a line per file as it ends, then failures in full, what was skipped, and the figures. */
import { relative, resolve } from 'node:path'
import { inspect, styleText } from 'node:util'
import type { TestEvent } from 'node:test/reporters'

export const openHandleMark = 'left open at the end: '

interface Failure {
  readonly where: string
  readonly name: string
  readonly text: string
}

interface FileRecord {
  readonly started: number
  seen: number
  output: string[]
}

interface Completed {
  readonly name: string
  readonly file?: string
  readonly line?: number
  readonly skip?: string | boolean
  readonly todo?: string | boolean
  readonly details: { readonly type?: string; readonly error?: Error & { readonly failureType?: string; readonly cause?: unknown } }
}

/** Follows a run's events and counts. A suite counts only where its own hook failed; a test whose subtests failed, not again. */
export class Tally {
  #passed = 0
  #ended = 0
  readonly #failures: Failure[] = []
  readonly #skipped: { readonly where: string; readonly name: string; readonly why: string }[] = []
  readonly #files = new Map<string, FileRecord>()
  readonly #running = new Set<string>()
  readonly #open = new Map<string, string>()
  readonly #root: string
  readonly #print: (line: string) => void

  constructor(root: string, print: (line: string) => void) {
    this.#root = root
    this.#print = print
  }

  take(event: TestEvent): void {
    switch (event.type) {
      case 'test:dequeue':
        if (this.#isFile(event.data)) this.#running.add(this.#path(event.data.file))
        this.#record(event.data.file)
        break
      case 'test:complete':
        if (this.#isFile(event.data)) this.#fileEnded(event.data)
        else this.#testEnded(event.data)
        break
      case 'test:pass':
        // A file passes as such only where it had no tests to pass.
        if (this.#isFile(event.data)) this.fail(relative(this.#root, this.#path(event.data.file)), 'there is no test in this file')
        break
      case 'test:stdout':
      case 'test:stderr':
        this.#said(event.data.file, event.data.message)
        break
      case 'test:diagnostic':
        if (event.data.file !== undefined) this.#said(event.data.file, `${event.data.message}\n`)
        break
      default:
        break
    }
  }

  /** Files that run and of which nothing was heard for `ms`. */
  silentFor(ms: number): string[] {
    const now = performance.now()
    return [...this.#running].filter((file) => now - (this.#files.get(file)?.seen ?? now) > ms)
  }

  fail(where: string, text: string): void {
    this.#failures.push({ where, name: 'the file', text })
  }

  /** Prints the end. The exit code. */
  finish(): number {
    if (this.#passed === 0 && this.#failures.length === 0) this.fail('test/', 'no test ran')
    for (const failure of this.#failures) this.#printFailure(failure)
    if (this.#skipped.length > 0) this.#print(`\n${styleText('yellow', 'skipped')}`)
    for (const { where, name, why } of this.#skipped) this.#print(`  ${where}  ${name}: ${why}`)
    for (const [file, what] of this.#open) this.#print(`${styleText('yellow', 'open')}  ${file} left open: ${what}`)
    const skipped = this.#skipped.length > 0 ? `, ${this.#skipped.length} skipped` : ''
    this.#print(`\n${this.#ended} files in ${(performance.now() / 1000).toFixed(1)} s`)
    this.#print(`${this.#passed} passed, ${this.#failures.length} failed${skipped}`)
    return this.#failures.length > 0 ? 1 : 0
  }

  #testEnded(test: Completed): void {
    this.#record(test.file)
    const where = `${relative(this.#root, this.#path(test.file))}:${test.line ?? 1}`
    const error = test.details.error
    if (error?.failureType === 'subtestsFailed') return
    if (test.details.type === 'suite' && error === undefined) return
    if (test.skip !== undefined || test.todo !== undefined) {
      this.#skipped.push({ where, name: test.name, why: reasonOf(test) })
    } else if (error === undefined) {
      this.#passed += 1
    } else {
      this.#failures.push({ where, name: test.name, text: describe(error) })
    }
  }

  #fileEnded(file: Completed): void {
    const path = this.#path(file.file)
    const record = this.#record(path)
    const name = relative(this.#root, path)
    this.#running.delete(path)
    this.#ended += 1
    const error = file.details.error
    if (error !== undefined && error.failureType !== 'subtestsFailed') {
      this.fail(name, 'its process failed outside of any test: it could not be loaded, or nobody handled a rejection')
    }
    const mark = error === undefined ? styleText('green', 'ok  ') : styleText('red', 'FAIL')
    this.#print(`${mark}  ${name}  ${styleText('dim', `${((performance.now() - record.started) / 1000).toFixed(1)} s`)}`)
  }

  #printFailure(failure: Failure): void {
    this.#print(`\n${styleText('red', 'FAIL')}  ${failure.where}  ${failure.name}`)
    this.#print(indent(failure.text))
    const path = resolve(this.#root, failure.where)
    const output = failure.name === 'the file' ? (this.#files.get(path)?.output ?? []).join('').trim() : ''
    if (output !== '') this.#print(indent(output))
  }

  #said(file: string, message: string): void {
    const record = this.#record(file)
    if (message.startsWith(openHandleMark)) {
      this.#open.set(relative(this.#root, this.#path(file)), message.slice(openHandleMark.length).trim())
    } else record.output.push(message)
  }

  #isFile(data: { readonly name: string; readonly file?: string | undefined }): boolean {
    return data.file !== undefined && resolve(this.#root, data.name) === this.#path(data.file)
  }

  #path(file: string | undefined): string {
    return resolve(this.#root, file ?? '')
  }

  #record(file: string | undefined): FileRecord {
    const path = this.#path(file)
    const now = performance.now()
    const record = this.#files.get(path) ?? { started: now, seen: now, output: [] }
    record.seen = now
    this.#files.set(path, record)
    // A test that a shared suite defines is said to be in the suite's file: any of those that run may have run it.
    if (!this.#running.has(path)) for (const running of this.#running) this.#files.get(running)!.seen = now
    return record
  }
}

function reasonOf(test: Completed): string {
  const said = test.skip ?? test.todo
  return typeof said === 'string' && said !== '' ? said : 'no reason given'
}

/** The error with its stack, without the frames of the runner itself. */
function describe(error: Error & { readonly cause?: unknown }): string {
  const cause = error.cause
  // An assertion's message says all that its fields say again.
  const assertion = cause instanceof Error && 'generatedMessage' in cause
  const shown = assertion
    ? (cause.stack ?? cause.message)
    : cause instanceof Error
      ? inspect(cause, { depth: 6 })
      : (cause ?? error.message)
  return String(shown)
    .split('\n')
    .filter((line) => !/^\s+at .*node:(?:internal\/|async_hooks)/.test(line))
    .join('\n')
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '      ')
}
