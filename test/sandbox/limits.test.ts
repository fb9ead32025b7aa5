/** The limits of a command, and the end of its processes. */
import assert from 'node:assert/strict'
import { closeSync, constants, openSync, readdirSync, readSync, watch } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { findCgroupParents } from '../../src/sandbox/cgroup.ts'
import { KeptOutput } from '../../src/sandbox/output.ts'
import { until } from '../support/fleet.ts'
import { opened, isRunning, skipReason } from './opened.ts'

const parents = await findCgroupParents()
const skipWithoutGroup = parents.some(({ limits }) => limits.includes('processes')) ? skipReason : 'no control group can be created here'

/** Checks after the test that no control group of this process is left. */
function expectNoGroups(t: TestContext): void {
  t.after(() => {
    const leftovers = parents.flatMap(({ dir }) => readdirSync(dir).filter((name) => name.includes(`-${process.pid}-`)))
    assert.deepEqual(leftovers, [])
  })
}

test('limits: kill a fork bomb', { skip: skipWithoutGroup }, async (t) => {
  expectNoGroups(t)
  const { run } = await opened(t)
  const { code, stopped, notes } = await run(`perl -e 'fork while 1'`)
  assert.deepEqual(
    { code, stopped, notes },
    { code: null, stopped: 'too_much', notes: ['killed: the command reached the limit of 64 processes'] },
  )
  assert.equal((await run('echo still here')).output, 'still here\n')
})

test('limits: kill a process that uses too much memory', { skip: skipReason }, async (t) => {
  const { run } = await opened(t)
  const { code, notes } = await run(`perl -e '$x = "a" x (3 << 30)'`)
  assert.notEqual(code, 0)
  assert.match(notes.join('\n'), /2048 MiB of memory/)
})

test('limits: kill processes that together use too much memory', { skip: skipReason }, async (t) => {
  const { run } = await opened(t, { policy: { memory: 64 * 2 ** 20 } })
  const { code, notes } = await run(`for n in 1 2 3; do perl -e '$x = "a" x (30 << 20); sleep 9' & done; wait; sleep 1`)
  assert.notEqual(code, 0)
  assert.deepEqual(notes, ['killed: the command used more than 64 MiB of memory'])
})

test('limits: a temporary folder in memory has a maximum size', { skip: skipReason }, async (t) => {
  const { run } = await opened(t, { root: '/tmp', path: '/usr/bin:/bin', policy: { disk: 8_000_000 } })
  const { code, output } = await run('for n in 1 2 3 4; do head -c 4000000 /dev/zero >/tmp/zeros$n || exit 1; done')
  assert.equal(code, 1)
  assert.match(output, /No space left on device/)
})

test('output: a gigabyte ends the command and is not kept', { skip: skipReason }, async (t) => {
  expectNoGroups(t)
  const { run } = await opened(t)
  const { output, stopped, notes } = await run('echo first; head -c 1073741824 /dev/zero')
  assert.deepEqual({ stopped, notes }, { stopped: 'too_much', notes: ['killed: the command printed too much output'] })
  assert.ok(output.startsWith('first\n') && output.length < 20_200)
  await holdsLessThan(64 * 2 ** 20)
})

test('output: keeps the beginning and the end', { skip: skipReason }, async (t) => {
  const { run } = await opened(t)
  const { code, output } = await run('seq 1000000')
  assert.equal(code, 0)
  assert.match(output, /^1\n2\n3\n[^]*\n\[… 6868896 bytes of output left out here …\]\n[^]*\n999999\n1000000\n$/)
})

/** Waits until the buffers of this process take less than `bytes`. V8 frees those that nobody holds some time after it collected them. */
async function holdsLessThan(bytes: number): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  await until(`buffers take less than ${bytes} bytes`, () => {
    collectGarbage()
    return process.memoryUsage().arrayBuffers < bytes
  })
}

test('output: uses limited memory for chunks of any size', async () => {
  for (const size of [1, 7, 999, 1000, 1001, 65_536]) {
    const kept = new KeptOutput(1000)
    const text = Array.from({ length: 6_000 }, (_, index) => index % 10).join('')
    for (let position = 0; position < text.length; position += size) kept.add(Buffer.from(text.slice(position, position + size)))
    assert.equal(kept.text(), `${text.slice(0, 500)}\n[… 5000 bytes of output left out here …]\n${text.slice(-500)}`)
  }
  const [kept, chunk] = [new KeptOutput(2 ** 21), Buffer.alloc(2 ** 20)]
  for (let count = 0; count < 64; count += 1) kept.add(chunk)
  await holdsLessThan(10 * 2 ** 20)
  assert.equal(kept.text().length, 2 ** 21 + '\n[… 65011712 bytes of output left out here …]\n'.length)
})

test('timeout: kills all processes of the command', { skip: skipReason }, async (t) => {
  expectNoGroups(t)
  const { run } = await opened(t)
  const marker = `burn-timeout-${process.pid}`
  const { code, stopped, notes } = await run(`setsid sh -c 'sleep 1000; true' ${marker} & wait`, { timeout: 300 })
  assert.deepEqual({ code, stopped, notes }, { code: null, stopped: 'timeout', notes: ['killed: the command took longer than 0.3 s'] })
  assert.equal(isRunning(marker), false)
})

test('stop: kills the command', { skip: skipReason }, async (t) => {
  const { run, dir } = await opened(t)
  const marker = `burn-stopped-${process.pid}`
  const stop = new AbortController()
  const watcher = watch(dir, () => stop.abort())
  t.after(() => watcher.close())
  const { code, stopped, notes } = await run(`touch started; sh -c 'sleep 1000; true' ${marker}`, { stop: stop.signal })
  assert.deepEqual({ code, stopped, notes }, { code: null, stopped: 'stop', notes: ['killed: the sprint was stopped'] })
  assert.equal(isRunning(marker), false)
  assert.equal((await run('echo never', { stop: AbortSignal.abort() })).stopped, 'stop')
})

test('end: kills processes that a command leaves running', { skip: skipReason }, async (t) => {
  expectNoGroups(t)
  const { run, dir } = await opened(t)
  const marker = `burn-daemon-${process.pid}`
  // The pipe has a writer until the last of them is gone.
  assert.equal((await run('mkfifo alive')).code, 0)
  const reader = openSync(`${dir}/alive`, constants.O_RDONLY | constants.O_NONBLOCK)
  t.after(() => closeSync(reader))
  const daemon = `setsid sh -c 'exec >alive 2>&1 <&-; trap "" TERM HUP; echo up; sleep 1000; true' ${marker} &`
  const { code, output } = await run(`${daemon} ${daemon} until [ -p alive ]; do :; done; echo done`)
  assert.deepEqual({ code, output }, { code: 0, output: 'done\n' })
  const buffer = Buffer.alloc(100)
  while (readSync(reader, buffer) > 0);
  assert.equal(isRunning(marker), false)
})
