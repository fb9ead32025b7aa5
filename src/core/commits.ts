/** The identity and the signature of commits. */

/** The name and the address that a commit names. */
export interface Identity {
  readonly name: string
  readonly email: string
}

/** The settings for the commits of sprints. */
export interface CommitPolicy {
  readonly author: Identity
  readonly committer: Identity
  /** If true, each commit message ends with a line `Signed-off-by`, which names the committer. */
  readonly sign_off: boolean
  /** The path of an ssh key or the id of an OpenPGP key, with which git signs the commits; null if commits are not signed. */
  readonly signing_key: string | null
}

const burn: Identity = { name: 'burn', email: 'burn@localhost' }

/** The identity of commits if the spec has no `sprint`. */
export const defaultCommits: CommitPolicy = { author: burn, committer: burn, sign_off: false, signing_key: null }
