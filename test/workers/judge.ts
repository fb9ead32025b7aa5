/** Judges the fleet of `npm run workers`: finds orphans, lost work, and work that a retired worker got. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Ledger } from '../../src/core/ledger.ts'
import type { WorkerFleet } from './fleet.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { tmuxOn } from '../support/tmux.ts'

/** Returns the workers of the panes, sorted. */
export function paneWorkers({ socket }: WorkerFleet): string[] {
  try {
    return tmuxOn(socket, 'list-panes', '-a', '-F', '#{@burn_worker}').trim().split('\n').toSorted()
  } catch {
    // The server ends with its last pane.
    return []
  }
}

/** Returns the violations after all workers were provisioned. `workers`: the folders of the workers. */
export function judgeFolders(folders: readonly string[]): string[] {
  return folders.flatMap((folder) => {
    const clone = join(folder, 'app')
    const left = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('.burn-clone')) : []
    const nested = existsSync(clone) ? readdirSync(clone).filter((name) => name.startsWith('.burn-clone')) : []
    const wrong = git(clone, 'rev-parse', '--verify', 'origin/main') ? [] : [`${clone} is no whole clone`]
    return [...wrong, ...[...left, ...nested].map((name) => `${folder} has ${name}`)]
  })
}

function git(clone: string, ...words: readonly string[]): boolean {
  try {
    execFileSync('git', ['-C', clone, ...words], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Returns the violations after all workers were deployed. */
export function judgePanes(fleet: WorkerFleet, workers: number): string[] {
  const panes = paneWorkers(fleet)
  const agents = fleet.processes().filter((line) => line.includes('agent.mjs')).length
  return [
    ...(panes.length === workers && new Set(panes).size === workers ? [] : [`${panes.length} panes of ${new Set(panes).size} workers`]),
    ...(agents === workers ? [] : [`${agents} agents run`]),
  ]
}

/** Returns the violations after all workers were retired, and the figures. */
export async function judgeEnd(fleet: WorkerFleet): Promise<{ readonly violations: readonly string[]; readonly figures: string }> {
  const ledger = await openLedger(fleet.ledger, { random: Math.random })
  try {
    await ledger.check()
    const { violations, figures } = await judgeLedger(ledger)
    const panes = paneWorkers(fleet).map((worker) => `${worker} still has a pane`)
    const processes = fleet.processes().map((line) => `orphan process ${line}`)
    const agents = judgeAgents(fleet)
    return { violations: [...violations, ...panes, ...processes, ...agents.violations], figures: `${figures}; ${agents.figures}` }
  } finally {
    await ledger.close()
  }
}

async function judgeLedger(ledger: Ledger) {
  const dispatches = await ledger.dispatches({})
  const retiring = await ledger.events({ kinds: ['worker.retiring'], limit: 10_000 })
  const retiredAt = new Map(retiring.map(({ subject, at }) => [subject, at]))
  const ended = dispatches.filter(({ state }) => state === 'review' || state === 'done')
  const late = dispatches.filter(({ worker, claimed_at }) => claimed_at > (retiredAt.get(worker) ?? Infinity))
  const violations = [
    ...dispatches.filter((each) => !ended.includes(each)).map(({ id, state, worker }) => `dispatch ${id} of ${worker} is ${state}`),
    ...late.map(({ id, worker }) => `${worker} got dispatch ${id} after it began to retire`),
  ]
  return { violations, figures: `${dispatches.length} issues given, ${ended.length} with a change` }
}

/** No turn may be cut, and all work that an agent left must still exist. */
function judgeAgents(fleet: WorkerFleet) {
  const logs = fleet.logs()
  const violations = logs.flatMap((log) => {
    const ended = new Map(log.flatMap(({ event, number, outcome }) => (event === 'turn_end' ? [[number, outcome] as const] : [])))
    return log.flatMap(({ event, number }) =>
      event === 'turn_start' && ended.get(number) !== 'done' ? [`turn ${number} ended: ${ended.get(number) ?? 'never'}`] : [],
    )
  })
  const left = logs.flat().filter(({ event }) => event === 'left')
  const lost = left.filter(({ path, clone, commit }) =>
    path === undefined ? !git(clone ?? '', 'cat-file', '-e', commit ?? '') : !existsSync(path),
  )
  return {
    violations: [...violations, ...lost.map((each) => `lost: ${each.path ?? each.commit}`)],
    figures: `${left.length} files and commits left unpushed, ${lost.length} lost`,
  }
}
