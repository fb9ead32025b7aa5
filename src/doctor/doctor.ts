/** `burn doctor`: checks everything that a fleet needs to run overnight, and returns findings with their remedies. */
import type { Machine, RepoRef } from '../core/nouns.ts'
import { agentFindings } from './agents.ts'
import type { Finding } from './findings.ts'
import type { Session } from '../observe/session.ts'
import type { StatusState } from '../core/fleet-state.ts'
import type { TroubleKind } from '../core/trouble.ts'
import { paneAgent } from '../agents/index.ts'
import { BurnError, codedMessageOf, isLedgerFailure } from '../core/errors.ts'
import { elsewhereAdvice } from '../decide/report.ts'
import { backoffText } from '../decide/wording.ts'
import { repoFault } from '../decide/repo-faults.ts'
import { cloneUrlOf, readFacts } from '../observe/repo-facts.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import { loginFindings } from './logins.ts'
import { machineFindings, unreachableServerFindings } from './findings.ts'
import { smallPaneFindings } from './panes.ts'
import { probeMachine, type Probe } from './probe.ts'
import { repoFindings } from './repos.ts'
import { reposOf, servedRepos } from '../core/refs.ts'
import { isWorkerTrouble } from '../core/trouble.ts'
import { readStatus } from '../observe/state.ts'
import { assigneeFindings } from './assignees.ts'
import { teamFindings } from './teams.ts'

const maxConcurrentRepos = 8

/**
 * Runs all checks concurrently and returns their findings. It calls `onFinding` with each finding as soon as the check has ended. If a
 * check itself fails, the failure is a finding.
 */
export async function doctor(machines: readonly Machine[], session: Session, onFinding: (finding: Finding) => void): Promise<Finding[]> {
  const all: Finding[] = []
  const report = (findings: readonly Finding[]) => {
    for (const finding of findings) {
      all.push(finding)
      onFinding(finding)
    }
  }
  await Promise.all([
    checkLedger(session).then(report),
    checkForge(machines, session).then(report),
    checkFleet(machines, session).then(report),
    checkLogins(machines, session).then(report),
    ...machines.map((machine) => checkMachine(machine, session).then(report)),
  ])
  return all
}

async function checkLedger({ ledger }: Session): Promise<Finding[]> {
  try {
    const { where, version } = await ledger.check()
    return [{ level: 'ok', where: 'ledger', what: `${where} is intact, schema version ${version}`, remedy: '' }]
  } catch (thrown) {
    return [failedFinding('ledger', thrown)]
  }
}

function failedFinding(where: string, thrown: unknown): Finding {
  return { level: 'fail', where, what: codedMessageOf(thrown), remedy: thrown instanceof BurnError ? thrown.hint : '' }
}

async function checkForge(machines: readonly Machine[], session: Session): Promise<Finding[]> {
  const owner = await checkToken(session)
  // If the token is invalid or the forge does not answer, the checks of all repos would report the same failure.
  if (owner.finding.level === 'fail' && owner.code !== 'forge_forbidden') return [owner.finding]
  // If the command names machines, burn checks only the repos of these machines. The repos of sprints belong to no machine.
  const wanted = machines.length === session.fleet.machines.length ? reposOf(session.fleet) : servedRepos(machines)
  const repos = await mapConcurrently(wanted, maxConcurrentRepos, async (repo) => {
    const finding = await checkRepo(repo, session)
    if (finding.level !== 'ok') return [finding]
    return [finding, ...(await teamFindings(repo, session.forge)), ...(await assigneeFindings(repo, session))]
  })
  return [owner.finding, ...repos.flat()]
}

async function checkToken({ forge, fleet }: Session): Promise<{ finding: Finding; code: string | null }> {
  try {
    const { login } = await forge.whoami()
    const what =
      fleet.forge.kind === 'folder' ? `a folder of files needs no token; burn writes as ${login}` : `the token belongs to ${login}`
    return { finding: { level: 'ok', where: 'forge', what, remedy: '' }, code: null }
  } catch (thrown) {
    return { finding: failedFinding('forge', thrown), code: thrown instanceof BurnError ? thrown.code : null }
  }
}

async function checkRepo(repo: RepoRef, { forge, fleet }: Session): Promise<Finding> {
  const fail = (what: string, remedy: string): Finding => ({ level: 'fail', where: 'forge', what, remedy })
  try {
    const facts = await readFacts(repo, fleet.dispatch.branch_prefix, forge)
    const fault = repoFault(repo, facts)
    if (fault !== null) return fail(fault.what, fault.remedy)
    const remedy = `give the token's account write access to ${repo}, and the token the scope write:issue (for sprints also write:repository)`
    if (!facts.write) return fail(`the token may not write to ${repo}`, remedy)
    if (!(await forge.mayComment(repo))) return fail(`the token may not write comments in ${repo}`, 'give the token write:issue')
    if (fleet.sprint?.repos.includes(repo) === true && !(await forge.mayOpenChange(repo)))
      return fail(`the token may not open changes in ${repo}, but sprints need that`, 'give the token write:repository')
    return { level: 'ok', where: 'forge', what: `${repo}: burn may read and write`, remedy: '' }
  } catch (thrown) {
    return failedFinding('forge', thrown)
  }
}

