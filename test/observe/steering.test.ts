/** Comments with commands cost at most one request for each repo and cycle, and none in a quiet repo. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openGitea } from '../../src/forge/gitea.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { refreshForge } from '../../src/observe/forge.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'
import { clock } from '../support/clock.ts'

const repo = 'acme/app'

test('steering: reads the new comments of a repo with one request', async (t) => {
  const issues = [{ title: 'old', created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-31T10:00:00Z' }]
  const server = await startGitea({ check: false, repos: [{ name: repo, writers: ['burn', 'ann'], issues }] })
  const ledger = await openLedger('sqlite::memory:', { random: Math.random })
  t.after(() => Promise.all([server.close(), ledger.close()]))
  const forge = openGitea({ url: server.url, token: async () => server.token, clock, random: Math.random })
  const notices: string[] = []
  const read = async () => {
    const before = server.log.length
    const records = await ledger.repos()
    const notify = ({ kind }: { readonly kind: string }) => void notices.push(kind)
    const view = await refreshForge([repo], { dispatches: [], reviews: [], repos: records }, { forge, ledger, clock, notify })
    await ledger.saveChangeCursors(view.changes_at)
    const times = new Map(view.steering.flatMap(({ at }) => (at === null ? [] : [[repo, at] as const])))
    const comments = view.steering.flatMap((each) => each.comments)
    const orders = comments.map((each) => ({ ...each, comment: each.id, word: each.steering.word, refusal: null }))
    await ledger.steer(orders, times, () => 'text', clock.now())
    const targets = server.log.slice(before).map(({ target }) => target)
    return { bodies: comments.map(({ body }) => body), extra: targets.filter((target) => target.includes('/issues/comments?')).length }
  }
  server.state.addComment(repo, 1, 'ann', '/burn stop')
  server.state.issue(repo, 1).updated -= 60
  for (const comment of server.state.issue(repo, 1).comments) Object.assign(comment, { created: comment.created - 60 })
  assert.deepEqual(await read(), { bodies: [], extra: 0 }, 'the first reading of the repo')
  assert.deepEqual(await read(), { bodies: [], extra: 0 }, 'a quiet repo')
  server.state.addComment(repo, 1, 'ann', 'so\n/burn stop')
  server.state.addComment(repo, 1, 'ann', 'thanks')
  assert.deepEqual(await read(), { bodies: ['so\n/burn stop'], extra: 1 })
  assert.equal((await ledger.issue(`${repo}#1`))?.stopped_by, 'ann')
  assert.deepEqual(await read(), { bodies: [], extra: 1 }, 'a late comment may still come')
  // Somebody edits the issue after burn listed it, and before burn reads the comment of a person who saw the edited text.
  const { repoComments } = forge
  Object.assign(forge, {
    repoComments: (...asked: Parameters<typeof repoComments>) => {
      server.state.edit(repo, 1, { body: 'edited' })
      server.state.addComment(repo, 1, 'ann', '/burn go')
      return repoComments(...asked)
    },
  })
  server.state.addComment(repo, 1, 'ann', 'news')
  assert.deepEqual((await read()).bodies, ['/burn go'])
  const raced = await ledger.issue(`${repo}#1`)
  assert.deepEqual([raced?.approval, raced?.issue.body], [null, 'edited'], 'burn approves neither text')
  Object.assign(forge, { repoComments })
  server.trouble({ kind: 'status', status: 403 }, /issues\/comments/)
  server.state.addComment(repo, 1, 'ann', '/burn retry')
  assert.deepEqual((await read()).bodies, [])
  assert.deepEqual(notices, ['forge.skipped'], 'burn still reads the issues of the repo')
  server.calm()
  assert.deepEqual((await read()).bodies, ['/burn retry'])
  assert.equal((await ledger.issue(`${repo}#1`))?.stopped_by, null)
})
