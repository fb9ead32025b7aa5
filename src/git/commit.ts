/** Creates commits with the identity and the signature that the spec sets. */
import type { CommitPolicy } from '../core/commits.ts'
import type { GitPlace } from './command.ts'
import { BurnError } from '../core/errors.ts'
import { encodeUtf8, gitOutput, type Git } from './run.ts'

/** A commit to create. */
export interface NewCommit {
  /** The id of a tree, or an expression that names one. */
  readonly tree: string
  readonly parents: readonly string[]
  readonly message: string
}

/** The identity and the key of a commit. */
export type Committing = Omit<CommitPolicy, 'sign_off'>

/**
 * Creates a commit and returns its id. Changes no branch. Throws BurnError `git_signing` if git cannot sign the commit, and other `git_*`
 * errors.
 */
export async function commitTree(
  git: Git,
  at: GitPlace,
  { tree, parents, message }: NewCommit,
  { author, committer, signing_key }: Committing,
): Promise<string> {
  const identity = {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_COMMITTER_NAME: committer.name,
    GIT_COMMITTER_EMAIL: committer.email,
  }
  const args = [
    'commit-tree',
    signing_key === null ? '--no-gpg-sign' : '-S',
    ...parents.flatMap((parent) => ['-p', parent]),
    '-F',
    '-',
    tree,
  ]
  const env = { ...identity, ...(signing_key === null ? {} : signingSettings(signing_key)) }
  try {
    return (await gitOutput(git, args, { at, env, input: encodeUtf8(message) })).trim()
  } catch (thrown) {
    throw signing_key === null ? thrown : signingError(thrown)
  }
}

/** Returns BurnError `git_signing` for a failure that has no more likely cause than the key. */
function signingError(thrown: unknown): unknown {
  if (!(thrown instanceof BurnError) || thrown.code !== 'git_failed') return thrown
  const hint = 'check "signing_key" in "sprint" of the spec, and that the user who runs burn can use the key without a password'
  return new BurnError('git_signing', thrown.message, hint)
}

/** Returns git's settings for a key: the path of an ssh key, or the id of an OpenPGP key. */
function signingSettings(key: string): Readonly<Record<string, string>> {
  const settings = { 'user.signingKey': key, 'gpg.format': key.includes('/') ? 'ssh' : 'openpgp' }
  const pairs = Object.entries(settings).flatMap(([name, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, name],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ])
  return { GIT_CONFIG_COUNT: String(Object.keys(settings).length), ...Object.fromEntries(pairs) }
}
