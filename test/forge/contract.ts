/** The contract that every forge must meet. The tests of each adapter bring a fixture. */
import assert from 'node:assert/strict'
import { test, type TestOptions } from 'node:test'
import { changeContract } from './contract-changes.ts'
import { mergeContract } from './contract-merge.ts'
import { stateContract } from './contract-state.ts'
import { code, hostile, id, type ForgeFixture } from './fixture.ts'

/** Runs the contract, with a new fixture from `open` for each test. */
export function forgeContract(name: string, open: () => Promise<ForgeFixture>, options: TestOptions = {}): void {
  const contract = (what: string, run: (fixture: ForgeFixture) => Promise<void>) =>
    test(`${name}: ${what}`, options, async () => {
      const fixture = await open()
      try {
        await run(fixture)
      } finally {
        await fixture.close()
      }
    })

  contract('lists open issues unchanged', async ({ forge, repo, person, addIssue }) => {
    const numbers = []
    for (const issue of hostile) numbers.push(await addIssue({ ...issue, labels: ['bug', 'needs: care'] }))
    const page = await forge.issues(repo, null)
    assert.equal(page.complete, true)
    assert.deepEqual(page.skipped, [])
    const byNumber = new Map(page.issues.map((issue) => [issue.number, issue]))
    assert.deepEqual(
      numbers.map((number) => [byNumber.get(number)?.title, byNumber.get(number)?.body]),
      hostile.map(({ title, body }) => [title, body]),
    )
    for (const issue of page.issues) {
      assert.deepEqual(issue.labels.toSorted(), ['bug', 'needs: care'])
      assert.deepEqual(
        {
          ...issue,
          labels: [],
          title: '',
          body: '',
          created_at: issue.created_at > 1e12,
          updated_at: issue.updated_at >= issue.created_at,
          url: issue.url !== '',
        },
        {
          ref: `${repo}#${issue.number}`,
          repo,
          number: issue.number,
          title: '',
          body: '',
          labels: [],
          assignees: [],
          author: person,
          state: 'open',
          created_at: true,
          updated_at: true,
          comments: 0,
          url: true,
        },
      )
    }
  })

  contract('reads due dates', async ({ forge, repo, addIssue }) => {
    const numbers = [await addIssue({ title: 'due', due: '2026-12-24T00:00:00Z' }), await addIssue({ title: 'at leisure' })]
    const dayOf = (time: number | undefined) => time && new Date(time).toISOString().slice(0, 10)
    const due = new Map((await forge.issues(repo, null)).issues.map(({ number, due_at }) => [number, dayOf(due_at)]))
    assert.deepEqual(
      numbers.map((number) => due.get(number)),
      ['2026-12-24', undefined],
    )
  })

  contract('lists more than one page, each issue once', async ({ forge, repo, addIssue }) => {
    const numbers = []
    for (let n = 1; n <= 53; n++) numbers.push(await addIssue({ title: `number ${n}` }))
    const { issues } = await forge.issues(repo, null)
    assert.deepEqual(
      issues.map(({ number }) => number).toSorted((a, b) => a - b),
      numbers,
    )
  })

  contract('a closed issue is no longer open', async ({ forge, repo, addIssue, closeIssue }) => {
    const [stays, goes] = [await addIssue({ title: 'stays' }), await addIssue({ title: 'goes' })]
    const before = await forge.issues(repo, null)
    assert.equal(before.issues.length, 2)
    await closeIssue(goes)
    const after = await forge.issues(repo, before.cursor)
    const open = after.issues.filter(({ state }) => state === 'open').map(({ number }) => number)
    const closed = after.issues.filter(({ state }) => state === 'closed').map(({ number }) => number)
    assert.ok(!open.includes(goes))
    assert.deepEqual(closed, after.complete ? [] : [goes])
    assert.equal((await forge.issue(`${repo}#${goes}`))?.state, 'closed')
    assert.equal((await forge.issue(`${repo}#${stays}`))?.state, 'open')
    assert.deepEqual(
      (await forge.issues(repo, null)).issues.map(({ number }) => number),
      [stays],
    )
  })

  contract('returns a new issue since the cursor', async ({ forge, repo, addIssue }) => {
    await addIssue({ title: 'old' })
    const { cursor } = await forge.issues(repo, null)
    const number = await addIssue({ title: 'new' })
    const page = await forge.issues(repo, cursor)
    assert.ok(page.issues.some((issue) => issue.number === number && issue.title === 'new'))
  })

  contract('adds a label once, and keeps the other labels', async ({ forge, repo, addIssue }) => {
    const plain = `${repo}#${await addIssue({ title: 'plain' })}`
    const labelled = `${repo}#${await addIssue({ title: 'labelled', labels: ['bug', 'needs: care'], body: 'labels: none\n---\n' })}`
    for (const ref of [plain, labelled, labelled]) await forge.addLabel(ref, 'over-budget')
    const [one, other] = [await forge.issue(plain), await forge.issue(labelled)]
    assert.deepEqual([one?.labels, other?.labels.toSorted()], [['over-budget'], ['bug', 'needs: care', 'over-budget']])
    assert.deepEqual([other?.title, other?.body], ['labelled', 'labels: none\n---\n'])
    await assert.rejects(forge.addLabel(`${repo}#99`, 'x'), code('forge_not_found'))
  })

  contract('replaces assignees unless somebody changed them', async ({ forge, repo, person, addIssue }) => {
    const ref = `${repo}#${await addIssue({ title: 'work', labels: ['bug'], body: 'assignees: none' })}`
    const { login } = await forge.whoami()
    const allowed = await forge.assignable(repo)
    assert.ok(allowed === null || (allowed.includes(person) && allowed.includes(login)))
    assert.equal(await forge.assign(ref, [], [person.toUpperCase()]), true)
    if (person !== login) assert.equal(await forge.assign(ref, [], [login]), false)
    assert.equal(await forge.assign(ref, [], [person]), true, 'the issue has these assignees already')
    const [given] = (await forge.issues(repo, null)).issues
    assert.deepEqual(
      [given?.assignees.map((each) => each.toLowerCase()), given?.labels, given?.body],
      [[person], ['bug'], 'assignees: none'],
    )
    assert.equal(await forge.assign(ref, [person], []), true)
    assert.deepEqual((await forge.issue(ref))?.assignees, [])
    if (allowed !== null) await assert.rejects(forge.assign(ref, [], ['nobody']), code('forge_unassignable'))
    await assert.rejects(forge.assign(`${repo}#99999`, [], [person]), code('forge_not_found'))
  })

  contract('writes, lists and edits comments', async ({ forge, repo, addIssue }) => {
    const ref = `${repo}#${await addIssue({ title: 'talk' })}`
    assert.deepEqual(await forge.comments(ref), [])
    const body = '<!-- burn:1 -->\nClaimed 🜂 by `$(x)`\n\n---\nstate: closed\n---\n'
    const written = await forge.comment(ref, body)
    const second = await forge.comment(ref, 'second')
    assert.notEqual(written.id, second.id)
    const { login } = await forge.whoami()
    assert.deepEqual(
      (await forge.comments(ref)).map((c) => [c.id, c.author, c.body.trim()]),
      [
        [written.id, login, body.trim()],
        [second.id, login, 'second'],
      ],
    )
    await forge.editComment(ref, written.id, 'edited')
    await forge.editComment(ref, written.id, 'edited')
    assert.deepEqual(
      (await forge.comments(ref)).map((c) => [c.id, c.body]),
      [
        [written.id, 'edited'],
        [second.id, 'second'],
      ],
    )
    assert.equal((await forge.issue(ref))?.comments, 2)
  })

  contract('keeps all comments that are written concurrently', async ({ forge, repo, addIssue }) => {
    const ref = `${repo}#${await addIssue({ title: 'busy' })}`
    const written = await Promise.all(Array.from({ length: 12 }, (_, n) => forge.comment(ref, `says ${n}`)))
    assert.equal(new Set(written.map((comment) => comment.id)).size, 12)
    const bodies = (await forge.comments(ref)).map(({ body }) => body)
    assert.deepEqual(bodies.toSorted(), Array.from({ length: 12 }, (_, n) => `says ${n}`).toSorted())
  })

  changeContract(contract)
  stateContract(contract)
  mergeContract(contract)

  contract('knows the writers, its own login and its rights', async ({ forge, repo, person, missing, addIssue, push }) => {
    await addIssue({ title: 'mine' })
    const writers = await forge.writers(repo)
    assert.ok(writers.includes(person))
    assert.ok(writers.includes((await forge.whoami()).login))
    const before = forge.requests()
    const still = await forge.writers(repo, [person, 'gone-since'])
    assert.ok(still.includes(person) && !still.includes('gone-since'))
    assert.ok(forge.requests() - before <= 1, 'one request')
    const known = { exists: true, write: true, archived: false, issues: true, changes: true, default_branch: 'main' }
    assert.deepEqual(await forge.rights(repo), known)
    assert.deepEqual([await forge.mayComment(repo), await forge.mayOpenChange(repo)], [true, true])
    await push(`burn/${id(1)}`)
    assert.deepEqual(await Promise.all([`burn/${id(1)}`, 'burn', 'other'].map((name) => forge.hasBranch(repo, name))), [true, false, false])
    assert.equal((await forge.rights(missing)).exists, false)
  })

  contract('tells agents how to reach it', async ({ forge, repo }) => {
    const { clone_url, api_url, open_change } = forge.access(repo, 'main')
    assert.ok(clone_url.endsWith(`/${repo.split('/')[1]}.git`))
    assert.match(api_url, /^(https?|file):\/\//)
    assert.match(open_change, /Closes #/)
    assert.doesNotMatch(open_change, /token/i)
  })

  contract('reports missing objects, and refuses invalid names', async ({ forge, repo, missing, addIssue }) => {
    await addIssue({ title: 'here' })
    assert.equal(await forge.issue(`${repo}#99999`), null)
    await assert.rejects(forge.issues(missing, null), code('forge_not_found'))
    await assert.rejects(forge.comment(`${repo}#99999`, 'x'), code('forge_not_found'))
    const names = ['..', 'a/..', '../a', 'a/b/c', 'a/b?x=1', '/etc', 'a/ b', 'a/b\0', 'a/-b/..', 'a/%2e%2e', 'a/b#1', '']
    for (const name of names) {
      for (const ask of [
        () => forge.issues(name, null),
        () => forge.writers(name),
        () => forge.changes(name, 0),
        () => forge.comment(`${name}#1`, 'x'),
        () => forge.changeOf(name, `burn/${id(1)}`, 'main'),
      ]) {
        await assert.rejects(async () => ask(), code('forge_ref'), name)
      }
    }
    for (const branch of ['main', '', 'burn/', 'burn/../main', `burn/${id(1)}/x`, `burn/${id(1)}?x`]) {
      await assert.rejects(async () => forge.changeOf(repo, branch, 'main'), code('forge_ref'), branch)
      const change = { branch, base: 'main', title: 'x', body: 'x', issue: `${repo}#1` }
      await assert.rejects(async () => forge.openChange(repo, change), code('forge_ref'), branch)
    }
    for (const ref of [`${repo}#0`, `${repo}#-1`, `${repo}#1/../2`, `${repo}#`, repo, `${repo}#1e3`])
      await assert.rejects(async () => forge.issue(ref), code('forge_ref'), ref)
  })
}
