/** The test runner: a lost test or a file that ends early must never look like success. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { runFiles } from '../process.ts'
import { failuresOf, Tally, type FilesRan } from '../report.ts'

const head = "import { test } from 'node:test'\n"

/** Runs files with the given texts in one process. */
function ran(t: TestContext, texts: readonly string[], silent?: number): Promise<FilesRan> {
  const dir = mkdtempSync(join(tmpdir(), 'burn-runner-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const files = texts.map((text, index) => {
    const file = join(dir, `${index}.test.mjs`)
    writeFileSync(file, head + text)
    return file
  })
  return runFiles(files, silent)
}

const textsOf = (of: FilesRan) => failuresOf(of).map(({ text }) => text)

test('runner: loses no test while its output is not read', async (t) => {
  const running = ran(t, ["for (let n = 0; n < 500; n += 1) test(`${n} ${'x'.repeat(1000)}`, () => {})"])
  // This is more than a pipe holds, so the child waits until this process reads again.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
  const { tests, end } = await running
  assert.equal(tests.length, 500)
  assert.equal(end?.count, 500)
})

test('runner: a file that ends early fails', async (t) => {
  const texts = await Promise.all(
    [
      "test('one', () => {}); test('two', () => process.exit(0)); test('three', () => {})",
      "test('one', () => {}); test('two', () => process.kill(process.pid, 'SIGKILL'))",
      "test('one', () => {}); test('two', async () => { Promise.reject(new Error('nobody asked')); await new Promise(setImmediate) })",
      "test('one', () => {}); setTimeout(() => Promise.reject(new Error('of no test')), 20); test('two', () => new Promise((done) => setTimeout(done, 60)))",
      "throw new Error('not loaded')",
      '',
    ].map(async (text) => textsOf(await ran(t, [text])).join('\n')),
  )
  for (const [index, expected] of [
    /ended before them: exit code 0/,
    /ended before them: signal SIGKILL/,
    /nobody asked/,
    /of no test/,
    /not loaded/,
    /the file has no tests/,
  ].entries()) {
    assert.match(texts[index] ?? '', expected)
  }
})

test('runner: files of one process must all be loaded', async (t) => {
  const one = "test('one', () => {})"
  const both = await ran(t, [one, one])
  assert.deepEqual([both.tests.length, textsOf(both)], [2, []])
  const late = await ran(t, [`${one}; await new Promise((done) => setTimeout(done, 300))`, one])
  assert.match(textsOf(late).join(), /before all files were loaded/)
})

test('runner: kills a file that reports nothing', async (t) => {
  const silent = await ran(t, ["test('one', () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))"], 1000)
  assert.match(textsOf(silent).join(), /signal SIGKILL/)
})

test('runner: an unreported test is a failure', () => {
  const ended = { name: 'x', file: 'a.test.ts', line: 1, outcome: 'passed', text: '' } as const
  const end = { finished: true, loaded: 1, count: 2, troubles: [], open: [], cpu: null }
  const whole = { files: ['a.test.ts'], tests: [ended, ended], end, exit: '', output: '', seconds: 0 }
  assert.deepEqual(textsOf(whole), [])
  assert.deepEqual(textsOf({ ...whole, tests: [ended] }), ['the process reported 1 of 2 tests'])
  assert.match(textsOf({ ...whole, exit: 'exit code 1' }).join(), /failed outside of any test: exit code 1/)
  const lines: string[] = []
  const tally = new Tally((line) => lines.push(line))
  tally.add({ ...whole, tests: [ended] })
  assert.equal(tally.finish(), 1)
  assert.equal(lines.at(-1), '1 passed, 1 failed')
})