async function checkServer(machine: Machine, probe: Probe, { machines }: Session): Promise<Finding[]> {
  const [host] = await machines.open([machine])
  if (host === undefined) return []
  const snapshot = await host.snapshot()
  return [...unreachableServerFindings(machine, probe, snapshot, host.hint), ...smallPaneFindings(machine, snapshot)]
}

/** The remedies for trouble that no retry can end. */
const troubleRemedies: Readonly<Partial<Record<TroubleKind, string>>> = {
  auth: "log in again (burn attach WORKER), or renew the agent's key. For Hermes: hermes auth status nous",
  billing: 'add credits to the account, or give the workers another provider',
  model: 'correct "model" in the spec, or in the configuration of the agent',
  'rate limit': 'wait for the limit to reset, or give the workers another account',
  connection: "check the connection from the workers' machine to the provider",
}

/** Returns the findings of the fleet's state: workers in trouble, back-offs, and claims of another ledger. */
async function checkFleet(machines: readonly Machine[], session: Session): Promise<Finding[]> {
  try {
    const state = await readStatus(machines, session)
    const advice = elsewhereAdvice(state.elsewhere)
    const elsewhere: Finding[] = advice === null ? [] : [{ level: 'warn', where: 'ledger', ...advice }]
    return [...troubleFindings(state), ...driftFindings(state), ...elsewhere, ...backoffFindings(state)]
  } catch (thrown) {
    // `checkLedger` reports it.
    return isLedgerFailure(thrown) ? [] : [failedFinding('workers', thrown)]
  }
}

/** The maximum number of findings about the settings of agents. */
const maxDrifts = 5

/** Returns findings about agents that run with other settings than they should. */
function driftFindings({ drifts }: Pick<StatusState, 'drifts'>): Finding[] {
  const all = [...drifts].map(([worker, { text, remedy }]): Finding => {
    return { level: 'warn', where: 'workers', what: text, remedy: remedy ?? `burn model drift ${worker}` }
  })
  const more = all.length - maxDrifts
  const rest = { what: `${more} more agents run with other settings than they should`, remedy: 'burn model drift' }
  return [...all.slice(0, maxDrifts), ...(more > 0 ? [{ level: 'warn' as const, where: 'workers', ...rest }] : [])]
}

/**
 * Returns findings about the workers in trouble, to which burn sends nothing: their last turn failed for a reason that would affect every
 * issue.
 */
function troubleFindings({ workers }: Pick<StatusState, 'workers'>): Finding[] {
  const failing = workers.filter(({ reading: { state, detail } }) => state === 'error' && isWorkerTrouble(detail))
  return [...Map.groupBy(failing, ({ reading }) => reading.detail)].map(([kind, [first, ...others]]): Finding => {
    const subject = others.length === 0 ? `${first?.worker.id} is` : `${others.length + 1} workers are`
    const remedy = (kind !== null && isWorkerTrouble(kind) ? troubleRemedies[kind] : undefined) ?? ''
    const what = `${subject} in trouble (${kind}): ${first?.worker.id} shows ${first?.reading.evidence}`
    return { level: 'fail', where: 'workers', what, remedy }
  })
}

function backoffFindings({ backed_off }: Pick<StatusState, 'backed_off'>): Finding[] {
  return backed_off.map((each): Finding => {
    const fix = each.why.code === 'forge_refuses' ? 'fix the cause on the forge. ' : ''
    const remedy = `${fix}To end the back-off of an issue at once: burn issue requeue ISSUE`
    return { level: 'warn', where: 'forge', what: `${each.subject} is ${backoffText(each)}`, remedy }
  })
}

async function checkLogins(machines: readonly Machine[], session: Session): Promise<Finding[]> {
  try {
    return await loginFindings(machines, session)
  } catch (thrown) {
    return [failedFinding('logins', thrown)]
  }
}

async function checkMachine(machine: Machine, session: Session): Promise<Finding[]> {
  const { clock } = session
  const repos = servedRepos([machine]).map((repo) => ({ repo, url: cloneUrlOf(repo, session) }))
  const workers = machine.windows.flatMap((window) => window.workers)
  const programs = [...new Set(workers.map(({ agent }) => paneAgent(agent).start(agent, null).argv[0] ?? ''))]
  const from = clock.now()
  try {
    const probed = await probeMachine(machine, programs)
    if (!probed.ok) return [{ level: 'fail', where: machine.name, what: `unreachable: ${probed.reason}`, remedy: probed.remedy }]
    const found = machineFindings(machine, probed.probe, { programs, from, to: clock.now() })
    const branch = `${session.fleet.dispatch.branch_prefix}${session.newId()}`
    const ofRepos = probed.probe.git === null ? [] : await repoFindings(machine, repos, branch)
    return [...found, ...(await agentFindings(machine)), ...ofRepos, ...(await checkServer(machine, probed.probe, session))]
  } catch (thrown) {
    // A failure of one machine, such as wrong permissions of the folder for ssh sockets, must not hide other findings.
    return [failedFinding(machine.name, thrown)]
  }
}
