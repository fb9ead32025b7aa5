/** Compares and merges commits of bare repositories, without a working tree. */
import type { BareGit, BranchMove, BranchTip, CommitPair, Comparison } from '../core/bare-git.ts'
import { existsSync } from 'node:fs'
import { combineCommits, isAncestor, mergeTrees, withScratch } from './combine.ts'
import { decodeUtf8, encodeUtf8, gitFailure, gitOutput, runGit, type Git } from './run.ts'

/** The maximum size (bytes) of a file that `textOf` returns. */
const maxText = 1_000_000

/** Opens the operations on bare repositories. */
export function openBareGit(git: Git): BareGit {
  return {
    tips: (bare, branches) => tips(git, bare, branches),
    compare: (bare, pair) => compare(git, bare, pair),
    async changedPaths(bare, { base, head }) {
      const args = ['diff', '--name-only', '-z', '--no-renames', '--no-ext-diff', '--no-textconv', `${base}...${head}`]
      const names = decodeUtf8(await gitOutput(git, args, { at: { git_dir: bare } })).split('\0')
      return names.filter((name) => name !== '')
    },
    async textOf(bare, commit, path) {
      const { code, stdout } = await runGit(git, ['cat-file', 'blob', `${commit}:${encodeUtf8(path)}`], { at: { git_dir: bare } })
      return code === 0 && stdout.length <= maxText ? decodeUtf8(stdout) : null
    },
    combine: (bare, pair, method, message) => combineCommits(git, bare, pair, { method, message }),
    moveBranch: (bare, branch, move) => moveBranch(git, bare, branch, move),
  }
}

/** Matches names that git refuses for branches. In front of a command, some of them would mean another commit, such as `main^`. */
const invalidName = /^$|[\u0000-\u0020~^:?*[\\\u007f]|\.\.|@\{/

/** Returns the tips of branches with one git command. */
async function tips(git: Git, bare: string, branches: readonly string[]): Promise<(BranchTip | null)[]> {
  const valid = branches.filter((name) => !invalidName.test(name))
  if (valid.length === 0 || !existsSync(bare)) return branches.map(() => null)
  const input = valid.map((name) => `${encodeUtf8(`refs/heads/${name}`)}\n`).join('')
  const output = await gitOutput(git, ['cat-file', '--batch'], { at: { git_dir: bare }, input })
  const found = new Map<string, BranchTip | null>()
  let at = 0
  for (const name of valid) {
    const end = output.indexOf('\n', at)
    const [, sha, size = ''] = /^([0-9a-f]+) commit (\d+)$/.exec(output.slice(at, end)) ?? []
    found.set(name, sha === undefined ? null : { sha, ...headOf(output.slice(end + 1, end + 1 + Number(size))) })
    // The content of a commit follows its line, and a newline follows the content.
    at = sha === undefined ? end + 1 : end + 1 + Number(size) + 1
  }
  return branches.map((name) => found.get(name) ?? null)
}

function headOf(commit: string): Omit<BranchTip, 'sha'> {
  const head = commit.slice(0, commit.indexOf('\n\n'))
  // Parents come right after the tree. git ignores the same word in later lines.
  const [, parents = ''] = /^tree \S+\n((?:parent [0-9a-f]+\n)*)/.exec(head) ?? []
  const [, name = '', seconds] = /^committer (.*?) ?<[^>]*> (\d+)/m.exec(head) ?? []
  return { parents: parents.match(/[0-9a-f]{40,}/g) ?? [], committer: decodeUtf8(name), at: Number(seconds ?? 0) * 1000 }
}

async function compare(git: Git, bare: string, { base, head }: CommitPair): Promise<Comparison> {
  if (await isAncestor(git, bare, base, head)) return { mergeable: 'yes', behind: false }
  const tree = await withScratch(bare, head, (scratch) => mergeTrees(git, scratch.reading, base, head))
  return { mergeable: tree === null ? 'no' : 'yes', behind: true }
}

/** Moves a branch by compare-and-set. */
async function moveBranch(git: Git, bare: string, branch: string, { from, to }: BranchMove): Promise<boolean> {
  const ref = `refs/heads/${branch}`
  const args = ['update-ref', '--no-deref', ...(to === null ? ['-d', ref, from] : [ref, to, from])]
  const result = await runGit(git, args, { at: { git_dir: bare } })
  if (result.code === 0) return true
  if (/but expected|unable to resolve reference|File exists/.test(result.stderr)) return false
  throw gitFailure(args, result)
}
