/**
 * A reporter for Node's test runner. It writes the result of each test to file descriptor 3 as a JSON line, and at the end their number.
 * Writes are synchronous, so that no line is lost. Node's own reporters write to standard output, and a forced exit drops what is still
 * buffered.
 */
import { writeSync } from 'node:fs'
import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'
import { inspect } from 'node:util'
import { leftOpen } from './before.ts'
import { cpuSeconds, type Line, type TestEnded } from './report.ts'

interface Completed {
  readonly name: string
  readonly file?: string
  readonly line?: number
  readonly skip?: string | boolean
  readonly todo?: string | boolean
  readonly details: { readonly type?: string; readonly error?: Error & { readonly failureType?: string; readonly cause?: unknown } }
}

/** The result of a test. A suite counts only if its own hook failed; a test whose subtests failed is not counted again. */
function resultOf(test: Completed): TestEnded | null {
  const error = test.details.error
  if (error?.failureType === 'subtestsFailed') return null
  if (test.details.type === 'suite' && error === undefined) return null
  const at = { name: test.name, file: relative('', test.file ?? ''), line: test.line ?? 1 }
  if (test.skip !== undefined || test.todo !== undefined) return { ...at, outcome: 'skipped', text: reasonOf(test) }
  if (error !== undefined) return { ...at, outcome: 'failed', text: describe(error) }
  return { ...at, outcome: 'passed', text: '' }
}

function reasonOf(test: Completed): string {
  const reason = test.skip ?? test.todo
  return typeof reason === 'string' && reason !== '' ? reason : 'no reason given'
}

/** Returns the error with its stack, without frames of the test runner. */
function describe(error: Error & { readonly cause?: unknown }): string {
  const cause = error.cause ?? error
  // An assertion's message already contains its fields.
  const assertion = cause instanceof Error && 'generatedMessage' in cause
  const shown = assertion ? (cause.stack ?? cause.message) : cause instanceof Error ? inspect(cause, { depth: 6 }) : cause
  return String(shown)
    .split('\n')
    .filter((line) => !/^\s+at .*node:(?:internal\/|async_hooks)/.test(line))
    .join('\n')
}

function writeLine(line: Line): void {
  const text = Buffer.from(`${JSON.stringify(line)}\n`)
  for (let written = 0; written < text.length;) written += writeSync(3, text, written)
}

async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let count = 0
  let finished = false
  const troubles: string[] = []
  // A file that runs alone is the program itself, and does not set `filesLoaded`.
  process.on('exit', () =>
    writeLine({
      end: {
        finished,
        loaded: (globalThis as { readonly filesLoaded?: number }).filesLoaded ?? 1,
        count,
        troubles,
        open: leftOpen(),
        cpu: cpuSeconds(),
      },
    }),
  )
  for await (const { type, data } of source) {
    if (type === 'test:complete') {
      const result = resultOf(data)
      if (result !== null) {
        count += 1
        writeLine({ test: result })
      }
    } else if (type === 'test:diagnostic' && data.message.startsWith('Error: ')) troubles.push(data.message)
    else if (type === 'test:summary') finished = true
  }
  yield ''
}

// Node takes the reporter from the default export.
export { report as default }
