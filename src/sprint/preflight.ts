/**
 * Checks before a claim whether a sprint could publish a change in a repo, so that no model works for a push that is then refused. burn
 * stores the result in the ledger, for each host that runs sprints.
 */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RepoRef, Time } from '../core/nouns.ts'
import type { SprintContext } from './context.ts'
import { BurnError, messageWithHint } from '../core/errors.ts'
import { mirrorAt } from '../git/places.ts'
import { consequenceOf } from '../decide/failure.ts'
import { backoffMs } from '../decide/backoff.ts'
import { openMirror } from '../git/mirror.ts'
import { testPush } from '../git/push-test.ts'
import { baseOf, cloneUrlOf } from '../observe/repo-facts.ts'
import { failureOfThrown } from './failure.ts'

type Ports = Pick<SprintContext, 'session' | 'policy' | 'git' | 'host'>

/** Time (ms) for which a passed check counts. */
const passedFor = 3_600_000
/** The lengths (ms) of the first pause of a repo with a fault, and of the longest pause. */
const faultPauses = { first: 60_000, longest: 3_600_000 }

/** The stored result of a check. */
interface Result {
  readonly until: Time
  /** The fault of the repo; null if the check passed. */
  readonly why: string | null
  /** The number of consecutive checks that found a fault. */
  readonly count: number
  /** The settings with which burn made the check. The result counts only for these settings. */
  readonly settings: string
}

/**
 * Returns the fault because of which no sprint of this host can publish a change in the repo; null if there is none. Checks the repo at
 * most once an hour, and more often after a fault. `again` says which stored results it ignores.
 */
export async function repoFaultForSprints(
  repo: RepoRef,
  context: Ports,
  { again = 'none' }: { readonly again?: 'none' | 'faults' | 'all' } = {},
): Promise<string | null> {
  const { clock } = context.session
  const before = await load(repo, context)
  const now = clock.now()
  // If the system clock was set back, the result could otherwise count for too long.
  const counts = before !== null && before.settings === settingsOf(repo, context) && before.until > now && before.until - now <= passedFor
  if (counts && again !== 'all' && (before.why === null || again === 'none')) return before.why
  try {
    await checkRepo(repo, context)
  } catch (thrown) {
    // A failure of the forge or of this machine is no fault of the repo. The sprint meets it, too, and ends the run.
    if (consequenceOf(failureOfThrown(thrown).class).ends_run) return null
    return recordRepoFault(repo, messageWithHint(thrown), context)
  }
  await recordPassedCheck(repo, now, context)
  return null
}

/** Stores that the repo passed the check at this time, so that burn does not check it again for an hour. */
export async function recordPassedCheck(repo: RepoRef, at: Time, context: Ports): Promise<void> {
  const passed: Result = { until: at + passedFor, why: null, count: 0, settings: settingsOf(repo, context) }
  await context.session.ledger.saveValue(keyOf(repo, context), JSON.stringify(passed))
}

/** Stores a fault of a repo that a sprint met, so that no sprint of this host claims an issue of the repo for a while. Returns the fault. */
export async function recordRepoFault(repo: RepoRef, why: string, context: Ports): Promise<string> {
  const { ledger, clock } = context.session
  const count = ((await load(repo, context))?.count ?? 0) + 1
  const until = clock.now() + backoffMs(count, faultPauses, 0)
  const result: Result = { until, why, count, settings: settingsOf(repo, context) }
  await ledger.saveValue(keyOf(repo, context), JSON.stringify(result))
  return why
}

/** Returns the settings of the spec that decide whether a push succeeds. */
function settingsOf(repo: RepoRef, { session, policy }: Ports): string {
  return JSON.stringify([policy.commits, session.fleet.dispatch.branch_prefix, cloneUrlOf(repo, session)])
}

const keyOf = (repo: RepoRef, { host }: Ports) => `sprint_repo ${host} ${repo}`

async function load(repo: RepoRef, context: Ports): Promise<Result | null> {
  const text = await context.session.ledger.loadValue(keyOf(repo, context))
  // Only this file writes the value, so it has this type.
  return text === null ? null : (JSON.parse(text) as Result)
}

/** Checks whether a sprint could publish a change in the repo. Throws BurnError `forge_*` or `git_*` with the first fault. */
async function checkRepo(repo: RepoRef, context: Ports): Promise<void> {
  const { forge } = context.session
  const { exists, write } = await forge.rights(repo)
  if (exists && !write)
    throw new BurnError('forge_forbidden', `the token may not write to ${repo}`, `make the token's account a collaborator of ${repo}`)
  if (exists && !(await forge.mayOpenChange(repo)))
    throw new BurnError('forge_forbidden', `the token may not open changes in ${repo}`, 'give the token write:repository')
  await checkPush(repo, context, null)
}

/**
 * Checks whether burn's git can clone the repo and push a branch, without leaving a file: if the repo has no mirror yet, burn fetches one
 * commit into a temporary folder. Throws BurnError `forge_*` or `git_*`.
 */
export async function checkPushOnce(repo: RepoRef, context: Ports): Promise<void> {
  const { policy, session } = context
  if (existsSync(mirrorAt(policy.dir, repo, '').path)) return checkPush(repo, context, null)
  const folder = join(policy.dir, `probe-${session.newId()}`)
  try {
    await checkPush(repo, context, folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Tests a push from the mirror of the repo, or from a new mirror in `in_folder` that has only one commit. */
async function checkPush(repo: RepoRef, { session, policy, git }: Ports, in_folder: string | null): Promise<void> {
  const { newId, fleet } = session
  const base = await baseOf(repo, session)
  const clone_url = cloneUrlOf(repo, session)
  const mirror = await openMirror(
    git,
    in_folder === null ? { dir: policy.dir, repo, clone_url } : { dir: in_folder, repo, clone_url, snapshot: base },
  )
  const signer = policy.commits.sign_off ? `\n\nSigned-off-by: ${policy.commits.committer.name} <${policy.commits.committer.email}>` : ''
  const branch = `${fleet.dispatch.branch_prefix}${newId()}`
  await testPush(git, mirror, { base, branch, message: `Test whether a push is allowed${signer}\n`, committing: policy.commits })
}
