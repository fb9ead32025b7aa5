/** `burn doctor`: everything that has to be right before a fleet runs overnight, each finding with what mends it. */
import type { Machine, RepoRef } from '../core/nouns.ts'
import type { Finding } from './findings.ts'
import type { Session } from '../observe/session.ts'
import type { StatusState } from '../core/fleet-state.ts'
import type { TroubleKind } from '../core/trouble.ts'
import { paneAgent } from '../agents/index.ts'
import { BurnError, codedMessageOf, isLedgerFailure } from '../core/errors.ts'
import { elsewhereAdvice } from '../decide/report.ts'
import { backoffText } from '../decide/wording.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import { hiddenFindings, machineFindings } from './findings.ts'
import { probeMachine } from './probe.ts'
import { servedRepos } from '../core/refs.ts'
import { isWorkerTrouble } from '../core/trouble.ts'
import { readStatus } from '../observe/state.ts'

const reposAtOnce = 8

/** Checks all parts at once; `onFinding` hears of each as soon as it is known. */
export async function doctor(machines: readonly Machine[], session: Session, onFinding: (finding: Finding) => void): Promise<Finding[]> {
  const all: Finding[] = []
  const say = (findings: readonly Finding[]) => {
    for (const finding of findings) {
      all.push(finding)
      onFinding(finding)
    }
  }
  await Promise.all([
    checkLedger(session).then(say),
    checkForge(machines, session).then(say),
    checkFleet(machines, session).then(say),
    ...machines.map((machine) => checkMachine(machine, session).then(say)),
  ])
  return all
}

async function checkLedger({ ledger }: Session): Promise<Finding[]> {
  try {
    const { where, version } = await ledger.check()
    return [{ level: 'ok', where: 'ledger', what: `${where} is whole, version ${version}`, remedy: '' }]
  } catch (thrown) {
    return [failed('ledger', thrown)]
  }
}

function failed(where: string, thrown: unknown): Finding {
  return { level: 'fail', where, what: codedMessageOf(thrown), remedy: thrown instanceof BurnError ? thrown.hint : '' }
}

async function checkForge(machines: readonly Machine[], session: Session): Promise<Finding[]> {
  const owner = await checkToken(session)
  // A token that is missing or refused, or a forge that does not answer, would be said again for each repo.
  if (owner.finding.level === 'fail' && owner.code !== 'forge_forbidden') return [owner.finding]
  const repos = await mapConcurrently(servedRepos(machines), reposAtOnce, (repo) => checkRepo(repo, session))
  return [owner.finding, ...repos]
}

async function checkToken({ forge }: Session): Promise<{ finding: Finding; code: string | null }> {
  try {
    const { login } = await forge.whoami()
    return { finding: { level: 'ok', where: 'forge', what: `the token belongs to ${login}`, remedy: '' }, code: null }
  } catch (thrown) {
    return { finding: failed('forge', thrown), code: thrown instanceof BurnError ? thrown.code : null }
  }
}

async function checkRepo(repo: RepoRef, { forge }: Session): Promise<Finding> {
  const fail = (what: string, remedy: string): Finding => ({ level: 'fail', where: 'forge', what, remedy })
  try {
    const { exists, write, archived, issues } = await forge.rights(repo)
    if (!exists)
      return fail(`there is no repo ${repo}, or the token may not see it`, 'correct "repos" in the spec, or give the account access')
    if (archived) return fail(`${repo} is archived: nothing can be written there`, 'unarchive it, or take it out of "repos" in the spec')
    if (!issues) return fail(`issues are disabled in ${repo}`, 'enable them in its settings, or take it out of "repos" in the spec')
    const remedy = `make the token's account a collaborator of ${repo}, with issues and repository in the token's scopes`
    if (!write) return fail(`the token may not write to ${repo}`, remedy)
    if (!(await forge.mayComment(repo))) return fail(`the token may not write comments in ${repo}`, 'give the token write:issue')
    return { level: 'ok', where: 'forge', what: `${repo}: may read and write`, remedy: '' }
  } catch (thrown) {
    return failed('forge', thrown)
  }
}

