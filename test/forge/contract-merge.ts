/** The part of the contract of forges about merging and updating changes. */
import assert from 'node:assert/strict'
import type { Forge } from '../../src/core/ports.ts'
import { openStory, pathsOf, soon } from './contract-state.ts'
import { code, type ForgeFixture } from './fixture.ts'

const other = '1'.repeat(40)

/** Merges as soon as the forge has tested the change, as a caller does in its later cycles. */
async function merge(forge: Forge, ref: string, sha: string, more: { readonly delete_branch?: boolean } = {}) {
  for (let tries = 1; ; tries++) {
    const result = await forge.merge(ref, { sha, method: 'merge', delete_branch: false, ...more })
    if (result.result !== 'try_again' || tries === 8) return result
    await forge.changeState(ref)
  }
}

/** Adds the tests about merges to the contract. */
export function mergeContract(contract: (what: string, run: (fixture: ForgeFixture) => Promise<void>) => void): void {
  contract('merges exactly the given head, once', async (fixture) => {
    const { forge, repo } = fixture
    const { ref, branch, sha, base_sha } = await openStory(fixture)
    assert.equal((await merge(forge, ref, other)).result, 'head_moved')
    assert.equal((await forge.protection(repo, 'main'))?.base_sha, base_sha)
    assert.deepEqual(await merge(forge, ref, sha, { delete_branch: true }), { result: 'merged' })
    const state = await forge.changeState(ref)
    assert.deepEqual([state?.change.state, state?.branch, state?.sha, state?.mergeable], ['merged', null, sha, 'unknown'])
    assert.notEqual((await forge.protection(repo, 'main'))?.base_sha, base_sha)
    assert.equal(await forge.hasBranch(repo, branch), false)
    assert.equal((await merge(forge, ref, sha)).result, 'ended')
    assert.equal((await forge.updateBranch(ref, sha, 'merge')).result, 'ended')
    assert.equal((await merge(forge, `${repo}!99999`, sha)).result, 'ended')
    await assert.rejects(async () => merge(forge, ref, 'main'), code('forge_ref'))
  })

  contract('merges no conflict, and updates none', async (fixture) => {
    const { forge, work } = fixture
    const { ref, sha } = await openStory(fixture)
    await work.commit('main', { 'story.txt': 'one\nzwei\nthree\n' })
    assert.match((await merge(forge, ref, sha)).result, /^(?:not_mergeable|try_again)$/)
    for (const method of ['merge', 'rebase'] as const) assert.equal((await forge.updateBranch(ref, sha, method)).result, 'not_mergeable')
    assert.equal((await forge.changeState(ref))?.sha, sha)
  })

  for (const method of ['merge', 'rebase'] as const) {
    contract(`updates a branch by ${method}`, async (fixture) => {
      const { forge, repo, work } = fixture
      const { ref, sha } = await openStory(fixture)
      assert.deepEqual(await forge.updateBranch(ref, sha, method), { result: 'up_to_date' })
      const base_sha = await work.commit('main', { 'README.md': 'newer\n' })
      assert.equal((await forge.updateBranch(ref, other, method)).result, 'head_moved')
      const updated = await forge.updateBranch(ref, sha, method)
      const state = await soon(forge, ref, ({ behind }) => behind === false)
      assert.deepEqual(updated, { result: 'updated', sha: method === 'merge' ? state.sha : null })
      assert.notEqual(state.sha, sha)
      await work.commit('main', { 'README.md': 'newest\n' })
      const again = await forge.updateBranch(ref, sha, method, base_sha)
      assert.deepEqual(method === 'merge' ? again : again.result, method === 'merge' ? updated : 'head_moved', 'after a lost response')
      assert.deepEqual([state.base_sha, state.mergeable], [base_sha, 'yes'])
      assert.deepEqual(await pathsOf(forge, ref), ['story.txt'])
      assert.equal((await forge.protection(repo, 'gone')) ?? null, null)
    })
  }

  contract('obeys the rules of the base branch', async (fixture) => {
    const { forge, repo, work } = fixture
    const { ref, change, sha, base_sha } = await openStory(fixture)
    const free = await forge.protection(repo, 'main')
    assert.deepEqual([free?.base, free?.base_sha, free?.required_checks, free?.required_approvals], ['main', base_sha, [], 0])
    assert.ok(free?.methods.includes('merge') && free.may_merge !== false)
    assert.equal(free?.delete_branch ?? false, false, 'a new repo keeps its branches')
    await work.protect('main', { checks: ['test'], approvals: work.reviewer === null ? 0 : 1 })
    const rules = await forge.protection(repo, 'main')
    assert.deepEqual([rules?.required_checks, rules?.required_approvals], [['test'], work.reviewer === null ? 0 : 1])
    assert.equal((await merge(forge, ref, sha)).result, 'checks_missing')
    await work.check(sha, 'test', 'passed')
    if (work.reviewer !== null) {
      assert.equal((await merge(forge, ref, sha)).result, 'checks_missing')
      await work.review(change, { state: 'approved', body: 'good' })
    }
    assert.equal((await merge(forge, ref, sha)).result, 'merged')
  })

  contract('a change without base or head is not merged', async (fixture) => {
    const { forge, work } = fixture
    const { ref, sha, branch } = await openStory(fixture)
    await work.deleteBranch(branch)
    assert.match((await merge(forge, ref, sha)).result, /^(?:ended|head_moved)$/)
    assert.notEqual((await forge.changeState(ref))?.mergeable, 'yes')
  })
}
