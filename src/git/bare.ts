/** Compares and merges commits of bare repositories, without a working tree. */
import type { BareGit, BranchMove, CommitPair, Comparison } from '../core/bare-git.ts'
import { existsSync } from 'node:fs'
import { combineCommits, mergeTrees, withScratch } from './combine.ts'
import { decodeUtf8, encodeUtf8, gitFailure, gitOutput, runGit, type Git } from './run.ts'

/** The maximum size (bytes) of a file that `textOf` returns. */
const maxText = 1_000_000

/** Opens the operations on bare repositories. */
export function openBareGit(git: Git): BareGit {
  return {
    commitOf: (bare, branch) => commitOf(git, bare, branch),
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

async function commitOf(git: Git, bare: string, branch: string): Promise<string | null> {
  if (!existsSync(bare)) return null
  // The command takes the name of a ref literally. Other commands would evaluate a name such as `a^{tree}`.
  const { code, stdout } = await runGit(git, ['show-ref', '--verify', '--hash', `refs/heads/${branch}`], { at: { git_dir: bare } })
  return code === 0 ? stdout.trim() : null
}

async function compare(git: Git, bare: string, { base, head }: CommitPair): Promise<Comparison> {
  const at = { git_dir: bare }
  const behind = Number(await gitOutput(git, ['rev-list', '--count', `${head}..${base}`], { at })) > 0
  const [name = '', seconds] = decodeUtf8(await gitOutput(git, ['log', '-1', '--format=%cn%x00%ct', head], { at })).split('\0')
  const committer = { name, at: Number(seconds) * 1000 }
  const tree = await withScratch(bare, head, (scratch) => mergeTrees(git, scratch.reading, base, head))
  return { mergeable: tree === null ? 'no' : 'yes', behind, committer }
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