async function checkAgents(machine: Machine, { machines }: Session): Promise<Finding[]> {
  const [host] = await machines.open([machine])
  return host === undefined ? [] : hiddenFindings(machine, await host.snapshot())
}

/** What to do about trouble that no retry ends. */
const troubleRemedies: Readonly<Partial<Record<TroubleKind, string>>> = {
  auth: "log in again (burn attach WORKER), or renew the agent's key; for Hermes: hermes auth status nous",
  billing: 'add credits to the account, or give the workers another provider',
  model: 'correct "model" in the spec, or in the configuration of the agent',
  'rate limit': 'wait for the limit to reset, or give the workers another account',
  connection: 'see that their machine reaches the provider',
}

/** What the state of the fleet says: workers in trouble, what is left alone, and claims of another ledger. */
async function checkFleet(machines: readonly Machine[], session: Session): Promise<Finding[]> {
  try {
    const state = await readStatus(machines, session)
    const other = elsewhereAdvice(state.elsewhere)
    const elsewhere: Finding[] = other === null ? [] : [{ level: 'warn', where: 'ledger', ...other }]
    return [...troubleFindings(state), ...elsewhere, ...backoffFindings(state)]
  } catch (thrown) {
    // The ledger's own check says it.
    return isLedgerFailure(thrown) ? [] : [failed('workers', thrown)]
  }
}

/** Workers that are sent nothing because their last turn failed for a reason that every issue would meet. */
function troubleFindings({ workers }: Pick<StatusState, 'workers'>): Finding[] {
  const failing = workers.filter(({ reading: { state, detail } }) => state === 'error' && isWorkerTrouble(detail))
  return [...Map.groupBy(failing, ({ reading }) => reading.detail)].map(([kind, [first, ...others]]): Finding => {
    const count = others.length === 0 ? `${first?.worker.id} is` : `${others.length + 1} workers are`
    const remedy = (kind !== null && isWorkerTrouble(kind) ? troubleRemedies[kind] : undefined) ?? ''
    const what = `${count} in trouble (${kind}): ${first?.worker.id} shows ${first?.reading.evidence}`
    return { level: 'fail', where: 'workers', what, remedy }
  })
}

function backoffFindings({ backed_off: rests }: Pick<StatusState, 'backed_off'>): Finding[] {
  return rests.map((each): Finding => {
    const remedy = `${each.why.code === 'forge_refuses' ? 'see to it on the forge; ' : ''}burn issue requeue of an issue ends its rest at once`
    return { level: 'warn', where: 'forge', what: `${each.subject} is ${backoffText(each)}`, remedy }
  })
}

async function checkMachine(machine: Machine, session: Session): Promise<Finding[]> {
  const { clock, fleet, forge } = session
  const [repo] = servedRepos([machine])
  const written = fleet.repos.find((settings) => settings.repo === repo)?.clone_url
  const url = repo === undefined ? null : (written ?? forge.access(repo).clone_url)
  const workers = machine.windows.flatMap((window) => window.workers)
  const programs = [...new Set(workers.map(({ agent }) => paneAgent(agent).start(agent, null).argv[0] ?? ''))]
  const from = clock.now()
  try {
    const probed = await probeMachine(machine, url, programs)
    if (!probed.ok) return [{ level: 'fail', where: machine.name, what: `unreachable: ${probed.reason}`, remedy: probed.remedy }]
    const asked = { url, programs, from, to: clock.now() }
    return [...machineFindings(machine, probed.probe, asked), ...(await checkAgents(machine, session))]
  } catch (thrown) {
    // One machine's trouble (say, a directory for ssh's sockets that is somebody else's) hides no other finding.
    return [failed(machine.name, thrown)]
  }
}
