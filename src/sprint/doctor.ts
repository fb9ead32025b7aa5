/** What sprints need of this machine, as `burn doctor` says it. */
import { access, constants, mkdir, stat } from 'node:fs/promises'
import type { Finding } from '../doctor/findings.ts'
import type { SprintContext } from './context.ts'
import { BurnError, codedMessageOf, ifCode, messageOf } from '../core/errors.ts'
import { isKept } from '../core/lifecycle.ts'
import { consequenceOf } from '../decide/failure.ts'
import { runGit } from '../git/run.ts'
import { trySandbox } from './prepared-workspace.ts'

/** From here on git says whether a branch still merges. */
const newGit = [2, 38] as const
const install = 'install one: apt-get install git, or brew install git'

const where = 'sprint'
const ok = (what: string): Finding => ({ level: 'ok', where, what, remedy: '' })
const warn = (what: string, remedy: string): Finding => ({ level: 'warn', where, what, remedy })
const fail = (what: string, remedy: string): Finding => ({ level: 'fail', where, what, remedy })

/** Checks all parts at once; `onFinding` hears of each as soon as it is known. */
export async function sprintDoctor(context: SprintContext, onFinding: (finding: Finding) => void): Promise<readonly Finding[]> {
  const own = [gitFinding(context), placeFinding(context), sandboxFinding(context), keptFindings(context)]
  const checks = [...own, ...context.backends.map(backendFinding)]
  const said = checks.map(async (check) => {
    const found = [await check].flat()
    for (const finding of found) onFinding(finding)
    return found
  })
  return (await Promise.all(said)).flat()
}

async function gitFinding({ git }: SprintContext): Promise<Finding> {
  const said = await runGit(git, ['--version'], { at: null }).then(
    ({ code, stdout }) => (code === 0 ? stdout.trim() : null),
    ifCode(['git_missing'], null),
  )
  if (said === null) return fail('there is no git', install)
  const [, major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(said) ?? []).map(Number)
  const old = major < newGit[0] || (major === newGit[0] && minor < newGit[1])
  if (old) return warn(`${said} can't say whether a change still merges before it is opened`, `a git of ${newGit.join('.')} or newer can`)
  return ok(said)
}

async function placeFinding({ policy: { dir } }: SprintContext): Promise<Finding> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    await access(dir, constants.W_OK)
    const open = ((await stat(dir)).mode & 0o077) !== 0
    return open ? warn(`others may look into ${dir}`, `chmod 700 ${dir}`) : ok(`${dir} is writable, and nobody else's`)
  } catch (thrown) {
    return fail(
      `${dir} can't be written: ${messageOf(thrown)}`,
      'name another as "dir" in "sprint" of the spec, or give yourself the right',
    )
  }
}

async function sandboxFinding(context: SprintContext): Promise<Finding> {
  try {
    return ok(`commands run ${(await trySandbox(context)).summary}`)
  } catch (thrown) {
    return fail(codedMessageOf(thrown), thrown instanceof BurnError ? thrown.hint : 'make the folder of "sprint" in the spec writable')
  }
}

/** Changes that wait for a person, for as long as nobody publishes them or gives their issues back. */
async function keptFindings({ session: { ledger } }: SprintContext): Promise<Finding[]> {
  const waiting = (await ledger.dispatches({ state: 'review' })).filter(isKept)
  return waiting.map(({ id, issue }) =>
    warn(`a change for ${issue} waits for a person`, `burn sprint publish ${id}; or burn issue release ${issue}`),
  )
}

async function backendFinding({ name, probe }: SprintContext['backends'][number]): Promise<Finding> {
  const failure = await probe()
  return failure === null ? ok(`${name} is ready`) : fail(`${name}: ${failure.reason}`, consequenceOf(failure.class).hint)
}
