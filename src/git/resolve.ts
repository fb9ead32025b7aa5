/** Brings the base into the branch of a change without a working tree, if git can do so without a conflict. */
import type { UpdateMethod } from '../core/change-state.ts'
import type { Committing } from './commit.ts'
import type { Mirror } from './places.ts'
import { pickSides } from './combine.ts'
import { commitTree } from './commit.ts'
import { fetchBase, withMirrorLock, withRepair } from './mirror.ts'
import { decodeUtf8, gitFailure, gitOutput, runGit, type Git } from './run.ts'

/** The branch to change. */
export interface Conflict {
  readonly branch: string
  readonly base: string
  /** The commit that the branch must have. */
  readonly sha: string
  /** `merge`: a merge commit on the branch. `rebase`: the commits of the branch on top of the base. */
  readonly method: UpdateMethod
  readonly committing: Committing
}

/**
 * Merges the base into the branch, or rebases the branch, and pushes it. The push succeeds only if the branch still has the commit `sha`.
 * Returns null if the branch now contains the base, otherwise the reason. Throws BurnError `git_*`.
 */
export async function resolveConflict(
  git: Git,
  mirror: Mirror,
  { branch, base, sha, method, committing }: Conflict,
): Promise<string | null> {
  const at = { git_dir: mirror.path }
  const tips = await withMirrorLock(git, mirror, () =>
    withRepair(git, mirror, async () => {
      const onto = await fetchBase(git, mirror, base, { tidy: false })
      return { onto, head: await fetchBase(git, mirror, branch, { tidy: false }) }
    }),
  )
  if (tips.head !== sha) return `the branch moved to ${tips.head}`
  const made = await (method === 'merge' ? mergeOnto : rebaseOnto)(git, mirror, { ...tips, branch, base, committing })
  if ('why' in made) return made.why
  const target = `refs/heads/${branch}`
  const options = ['--porcelain', '--no-verify', '--no-follow-tags', '--no-signed', `--force-with-lease=${target}:${sha}`]
  const args = ['push', ...options, mirror.clone_url, `${made.commit}:${target}`]
  const result = await runGit(git, args, { at, network: { url: mirror.clone_url } })
  if (result.code !== 0) throw gitFailure(args, result)
  return null
}

interface Tips extends Pick<Conflict, 'branch' | 'base' | 'committing'> {
  /** The commit of the base branch. */
  readonly onto: string
  readonly head: string
}

type Made = { readonly commit: string } | { readonly why: string }

async function mergeOnto(git: Git, { path }: Mirror, { onto, head, branch, base, committing }: Tips): Promise<Made> {
  const merged = await mergedTree(git, path, [head, onto])
  if ('why' in merged) return merged
  const message = `Merge branch '${base}' into ${branch}\n`
  return { commit: await commitTree(git, { git_dir: path }, { tree: merged.tree, parents: [head, onto], message }, committing) }
}

/** Repeats each commit of the branch on top of the base. The commits keep their authors and messages. */
async function rebaseOnto(git: Git, { path }: Mirror, { onto, head, committing }: Tips): Promise<Made> {
  const at = { git_dir: path }
  const list = await gitOutput(git, ['rev-list', '--reverse', '--no-merges', `${onto}..${head}`], { at })
  let tip = onto
  let tree = (await gitOutput(git, ['rev-parse', `${onto}^{tree}`], { at })).trim()
  for (const commit of list.split('\n').filter((line) => line !== '')) {
    const merged = await mergedTree(git, path, await pickSides(git, { at, env: {} }, commit, tip))
    if ('why' in merged) return merged
    // The base has the changes of this commit already.
    if (merged.tree === tree) continue
    tree = merged.tree
    const shown = decodeUtf8(await gitOutput(git, ['show', '-s', '--format=%an%x00%ae%x00%B', commit], { at }))
    const [name = '', email = '', message = ''] = shown.split('\0')
    tip = await commitTree(git, at, { tree: merged.tree, parents: [tip], message }, { ...committing, author: { name, email } })
  }
  return { commit: tip }
}

/** Returns the tree of a merge, or the files in conflict. Changes no branch. */
async function mergedTree(
  git: Git,
  git_dir: string,
  commits: readonly string[],
): Promise<{ readonly tree: string } | { readonly why: string }> {
  const args = ['merge-tree', '--write-tree', '--name-only', '--no-messages', '-z', ...commits]
  const result = await runGit(git, args, { at: { git_dir } })
  const [tree = '', ...names] = result.stdout.split('\0')
  if (result.code === 0) return { tree: tree.trim() }
  // Git before 2.38 does not have this option, and exits with 129.
  if (result.code === 129) return { why: 'git 2.38 or newer is needed' }
  if (result.code !== 1) throw gitFailure(args, result)
  return { why: `conflicts in ${[...new Set(names.filter((name) => name !== '').map(decodeUtf8))].join(', ')}` }
}
