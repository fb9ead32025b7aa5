/** Tests that the stand-in for Hermes behaves as the real program does, and that burn reads its screen. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ParsedScreen } from '../../../src/core/agent.ts'
import { hermes } from '../../../src/agents/hermes.ts'
import { compactRows, fileLine, composerContent, deliveryTag } from '../../../src/core/typed-line.ts'
import { openRig } from './rig.ts'

const id = '0k3v9w2x4abcd'
const tag = deliveryTag(id)
const line = fileLine(id, `.burn/${id}.md`, { sha256: '0123456789abcdef', lines: 58, longest: 80 })
const big = Array.from({ length: 58 }, (_, i) => `${i + 1}. Check module part_${i}: retries, limits, logging and error paths.`).join('\n')
const sizes = ['200x50', '100x24', '80x24', '57x12'] as const

const script = (name: string) => new URL(name, import.meta.url).pathname
const held = script('held-turn.mjs')

let rig: ReturnType<typeof openRig>
before(() => (rig = openRig()))
after(() => rig.close())

const idle = (look: ParsedScreen) => look.reading.state === 'idle' && look.composer === 'empty'
const working = (look: ParsedScreen) => look.reading.state === 'working'
const hasId = (look: ParsedScreen) => look.draft.replaceAll('\n', '').includes(id)
const outside = (look: ParsedScreen, screen: readonly string[], above: readonly string[]) =>
  compactRows([...above, ...screen.slice(0, look.composer_rows[0]), '', ...screen.slice(look.composer_rows[1])]).includes(`[burn${id}]`)

// The tests mostly wait, so they run concurrently.
describe('stand-in', { concurrency: 6 }, () => {
  for (const size of sizes) {
    test(`${size}: a line placed while idle arrives whole, once`, async () => {
      const agent = await rig.start(size, '--turn', held)
      const ready = await agent.until('idle', idle)
      await agent.place(hermes.place(line, ready))
      const placed = await agent.until('placed', ({ draft }) => composerContent(draft, id, line) === 'line')
      assert.equal(placed.reading.state, 'idle')
      await agent.keys('Enter')
      const seen = await agent.until('echoed', (look, screen, above) => working(look) && outside(look, screen, above))
      assert.equal(seen.composer, 'empty', 'the placeholder is not a draft')
      agent.go()
      await agent.until('idle again', idle)
      assert.deepEqual(
        agent.log('received').map((entry) => [entry.line, entry.state]),
        [[line, 'idle']],
      )
      assert.deepEqual(
        agent.log('turn_end').map(({ outcome }) => outcome),
        ['done'],
      )
    })

    test(`${size}: a prompt placed during a turn is queued`, async () => {
      const agent = await rig.start(size, '--turn', held)
      await agent.place(hermes.place('first', await agent.until('idle', idle)))
      await agent.until('first placed', ({ draft }) => draft === 'first')
      await agent.keys('Enter')
      const busy = await agent.until('working', working)
      await agent.place(hermes.place(line, busy))
      const placed = await agent.until('placed', ({ draft }) => composerContent(draft, id, line) === 'line')
      assert.deepEqual([placed.composer, placed.reading.state, placed.interrupts], ['draft', 'working', false])
      await agent.keys('Enter')
      await agent.until('composer emptied', (look) => working(look) && look.composer === 'empty')
      assert.equal((await agent.screen()).join('').includes(id), false, 'the screen does not show it yet')
      agent.go()
      await agent.until('shown', outside)
      assert.equal(agent.log('turn_end')[0]?.outcome, 'done')
      const [, second] = await agent.untilLogged('turn_start', 2)
      assert.equal(second?.text, line)
    })
  }

  test('composer: the clear key removes a whole line', async () => {
    for (const size of sizes) {
      const agent = await rig.start(size, '--turn-ms', '1')
      await agent.place(hermes.place(line, await agent.until('idle', idle)))
      await agent.until('placed', ({ draft }) => composerContent(draft, id, line) === 'line')
      await agent.keys('C-u')
      await agent.until('cleared', idle)
      assert.equal(agent.log('received').length, 0)
    }
  })

  test('approval: a long text in the composer does not hide it', async () => {
    for (const size of ['100x24', '57x24']) {
      const agent = await rig.start(size, '--turn', script('late-approval.mjs'))
      await agent.until('idle', idle)
      await agent.keys('go', 'Enter')
      await agent.place(hermes.place(line, await agent.until('working', working)))
      await agent.until('placed', (look) => hasId(look) && working(look))
      agent.go()
      await agent.until('waiting', (look) => hasId(look) && look.reading.state === 'waiting')
      await agent.keys('Enter')
      const [answered] = await agent.untilLogged('approved')
      assert.equal(answered?.answer, 'Allow once')
      await agent.until('a draft still', ({ reading, composer }) => composer === 'draft' && reading.state !== 'waiting')
      assert.equal(agent.log('received').length, 1)
    }
  })

  test('paste: without brackets every line end is an Enter', async () => {
    const agent = await rig.start('100x24', '--turn-ms', '1', '--busy-mode', 'queue')
    await agent.until('idle', idle)
    await agent.pasteBare('one\ntwo\nthree\n')
    await agent.untilLogged('turn_end', 3)
    assert.deepEqual(
      agent.log('received').map(({ text }) => text),
      ['one', 'two', 'three'],
    )
  })

  test('Enter: interrupts a turn or queues, depending on the mode', async () => {
    for (const mode of ['interrupt', 'queue'] as const) {
      const agent = await rig.start('100x24', '--turn', held, '--busy-mode', mode)
      await agent.until('idle', idle)
      await agent.keys('long', 'Enter')
      await agent.until('working', working)
      await agent.place([{ paste: `${tag}\n` }, { paste: big }])
      const look = await agent.until('placed', hasId)
      assert.equal(look.interrupts, true, 'the screen does not show the mode')
      await agent.keys('Enter')
      await agent.until('reported', (_look, screen) =>
        screen.join('').includes(mode === 'queue' ? `Queued for the next turn: ${tag}` : `Redirected current turn: '${tag}`),
      )
      agent.go()
      const ends = await agent.untilLogged('turn_end', 2)
      assert.deepEqual(
        ends.map(({ outcome }) => outcome),
        [mode === 'queue' ? 'done' : 'interrupted', 'done'],
      )
    }
  })

  test('Enter: a swallowed one leaves the text in the composer', async () => {
    const agent = await rig.start('100x24', '--swallow', '1', '--turn-ms', '1')
    await agent.place(hermes.place(line, await agent.until('idle', idle)))
    await agent.until('placed', hasId)
    await agent.keys('Enter')
    await agent.untilLogged('swallowed')
    assert.ok(hasId(await agent.look()))
    await agent.keys('Enter')
    await agent.untilLogged('turn_end')
    assert.equal(agent.log('received').length, 1)
  })

  test('question: Enter and digits answer, and a draft stays', async () => {
    for (const [option, detail] of [
      ['--ask-every', 'question'],
      ['--approve-every', 'approval'],
    ] as const) {
      for (const size of ['100x24', '57x24']) {
        const agent = await rig.start(size, option, '1', '--turn-ms', '1')
        await agent.until('idle', idle)
        await agent.keys('go', 'Enter')
        const asked = await agent.until('waiting', ({ reading }) => reading.state === 'waiting')
        assert.equal(asked.reading.detail, detail)
        assert.equal(asked.composer, 'empty')
        await agent.place([{ paste: 'a draft' }])
        await agent.until('draft', ({ composer, reading }) => composer === 'draft' && reading.state === 'waiting')
        await agent.keys(size === '57x24' ? '2' : 'Enter')
        const [answered] = await agent.untilLogged('answered')
        assert.match(answered?.answer ?? '', size === '57x24' ? /SQLite|session/ : /PostgreSQL|once/)
        await agent.untilLogged('turn_end')
        const left = await agent.until('idle', ({ reading }) => reading.state === 'idle')
        assert.equal(left.draft, 'a draft')
        assert.equal(agent.log('received').length, 1)
      }
    }
  })

  test('turn: reads an end by the rate limit', async () => {
    const agent = await rig.start('100x24', '--rate-limit', 'too much', '--turn-ms', '1')
    await agent.until('idle', idle)
    await agent.keys('too much of it', 'Enter')
    await agent.until('limited', ({ reading }) => reading.state === 'error' && reading.detail === 'rate limit')
  })

  test('screen: reads starting, drafts, failures, a resize and the end', async () => {
    const agent = await rig.start('100x24', '--start-ms', '1500', '--fail', 'please break', '--profile', 'coder', '--lag-ms', '50')
    await agent.until('starting', ({ reading }) => reading.state === 'starting')
    await agent.until('idle', idle)
    await agent.place([{ type: 'a person writes' }])
    await agent.until('draft', ({ draft, reading }) => draft === 'a person writes' && reading.state === 'idle')
    await agent.keys('C-u')
    await agent.until('cleared', idle)
    await agent.keys('please break', 'Enter')
    await agent.until('failed', ({ reading }) => reading.state === 'error')
    await agent.resize(57, 14)
    await agent.until('narrow', ({ reading, composer }) => composer === 'empty' && reading.state !== 'unknown')
    await agent.keys('C-c')
    await agent.until('dead', ({ reading }) => reading.state === 'dead')
    assert.equal(agent.log('exit')[0]?.why, 'ctrl-c')
  })
})
