/** Tests the readers of screens on recorded screens of real programs and of stand-ins. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agentNames } from '../../src/core/agent-kinds.ts'
import { framesIn, ownFrames, read, realFrames, score, undrawn } from '../support/frames.ts'

const real = framesIn(realFrames)

/** Kinds without a screen of their own. */
const others = new Set(['shell', 'custom'])

for (const kind of agentNames.filter((each) => !others.has(each))) {
  const frames = real?.filter(({ agent }) => agent === kind) ?? []
  // The labels come from hooks and from the stub model server, never from the screen.
  test(`${kind}: reads recorded screens`, { skip: frames.length === 0 ? `no recorded screens of ${kind} beside the repo` : false }, () => {
    const drawn = frames.filter(({ file }) => !undrawn.has(file))
    const { right, wrong } = score(drawn)
    assert.deepEqual(score(drawn).false_idle, [], 'working or waiting must not be read as idle')
    assert.ok(right >= drawn.length * 0.98, `${wrong.length} of ${drawn.length} wrong:\n${wrong.join('\n')}`)
    for (const frame of drawn.filter(({ detail }) => detail === 'draft')) assert.notEqual(read(frame).composer, 'empty', frame.file)
    // burn types nothing into a composer with a draft, so grey words must not be read as one.
    const full = drawn.filter((frame) => frame.state === 'idle' && frame.detail !== 'draft' && read(frame).composer === 'draft')
    assert.ok(full.length <= 2, full.map(({ file }) => file).join('\n'))
    console.log(`${right} of ${drawn.length} real screens of ${kind} read right${wrong.map((line) => `\n  ${line}`).join('')}`)
  })
}

test('agents: reads the screens in this folder, also of dead panes', () => {
  const frames = framesIn(ownFrames) ?? []
  assert.ok(frames.length >= 10, `${frames.length} frames`)
  for (const frame of frames) {
    const seen = read(frame)
    assert.deepEqual([seen.reading.state, seen.composer], [frame.state, frame.composer], frame.file)
    if (frame.state === 'error' && frame.detail !== '') assert.equal(seen.reading.detail, frame.detail, frame.file)
    assert.equal(read({ ...frame, facts: { ...frame.facts, dead: true } }).reading.state, 'dead')
  }
})
