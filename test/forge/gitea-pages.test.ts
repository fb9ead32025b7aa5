/** Checks that burn reads whole lists from forges that count their items, link their pages, or do neither. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openGitea } from '../../src/forge/gitea.ts'
import { clock } from '../support/clock.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'
import type { Trouble } from '../stand-ins/gitea/troubles.ts'

const repo = 'acme/app'

/** Starts a forge with 120 issues and 70 pull requests. It gives at most `most_items` on a page. */
async function serve(most_items: number, trouble: Trouble | null) {
  const issues = Array.from({ length: 120 }, (_, n) => ({ title: `issue ${n + 1}` }))
  const server = await startGitea({ check: false, most_items, repos: [{ name: repo, writers: ['burn'], issues }], links: trouble !== null })
  for (let n = 0; n < 70; n++) server.state.addPull(repo, { title: `change ${n}`, branch: `topic-${n}` })
  if (trouble !== null) server.trouble(trouble, /\/(?:issues|pulls)\?/)
  const forge = openGitea({ url: server.url, token: async () => server.token, clock, random: () => 0.5 })
  return { server, forge, [Symbol.asyncDispose]: () => server.close() }
}

for (const [sends, trouble] of [
  ['counts alone', null],
  ['links alone', { kind: 'uncounted', link: true }],
  ['neither counts nor links', { kind: 'uncounted' }],
] as const)
  for (const most_items of [50, 30])
    test(`gitea: reads all pages of ${most_items} with ${sends}`, async () => {
      await using rig = await serve(most_items, trouble)
      const page = await rig.forge.issues(repo, null)
      assert.deepEqual([page.issues.length, page.skipped], [120, []])
      const { changes, skipped } = await rig.forge.changes(repo, null)
      assert.deepEqual([changes.length, skipped], [70, []])
    })

test('gitea: reports a list whose pages repeat', async () => {
  await using rig = await serve(50, { kind: 'unpaged' })
  const { issues, skipped } = await rig.forge.issues(repo, null)
  const why = 'the forge sent the same page again, so burn cannot read the pages after it'
  assert.deepEqual([issues.length, skipped], [50, [{ what: 'issues after the first 50', why }]])
  const listed = await rig.forge.changes(repo, null)
  assert.deepEqual([listed.changes.length, listed.skipped], [50, [{ what: 'changes after the first 50', why }]])
  assert.equal(rig.server.log.length, 4)
})
