/** Tests pasted texts and their guard in a real tmux, with a program that records every byte. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import * as fc from 'fast-check'
import type { Machine } from '../../src/core/nouns.ts'
import type { Tmux } from '../../src/core/ports.ts'
import { sanitize } from '../../src/core/text.ts'
import type { Target } from '../../src/core/pane-host.ts'
import { typedResult, placeLine, stripsControlBytes, submitLine } from '../../src/tmux/paste.ts'
import { scratch, until } from '../support/fleet.ts'
import { startSshd } from '../support/sshd.ts'
import { hostile, raised } from './conformance.ts'

/** A program that records every byte from its terminal. */
const receiver = `
const { appendFileSync, writeFileSync } = require('node:fs')
process.stdin.setRawMode(true)
process.stdin.on('data', (bytes) => appendFileSync(process.argv[1], bytes))
writeFileSync(process.argv[1], '')`

interface Receiver {
  readonly tmux: Tmux
  readonly target: Target
  readonly bytes: () => string
  /** Waits until the pane has received this text at the end. */
  readonly got: (text: string) => Promise<void>
}

async function receiving(t: TestContext, more: Partial<Machine> = {}): Promise<Receiver> {
  const { tmux } = await raised(t, more)
  const log = join(scratch(t), 'log')
  const [reply] = await tmux.run([
    [
      ['set-option', '-w', '-t', '=T:', 'remain-on-exit', 'on'],
      ['respawn-pane', '-k', '-t', '=T:', process.execPath, '-e', receiver, log],
      ['set-option', '-p', '-F', '-t', '=T:', '@burn_agent', '#{pane_pid}'],
      ['display-message', '-p', '-t', '=T:', '#{pane_id}'],
      ['display-message', '-p', '-t', '=T:', '#{pane_pid}'],
    ],
  ])
  await until('the receiver listens', () => existsSync(log))
  const bytes = () => readFileSync(log, 'utf8')
  const target = { pane: reply?.lines[0] ?? '', agent_pid: Number(reply?.lines[1]) }
  return { tmux, target, bytes, got: (text) => until(JSON.stringify(text.slice(-40)), () => bytes().endsWith(text)) }
}

const pasted = (text: string) => `\u001b[200~${text}\u001b[201~`

async function deliversHostileTexts(r: Receiver, numRuns: number): Promise<void> {
  let sent = 0
  const property = fc.asyncProperty(fc.array(hostile, { minLength: 1, maxLength: 6 }), async (written) => {
    const texts = written.map((text) => sanitize(text))
    const end = `end-${sent++}`
    const before = r.bytes().length
    const replies = await r.tmux.run([
      ...texts.map((text, i) => placeLine(r.target, [{ paste: text }], `b${i}`, r.tmux.version)),
      placeLine(r.target, [{ type: end }], 'e', r.tmux.version),
    ])
    for (const reply of replies) assert.deepEqual(typedResult(reply), { outcome: 'done', why: '' })
    await r.got(end)
    assert.equal(r.bytes().slice(before), texts.map(pasted).join('') + end)
  })
  await fc.assert(property, { numRuns })
  assert.deepEqual((await r.tmux.run([[['list-buffers']]]))[0]?.lines, [], 'no buffer is left')
}

test('placeLine: the agent gets any text byte for byte', async (t) => {
  await deliversHostileTexts(await receiving(t), 40)
})

test('placeLine: the agent gets any text over ssh', async (t) => {
  const sshd = await startSshd(t)
  if (sshd === null) return t.skip('there is no sshd on this machine')
  await deliversHostileTexts(
    await receiving(t, { transport: { kind: 'ssh', host: sshd.host, port: sshd.port, options: sshd.options } }),
    15,
  )
})

test('placeLine: a megabyte arrives whole', async (t) => {
  const r = await receiving(t)
  const text = 'a line with $(id) and a €\n'.repeat(40_000)
  assert.equal(
    typedResult((await r.tmux.run([placeLine(r.target, [{ paste: text }, { type: 'end' }], 'big', r.tmux.version)]))[0] ?? assert.fail())
      .outcome,
    'done',
  )
  await r.got('end')
  assert.equal(r.bytes(), `${pasted(text)}end`)
})

test('placeLine: from tmux 3.7 on, keys carry the brackets', async (t) => {
  const r = await receiving(t)
  await r.tmux.run([placeLine(r.target, [{ type: '/queue ' }, { paste: 'one\ntwo' }], 'b', '3.7'), submitLine(r.target, 'b', '3.7')])
  await r.got('\r')
  assert.equal(r.bytes(), `/queue ${pasted('one\ntwo')}\r`)
})

