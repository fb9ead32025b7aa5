/**
 * Records the runs that the server of a backend continues if burn is killed, and stops the runs that a killed process left. Each record is a
 * file below `sprint.dir`, because only this machine may reach the server. The record exists from the start of a run until its end.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SprintContext } from './context.ts'
import { ifCode, noSuchPath } from '../core/errors.ts'
import { idPattern } from '../core/ids.ts'
import { membersOf, parseJson, stringOf } from '../core/json.ts'
import { openTranscript } from './results.ts'

/** A run on the server of a backend. */
export interface BackendRun {
  /** The name of the backend. */
  readonly backend: string
  /** The server's id of the run. */
  readonly run: string
}

const folderOf = (dir: string) => join(dir, 'runs')
const fileOf = (dir: string, sprint: string) => join(folderOf(dir), `${sprint}.json`)

/** Saves the run of a sprint; null removes the record, because the run has ended. `dir`: the folder `sprint.dir`. */
export async function recordRun(dir: string, sprint: string, run: BackendRun | null): Promise<void> {
  if (run === null) return rm(fileOf(dir, sprint), { force: true })
  await mkdir(folderOf(dir), { recursive: true, mode: 0o700 })
  await writeFile(fileOf(dir, sprint), JSON.stringify(run), { mode: 0o600 })
}

/**
 * Stops the runs that backends may still execute for abandoned sprints: sprints that have ended, or whose lease has expired. If a backend
 * does not answer, the record of the run stays for the next call. Call this function before burn settles the dispatches of these sprints.
 * Otherwise another worker could get an issue on which a backend still works.
 */
export async function stopAbandonedRuns({ backends, policy, session, redact }: SprintContext): Promise<void> {
  const { ledger, clock } = session
  const names = await readdir(folderOf(policy.dir)).catch(ifCode(noSuchPath, []))
  const recorded = names.map((name) => name.replace(/\.json$/, '')).filter((id) => idPattern.test(id))
  if (recorded.length === 0) return
  const running = new Set((await ledger.sprints({ live: true })).flatMap(({ id, lease_until }) => (lease_until > clock.now() ? [id] : [])))
  for (const id of recorded.filter((each) => !running.has(each))) {
    const { backend, run } = membersOf(parseJson(await readFile(fileOf(policy.dir, id), 'utf8').catch(ifCode(noSuchPath, '')))?.value)
    const server = backends.find(({ name }) => name === stringOf(backend))
    // If the spec no longer names the backend, burn cannot reach the run.
    if (server?.stopRun !== undefined && typeof run === 'string') {
      if (!(await server.stopRun(run))) continue
      const transcript = await openTranscript(policy.dir, id, clock, redact)
      transcript.add({ kind: 'note', text: `a burn process was killed and left the run ${run} on ${server.name}; burn stopped this run` })
      await transcript.flush()
    }
    await recordRun(policy.dir, id, null)
  }
}
