/** The part of the contract of forges about the state of a change: its head, checks and reviews, and about the blockers of an issue. */
import assert from 'node:assert/strict'
import type { ChangeState } from '../../src/core/change-state.ts'
import type { Forge } from '../../src/core/ports.ts'
import { clock } from '../support/clock.ts'
import { code, id, type ForgeFixture } from './fixture.ts'

const branch = `burn/${id(1)}`
/** A file on `main`, and the same file on the branch: the second line differs. */
export const story = { before: { 'story.txt': 'one\ntwo\nthree\n' }, after: { 'story.txt': 'one\nTWO\nthree\n' } }

/** Opens a change that edits the story, and returns its number, its reference, and its commits. */
export async function openStory({ repo, addIssue, openChange, work }: ForgeFixture) {
  const issue = await addIssue({ title: 'work' })
  const base_sha = await work.commit('main', story.before)
  const sha = await work.commit(branch, story.after)
  const change = await openChange(issue, branch)
  return { change, ref: `${repo}!${change}`, branch, sha, base_sha }
}

/** Reads a change until it has the expected state. A forge tests and compares a change only after it has accepted a push. */
export async function soon(forge: Forge, ref: string, isExpected: (state: ChangeState) => boolean): Promise<ChangeState> {
  for (let tries = 1; ; tries++) {
    const state = await forge.changeState(ref)
    if (state !== null && isExpected(state)) return state
    assert.ok(tries < 30, JSON.stringify(state))
    await clock.sleep(300)
  }
}

/** Reads the paths that a change edits, once the forge has recorded its head. */
export async function pathsOf(forge: Forge, ref: string): Promise<readonly string[] | null> {
  for (let tries = 1; ; tries++) {
    const paths = await forge.changedPaths(ref)
    if (paths !== null || tries === 10) return paths
    await clock.sleep(300)
  }
}

type Contract = (what: string, run: (fixture: ForgeFixture) => Promise<void>) => void