test('submitLine: text and Enter arrive while copy mode is open', async (t) => {
  const r = await receiving(t)
  if (stripsControlBytes(r.tmux.version)) return t.skip('from tmux 3.7 on a delivery waits while copy mode is open')
  await r.tmux.run([[['copy-mode', '-t', r.target.pane]]])
  await r.tmux.run([placeLine(r.target, [{ paste: 'text' }], 'b', '3.3a'), submitLine(r.target, 'c', '3.3a')])
  await r.got('\r')
  assert.equal(r.bytes(), `${pasted('text')}\r`)
  assert.deepEqual((await r.tmux.run([[['display-message', '-p', '-t', r.target.pane, '#{pane_in_mode}']]]))[0]?.lines, ['1'])
})

test('placeLine: refuses another program, a dead or missing pane', async (t) => {
  const r = await receiving(t)
  const refused = async (what: string) => {
    const replies = await r.tmux.run([
      placeLine(r.target, [{ paste: 'secret' }], 'b', '3.3a'),
      submitLine(r.target, 'c', '3.3a'),
      [['list-buffers']],
    ])
    assert.deepEqual(
      replies.slice(0, 2).map((reply) => typedResult(reply).outcome),
      ['refused', 'refused'],
      what,
    )
    assert.deepEqual(replies[2]?.lines, [], what)
  }
  const { pane, agent_pid } = r.target
  await r.tmux.run([[['set-option', '-p', '-u', '-t', pane, '@burn_agent']]])
  await refused('a program that was not started as the agent')
  await r.tmux.run([[['set-option', '-p', '-t', pane, '@burn_agent', String(agent_pid)]]])
  process.kill(agent_pid, 'SIGKILL')
  await until(
    'the agent is dead',
    async () => (await r.tmux.run([[['display-message', '-p', '-t', pane, '#{pane_dead}']]]))[0]?.lines[0] === '1',
  )
  await refused('a dead pane')
  await r.tmux.run([[['respawn-pane', '-k', '-t', pane, 'sh']]])
  await refused('a shell in place of the agent')
  await r.tmux.run([
    [
      ['split-window', '-t', pane],
      ['kill-pane', '-t', pane],
    ],
  ])
  await refused('a missing pane')
  assert.equal(r.bytes(), '')
})

test('placeLine: refuses synchronized panes and disabled input', async (t) => {
  const r = await receiving(t)
  const { pane } = r.target
  const beside = join(scratch(t), 'beside')
  await r.tmux.run([[['split-window', '-d', '-t', pane, process.execPath, '-e', receiver, beside]]])
  await until('the other pane listens', () => existsSync(beside))
  const lines = ['3.3a', '3.7'].flatMap((version) => [
    placeLine(r.target, [{ paste: 'secret' }, { key: 'Enter' }], 'b', version),
    submitLine(r.target, 'c', version),
  ])
  const refused = async (why: RegExp) => {
    const replies = await r.tmux.run([...lines, [['list-buffers']]])
    for (const reply of replies.slice(0, lines.length)) {
      assert.equal(typedResult(reply).outcome, 'refused')
      assert.match(typedResult(reply).why, why)
    }
    assert.deepEqual(replies.at(-1)?.lines, [])
  }
  await r.tmux.run([[['set-option', '-w', '-t', pane, 'synchronize-panes', 'on']]])
  await refused(/synchronize-panes is on/)
  await r.tmux.run([[['set-option', '-w', '-t', pane, 'synchronize-panes', 'off']], [['select-pane', '-d', '-t', pane]]])
  await refused(/input to the pane is disabled/)
  await r.tmux.run([[['select-pane', '-e', '-t', pane]], placeLine(r.target, [{ type: 'end' }], 'e', '3.3a')])
  await r.got('end')
  assert.equal(r.bytes(), 'end')
  assert.equal(readFileSync(beside, 'utf8'), '')
})

test('placeLine: refuses control bytes before it sends anything', () => {
  const target = { pane: '%1', agent_pid: 1 }
  for (const text of ['a\u001b[201~b', 'a\u0000', 'a\rb', 'a\u009bb', 'a\u007f'])
    assert.throws(() => placeLine(target, [{ paste: text }], 'b', '3.3a'), { code: 'bad_text' })
  assert.throws(() => placeLine(target, [{ type: 'a\nb' }], 'b', '3.3a'), { code: 'bad_text' })
})
