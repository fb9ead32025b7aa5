/** The part of the contract of forges about changes for review. */
import assert from 'node:assert/strict'
import type { Change } from '../../src/core/nouns.ts'
import type { BurnError } from '../../src/core/errors.ts'
import { code, hostile, id, type ForgeFixture } from './fixture.ts'

/** Returns the number that people know a change by: the last one in its address. */
const numberOf = ({ url }: Change) => Number(/(\d+)(?:\.md)?$/.exec(url)?.[1])

/** Adds the tests about changes to the contract. */
export function changeContract(contract: (what: string, run: (fixture: ForgeFixture) => Promise<void>) => void): void {
  contract('finds open and closed changes by branch', async ({ forge, repo, addIssue, ...people }) => {
    const issue = await addIssue({ title: 'work' })
    const [merged, dropped] = [await people.openChange(issue, `burn/${id(1)}`), await people.openChange(issue + 1000, `burn/${id(2)}`)]
    await people.openChange(issue + 2000, 'somebody/else')
    const states = async () => {
      const { changes } = await forge.changes(repo, 0)
      return new Map(changes.flatMap(({ dispatch_id, state }) => (dispatch_id === null ? [] : [[dispatch_id, state] as const])))
    }
    assert.deepEqual(
      await states(),
      new Map([
        [id(1), 'open'],
        [id(2), 'open'],
      ]),
    )
    assert.deepEqual(
      (await forge.issues(repo, null)).issues.map(({ number }) => number),
      [issue],
    )
    assert.equal((await forge.changes(repo, null)).changes.length, 3)
    await people.endChange(merged, 'merged')
    await people.endChange(dropped, 'closed')
    assert.deepEqual(
      await states(),
      new Map([
        [id(1), 'merged'],
        [id(2), 'closed'],
      ]),
    )
    const [change] = (await forge.changes(repo, 0)).changes.filter(({ dispatch_id }) => dispatch_id === id(1))
    assert.deepEqual(
      (await forge.changes(repo, null)).changes.map((each) => [each.dispatch_id, each.state]),
      [[null, 'open']],
    )
    assert.deepEqual([change?.author, change?.fork, change?.closes], [people.person, false, [`${repo}#${issue}`]])
    assert.ok((change?.created_at ?? 0) > 1e12)
    assert.match(change?.url ?? '', /^(https?|file):\/\//)
  })

  contract('opens a change once, and finds it by its branch', async ({ forge, repo, addIssue, push, ...people }) => {
    const issue = await addIssue({ title: 'work' })
    const [branch, other] = [`burn/${id(1)}`, `burn/${id(2)}`]
    const wanted = {
      branch,
      base: 'main',
      title: hostile[0]?.title ?? '',
      body: `What and why.\n\nCloses #${issue}\n`,
      issue: `${repo}#${issue}`,
    }
    await push(branch)
    await push(other)
    assert.equal(await forge.changeOf(repo, branch, 'main'), null)
    const opened = await forge.openChange(repo, wanted)
    const { url, name, created_at, ...others } = opened
    assert.deepEqual(others, {
      dispatch_id: id(1),
      state: 'open',
      author: (await forge.whoami()).login,
      fork: false,
      closes: [`${repo}#${issue}`],
    })
    assert.ok(url !== '' && name !== '' && created_at > 1e12)
    assert.deepEqual(await forge.changeOf(repo, branch, 'main'), opened)
    assert.deepEqual((await forge.changes(repo, 0)).changes, [opened])
    await assert.rejects(forge.openChange(repo, wanted), code('forge_conflict'))
    const second = await forge.openChange(repo, { ...wanted, branch: other })
    assert.notEqual(second.url, opened.url)
    assert.deepEqual(await forge.changeOf(repo, branch, 'main'), opened)
    assert.deepEqual(await forge.changeOf(repo, other, 'main'), second)
    await people.endChange(numberOf(opened), 'closed')
    assert.deepEqual(await forge.changeOf(repo, branch, 'main'), { ...opened, state: 'closed' })
    const again = await forge.openChange(repo, wanted)
    assert.deepEqual(await forge.changeOf(repo, branch, 'main'), again)
    assert.notEqual(again.url, opened.url)
    const found = (await forge.changes(repo, 0)).changes
    assert.deepEqual(found.map(({ url, state }) => `${state} ${url}`).toSorted(), [`open ${again.url}`, `open ${second.url}`].toSorted())
  })

  contract('reads the closed issues from the text of a change', async (fixture) => {
    const { forge, repo, addIssue, openChange, editChange } = fixture
    const [one, two] = [await addIssue({ title: 'one' }), await addIssue({ title: 'two' })]
    const change = await openChange(one, 'somebody/else', `Fixes #${one}, see #${two}.\n\n\`closes #${two}\`\n`)
    const closes = async (since: number | null) => (await forge.changes(repo, since)).changes.map((each) => [each.dispatch_id, each.closes])
    for (const since of [0, null]) assert.deepEqual(await closes(since), [[null, [`${repo}#${one}`]]])
    await editChange(change, `resolves ${repo}#${two}`)
    for (const since of [0, null]) assert.deepEqual(await closes(since), [[null, [`${repo}#${two}`]]])
    await editChange(change, 'Closes nothing.')
    for (const since of [0, null]) assert.deepEqual(await closes(since), [[null, []]])
  })

  contract('a list of issues shows that a change has news', async ({ forge, repo, addIssue, openChange, editChange }) => {
    const issue = await addIssue({ title: 'work' })
    const { cursor } = await forge.issues(repo, null)
    const change = await openChange(issue, 'somebody/else')
    const opened = await forge.issues(repo, cursor)
    assert.ok((opened.changed_at ?? 0) > 1e12)
    assert.ok(opened.issues.every(({ number }) => number === issue))
    await editChange(change, 'Closes nothing.')
    assert.ok(((await forge.issues(repo, opened.cursor)).changed_at ?? 0) >= (opened.changed_at ?? 0))
  })

  contract('concurrent requests open a change once', async ({ forge, repo, addIssue, push }) => {
    const issue = await addIssue({ title: 'work' })
    const change = { branch: `burn/${id(1)}`, base: 'main', title: 'work', body: `Closes #${issue}\n`, issue: `${repo}#${issue}` }
    await push(change.branch)
    const all = await Promise.allSettled([1, 2, 3].map(async () => forge.openChange(repo, change)))
    const refused = all.filter((each) => each.status === 'rejected').map(({ reason }) => (reason as BurnError).code)
    assert.deepEqual(refused, ['forge_conflict', 'forge_conflict'])
    assert.equal((await forge.changes(repo, 0)).changes.length, 1)
  })
}