/** Adds the tests about the state of changes to the contract. */
export function stateContract(contract: Contract): void {
  contract('reads head, base and mergeability of a change', async (fixture) => {
    const { forge, repo, work } = fixture
    const { change: number, ref, sha, base_sha } = await openStory(fixture)
    const state = await forge.changeState(ref)
    const { change, pushed, updated_at, ...facts } = state!
    const nothing = { checks: [], reviews: [], threads: [], skipped: [] }
    const expected = {
      ref,
      branch,
      sha,
      base: 'main',
      base_sha,
      base_set_at: null,
      behind: false,
      draft: false,
      mergeable: 'yes',
      ...nothing,
    }
    assert.deepEqual(facts, expected)
    assert.deepEqual([change.dispatch_id, change.state], [id(1), 'open'])
    assert.ok('unknown' in pushed || pushed.login !== '')
    assert.ok(updated_at > 1e12)
    assert.deepEqual(await pathsOf(forge, ref), ['story.txt'])
    await work.commit('main', { 'story.txt': 'one\nzwei\nthree\n' })
    const conflicting = await soon(forge, ref, ({ mergeable }) => mergeable !== 'yes')
    assert.deepEqual([conflicting.behind, conflicting.sha], [true, sha])
    await work.commit('next', { 'next.txt': 'next\n' })
    await work.setBase(number, 'next')
    const { base_set_at } = await soon(forge, ref, ({ base }) => base === 'next')
    assert.ok(base_set_at === null || base_set_at > 1e12)
    assert.equal(await forge.changeState(`${repo}!99999`), null)
    for (const name of [`${repo}!`, `${repo}!0`, `${repo}!../1`, `!1`, repo])
      await assert.rejects(async () => forge.changeState(name), code('forge_ref'), name)
  })

  contract('reads the newest result of each check', async (fixture) => {
    const { forge, repo, work } = fixture
    const { ref, sha, base_sha } = await openStory(fixture)
    assert.deepEqual(await forge.checks(repo, sha), [])
    await work.check(sha, 'ci / test (push)', 'pending')
    await work.check(sha, 'lint', 'passed')
    const states = async () => (await forge.checks(repo, sha)).map(({ name, state }) => `${name}: ${state}`).toSorted()
    assert.deepEqual(await states(), ['ci / test (push): pending', 'lint: passed'])
    await work.check(sha, 'ci / test (push)', 'failed')
    assert.deepEqual(await states(), ['ci / test (push): failed', 'lint: passed'])
    assert.deepEqual(await forge.checks(repo, base_sha), [])
    const state = await forge.changeState(ref)
    assert.deepEqual(state?.checks, await forge.checks(repo, sha))
    const failed = state.checks.find(({ name }) => name !== 'lint')!
    assert.ok('unknown' in (await forge.logTail(repo, failed, 1000)))
    assert.equal((await forge.rerun(repo, failed)).result, 'not_possible')
    await assert.rejects(async () => forge.checks(repo, '../main'), code('forge_ref'))
  })

  contract('reads reviews and their threads', async (fixture) => {
    const { forge, work } = fixture
    const { change, ref, sha } = await openStory(fixture)
    if (work.reviewer === null) return
    const lines = [
      { path: 'story.txt', line: 2, body: 'Why capitals?\n```\ncode\n```' },
      { path: 'story.txt', line: 2, deleted: true as const, body: 'This was better.' },
    ]
    await work.review(change, { state: 'changes_requested', body: 'Not yet.', lines })
    const first = await forge.changeState(ref)
    const [review] = first!.reviews
    assert.deepEqual(
      first!.reviews.map(({ author, state, body, commit, stale, dismissed }) => [author, state, body, commit, stale, dismissed]),
      [[work.reviewer, 'changes_requested', 'Not yet.', sha, false, false]],
    )
    assert.ok((review?.submitted_at ?? 0) > 1e12)
    const threads = first!.threads.toSorted((a, b) => a.side.localeCompare(b.side))
    assert.deepEqual(
      threads.map((thread) => [thread.path, thread.line, thread.side, thread.resolved, thread.comments.map((each) => each.body)]),
      [
        ['story.txt', 2, 'new', false, [lines[0]?.body]],
        ['story.txt', 2, 'old', false, [lines[1]?.body]],
      ],
    )
    for (const thread of threads) {
      assert.deepEqual([thread.review, thread.comments[0]?.author], [review?.id, work.reviewer])
      assert.ok(thread.url !== '' && thread.id === thread.comments[0]?.id)
    }
    await work.commit(branch, { 'more.txt': 'more\n' })
    await work.dismiss(change)
    await work.review(change, { state: 'approved', body: '' })
    const second = await soon(forge, ref, ({ reviews }) => reviews[0]?.stale === true)
    assert.deepEqual(
      second.reviews.map(({ state, stale, dismissed }) => [state, stale, dismissed]),
      [
        ['changes_requested', true, true],
        ['approved', false, false],
      ],
    )
    assert.equal(second.threads.length, 2)
  })

  contract('knows the blockers of an issue', async ({ forge, repo, addIssue, closeIssue, work }) => {
    const [issue, one, two] = [await addIssue({ title: 'work' }), await addIssue({ title: 'one' }), await addIssue({ title: 'two' })]
    assert.deepEqual(await forge.blockers(`${repo}#${issue}`), [])
    await work.block(issue, one)
    await work.block(issue, two)
    await closeIssue(two)
    const blockers = (await forge.blockers(`${repo}#${issue}`)).toSorted((a, b) => a.title.localeCompare(b.title))
    assert.deepEqual(
      blockers.map(({ ref, title, state }) => [ref, title, state]),
      [
        [`${repo}#${one}`, 'one', 'open'],
        [`${repo}#${two}`, 'two', 'closed'],
      ],
    )
    assert.deepEqual(await forge.blockers(`${repo}#${one}`), [])
    await assert.rejects(forge.blockers(`${repo}#99999`), code('forge_not_found'))
  })

  contract('reacts to a comment once', async ({ forge, repo, addIssue, work }) => {
    const issue = await addIssue({ title: 'talk' })
    const ref = `${repo}#${issue}`
    const { id: comment } = await forge.comment(ref, '/burn go')
    for (const reaction of ['eyes', 'rocket', 'eyes'] as const) await forge.react(ref, comment, reaction)
    assert.deepEqual((await work.reactions(issue, comment)).toSorted(), ['eyes', 'rocket'])
    assert.equal((await forge.comments(ref))[0]?.body, '/burn go')
    await assert.rejects(forge.react(ref, '99999', 'eyes'), code('forge_not_found'))
  })

  contract('lists the comments since a time', async ({ forge, repo, addIssue }) => {
    const ref = `${repo}#${await addIssue({ title: 'talk' })}`
    const { id: first, created_at } = await forge.comment(ref, 'first')
    assert.deepEqual(
      (await forge.comments(ref, created_at)).map((each) => each.id),
      [first],
    )
    assert.deepEqual(await forge.comments(ref, created_at + 3_600_000), [])
  })

  contract('lists the comments of a repo since a time', async (fixture) => {
    const { forge, repo, addIssue } = fixture
    const { ref } = await openStory(fixture)
    const issue = `${repo}#${await addIssue({ title: 'talk' })}`
    const { id: first, created_at, author } = await forge.comment(issue, 'text\n/Burn stop')
    const { id: second } = await forge.comment(ref, '/burn retry')
    await forge.comment(issue, 'nothing to do')
    const { comments, asked_at } = await forge.repoComments(repo, created_at, '/burn')
    const found = comments.map((each) => [each.ref, each.id, each.author, each.body])
    const expected = [
      [issue, first, author, 'text\n/Burn stop'],
      [ref, second, author, '/burn retry'],
    ]
    assert.deepEqual(found.toSorted(), expected.toSorted())
    assert.ok(comments.every((each) => each.created_at >= created_at) && asked_at >= created_at - 1_000)
    assert.deepEqual((await forge.repoComments(repo, created_at + 3_600_000, '/burn')).comments, [])
  })

  contract('writes and edits comments on a change', async (fixture) => {
    const { forge } = fixture
    const { ref } = await openStory(fixture)
    const { id: comment } = await forge.comment(ref, 'first')
    await forge.editComment(ref, comment, 'edited')
    await forge.react(ref, comment, 'thumbs_up')
    assert.deepEqual(
      (await forge.comments(ref)).map((each) => [each.id, each.body]),
      [[comment, 'edited']],
    )
  })
}
