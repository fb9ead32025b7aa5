/** The people and CI of the contract, who act on a stand-in for Gitea. */
import type { ForgeFixture, WorkFixture } from './fixture.ts'
import type { GiteaStandIn } from '../stand-ins/gitea/server.ts'
import { commitAnywhere } from '../stand-ins/gitea/git.ts'
import { deleteBranch, report, review, setBase } from '../stand-ins/gitea/people.ts'

const states = { approved: 'APPROVED', changes_requested: 'REQUEST_CHANGES', commented: 'COMMENT' } as const
const statuses = { pending: 'pending', passed: 'success', failed: 'failure' } as const
const reactions: Readonly<Record<string, string>> = { '+1': 'thumbs_up', '-1': 'thumbs_down' }

/** Returns everything of a fixture but the forge. `bare` is the path of the repo's bare repository. */
export function giteaFixture({ state }: GiteaStandIn, repo: string, bare: string): Omit<ForgeFixture, 'forge' | 'close'> {
  const work: WorkFixture = {
    reviewer: 'acme',
    commit: async (branch, files) => commitAnywhere(bare, branch, files),
    deleteBranch: async (branch) => deleteBranch(state, repo, branch),
    setBase: async (change, base) => setBase(state, repo, change, base),
    check: async (sha, name, result) => void report(state, repo, sha, { context: name, state: statuses[result] }),
    async review(change, { state: kind, body, lines = [] }) {
      const all = lines.map(({ deleted = false, ...line }) => ({ ...line, deleted }))
      review(state, repo, change, { author: 'acme', state: states[kind], body, lines: all })
    },
    async dismiss(change) {
      const last = state.issue(repo, change).pull?.reviews.at(-1)
      if (last !== undefined) last.dismissed = true
    },
    protect: async (branch, { checks, approvals }) => void state.repo(repo).rules.set(branch, { contexts: checks, approvals }),
    block: async (issue, blocker) => void state.issue(repo, issue).blockers.push({ repo, number: blocker }),
    async reactions(issue, comment) {
      const found = state.issue(repo, issue).comments.find(({ id }) => String(id) === comment)
      return [...(found?.reactions ?? [])].map((line) => line.split(' ')[1] ?? '').map((content) => reactions[content] ?? content)
    },
  }
  return {
    repo,
    person: 'acme',
    missing: 'acme/none',
    addIssue: async (issue) => state.addIssue(repo, issue).number,
    closeIssue: async (number) => void state.close(repo, number),
    openChange: async (issue, branch, body = `Closes #${issue}`) => state.addPull(repo, { title: `for ${issue}`, body, branch }).number,
    editChange: async (number, body) => void state.edit(repo, number, { body }),
    endChange: async (number, how) => void (how === 'merged' ? state.merge(repo, number) : state.close(repo, number)),
    push: async (branch) => void commitAnywhere(bare, branch, { 'work.txt': `${branch}\n` }),
    work,
  }
}
