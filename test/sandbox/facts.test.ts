/** The facts about the machine that sandboxes share, and when burn finds them out again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SandboxFacts } from '../../src/sandbox/facts.ts'

test('facts: count for five minutes, until a command fails to start', async () => {
  let [now, searches] = [1_000_000, 0]
  const facts = new SandboxFacts({ now: () => now })
  const search = async () => {
    searches += 1
    return [{ path: `/etc/${searches}`, folder: false }]
  }
  const found = async (key = 'roots') => (await facts.hidden.get(key, search))[0]?.path
  assert.deepEqual([await found(), await found(), await found('other roots')], ['/etc/1', '/etc/1', '/etc/2'])
  now += 299_999
  assert.equal(await found(), '/etc/1')
  now += 1
  assert.equal(await found(), '/etc/3')
  now -= 1
  assert.equal(await found(), '/etc/4', 'the clock was set back')
  facts.forget()
  assert.equal(await found(), '/etc/5')
  await assert.rejects(facts.hidden.get('failing', () => Promise.reject(new Error('busy'))))
  assert.equal(await found('failing'), '/etc/6', 'a failure does not affect the next sandbox')
})
