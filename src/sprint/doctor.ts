/** The checks that `burn doctor` makes for sprints on this machine. */
import { access, constants, mkdir, stat } from 'node:fs/promises'
import type { Finding } from '../doctor/findings.ts'
import type { SprintContext } from './context.ts'
import { BurnError, codedMessageOf, ifCode, messageOf } from '../core/errors.ts'
import { isKept } from '../core/lifecycle.ts'
import { consequenceOf } from '../decide/failure.ts'
import { runGit } from '../git/run.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import type { RepoRef } from '../core/nouns.ts'
import { checkPushOnce } from './preflight.ts'
import { trySandbox } from './prepared-workspace.ts'

/** The first version of git that can check for merge conflicts without changing a branch. */
const mergeCheckVersion = [2, 38] as const
const installHint = 'install git: apt-get install git, or brew install git'

const where = 'sprint'
const maxConcurrentRepos = 4
const ok = (what: string): Finding => ({ level: 'ok', where, what, remedy: '' })
const warn = (what: string, remedy: string): Finding => ({ level: 'warn', where, what, remedy })
const fail = (what: string, remedy: string): Finding => ({ level: 'fail', where, what, remedy })

/** Runs all checks in parallel and returns their findings. Calls `onFinding` as soon as each finding is known. */
export async function sprintDoctor(context: SprintContext, onFinding: (finding: Finding) => void): Promise<readonly Finding[]> {
  const fixedChecks = [gitFinding(context), folderFinding(context), sandboxFindings(context), keptFindings(context)]
  const repos = mapConcurrently(context.policy.repos, maxConcurrentRepos, (repo) => repoFinding(repo, context))
  const checks = [...fixedChecks, repos, ...context.backends.map(backendFinding)]
  const reported = checks.map(async (check) => {
    const findings = [await check].flat()
    for (const finding of findings) onFinding(finding)
    return findings
  })
  return (await Promise.all(reported)).flat()
}

async function gitFinding({ git }: SprintContext): Promise<Finding> {
  const version = await runGit(git, ['--version'], { at: null }).then(
    ({ code, stdout }) => (code === 0 ? stdout.trim() : null),
    ifCode(['git_missing'], null),
  )
  if (version === null) return fail('git is not installed', installHint)
  const [, major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(version) ?? []).map(Number)
  const isOld = major < mergeCheckVersion[0] || (major === mergeCheckVersion[0] && minor < mergeCheckVersion[1])
  if (isOld)
    return warn(
      `${version} cannot check a change for conflicts before burn opens the change`,
      `install git ${mergeCheckVersion.join('.')} or newer`,
    )
  return ok(version)
}

async function folderFinding({ policy: { dir } }: SprintContext): Promise<Finding> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    await access(dir, constants.W_OK)
    const isOpen = ((await stat(dir)).mode & 0o077) !== 0
    return isOpen
      ? warn(`other users of this machine can access the folder ${dir}`, `chmod 700 ${dir}`)
      : ok(`the folder ${dir} is writable and private`)
  } catch (thrown) {
    return fail(
      `the folder ${dir} cannot be written: ${messageOf(thrown)}`,
      'make the folder writable, or name another folder as "dir" in "sprint" of the spec',
    )
  }
}

async function sandboxFindings(context: SprintContext): Promise<Finding[]> {
  try {
    const { summary, gaps } = await trySandbox(context)
    return [ok(`commands run ${summary}`), ...gaps.map(({ what, remedy }) => warn(what, remedy))]
  } catch (thrown) {
    return [
      fail(
        codedMessageOf(thrown),
        thrown instanceof BurnError ? thrown.hint : 'make the folder writable (it is the value of "dir" in "sprint" of the spec)',
      ),
    ]
  }
}

/** Tests a push. `checkForge` reports the settings of the repo on the forge and the rights of the token. */
async function repoFinding(repo: RepoRef, context: SprintContext): Promise<Finding> {
  try {
    await checkPushOnce(repo, context)
    return ok(`${repo}: burn can clone the repo and push branches`)
  } catch (thrown) {
    return fail(`${repo}: ${codedMessageOf(thrown)}`, thrown instanceof BurnError ? thrown.hint : '')
  }
}

/** Returns a warning for each change that waits until a person publishes it or releases its issue. */
async function keptFindings({ session: { ledger } }: SprintContext): Promise<Finding[]> {
  const keptChanges = (await ledger.dispatches({ state: 'review' })).filter(isKept)
  return keptChanges.map(({ id, issue }) =>
    warn(
      `a change for ${issue} waits for a person to review it`,
      `publish the change: burn sprint publish ${id}; or release the issue: burn issue release ${issue}`,
    ),
  )
}

async function backendFinding({ name, probe }: SprintContext['backends'][number]): Promise<Finding> {
  const failure = await probe()
  return failure === null ? ok(`${name} is ready`) : fail(`${name}: ${failure.reason}`, consequenceOf(failure.class).hint)
}
