/** Reads the checks of a commit on Gitea and Forgejo, and the logs of the forge's own jobs. */
import type { Check, CheckJob, CheckState, LogTail, RerunResult, Unknown } from '../core/change-state.ts'
import type { RepoRef } from '../core/nouns.ts'
import { itemsOf, membersOf, stringOf } from '../core/json.ts'
import { BurnError } from '../core/errors.ts'
import { oneLine } from '../core/text.ts'
import { apiRefusalOf } from './answers.ts'
import { timeOf } from './gitea-objects.ts'
import { isGitea, nameOfVersion, readList, type Server } from './gitea-server.ts'
import { repoPath, requireSha } from './refs.ts'

/** The first versions of Gitea whose API serves logs, lists jobs, and reruns jobs. From 1.26 on, the address of a job has its id. */
const least = { logs: [1, 24], jobs: [1, 25], reruns: [1, 26], ids: [1, 26] } as const

const states: ReadonlyMap<unknown, CheckState> = new Map([
  ['pending', 'pending'],
  ['success', 'passed'],
  ['warning', 'passed'],
  ['skipped', 'skipped'],
  ['failure', 'failed'],
  ['error', 'failed'],
])

/** The place of a job in the address of its page: numbers within the repo and the run before Gitea 1.26, ids since. */
interface JobPage {
  readonly run: string
  readonly job: string
}

/**
 * Returns the newest result of each check of a commit. For failed jobs of the forge's own CI it looks up the ids, which costs one request
 * for the commit and one for each run on Gitea 1.25, and none on later versions.
 */
export async function readStatuses(server: Server, repo: RepoRef, sha: string): Promise<readonly Check[]> {
  const path = `${repoPath(repo)}/commits/${requireSha(sha)}/status`
  const items = await readList(server, { path, items: (json) => itemsOf(membersOf(json)['statuses']), end: 'short' })
  const checks = items.map((item) => checkOf(server.url, repo, item)).filter((each) => each !== null)
  const failed = checks.flatMap(({ check: { state }, page }) => (page !== null && state === 'failed' ? [page] : []))
  if (failed.length === 0) return checks.map(({ check }) => check)
  const jobs = await jobsOf(server, repo, sha, failed)
  return checks.map(({ check, page }) => (page === null ? check : { ...check, job: jobs.get(keyOf(page)) ?? null }))
}

const keyOf = ({ run, job }: JobPage) => `${run}/${job}`

function checkOf(url: string, repo: RepoRef, item: unknown): { readonly check: Check; readonly page: JobPage | null } | null {
  const { context, status, target_url, description, updated_at } = membersOf(item)
  if (typeof context !== 'string') return null
  const target = stringOf(target_url)
  const href = target !== null && URL.canParse(target, url) ? new URL(target, url).href : null
  const page = href === null ? null : pageOf(`${url}/${repo}`, href)
  const summary = oneLine(stringOf(description) ?? '')
  // Gitea reports a cancelled job as failed, and tells the difference only in this text.
  const isCancelled = page !== null && summary === 'Has been cancelled'
  const state = isCancelled ? 'cancelled' : (states.get(status) ?? 'unknown')
  return { check: { name: context, state, summary, url: href, job: null, updated_at: timeOf(updated_at) ?? 0 }, page }
}

/** Returns the numbers in the address of a job's page; null if it is not the page of a job of this repo. */
function pageOf(repoUrl: string, href: string): JobPage | null {
  if (!href.toLowerCase().startsWith(`${repoUrl.toLowerCase()}/`)) return null
  const [, run, job] = /^\/actions\/runs\/(\d+)\/jobs\/(\d+)$/.exec(href.slice(repoUrl.length)) ?? []
  return run === undefined || job === undefined ? null : { run, job }
}

async function jobsOf(server: Server, repo: RepoRef, sha: string, pages: readonly JobPage[]): Promise<ReadonlyMap<string, CheckJob>> {
  const version = await server.version()
  const rerunnable = isGitea(version, least.reruns)
  if (isGitea(version, least.ids)) return new Map(pages.map((page) => [keyOf(page), { run: page.run, id: page.job, rerunnable }]))
  if (!isGitea(version, least.jobs)) return new Map()
  const found = new Map<string, CheckJob>()
  const actions = `${repoPath(repo)}/actions/runs`
  const wanted = new Set(pages.map(({ run }) => run))
  const runs = await readList(server, {
    path: actions,
    query: { head_sha: sha },
    items: (json) => listIn(json, 'workflow_runs'),
    end: 'short',
  })
  for (const { id, run_number } of runs.map(membersOf)) {
    if (typeof id !== 'number' || !wanted.has(String(run_number))) continue
    const jobs = await readList(server, { path: `${actions}/${id}/jobs`, items: (json) => listIn(json, 'jobs'), end: 'short' })
    for (const { id: job, html_url } of jobs.map(membersOf)) {
      const page = pageOf(`${server.url}/${repo}`, stringOf(html_url) ?? '')
      if (page !== null && typeof job === 'number') found.set(keyOf(page), { run: String(id), id: String(job), rerunnable })
    }
  }
  return found
}

const listIn = (json: unknown, key: string) => itemsOf(membersOf(json)[key])

/** Returns the end of the log of a check, or the reason why the forge has no log. */
export async function readJobLog(server: Server, repo: RepoRef, check: Check, max_bytes: number): Promise<LogTail | Unknown> {
  if (check.job === null) return { unknown: await whyNoLog(server, repo, check) }
  try {
    return await server.api.tail(`${repoPath(repo)}/actions/jobs/${requireId(check.job.id)}/logs`, max_bytes)
  } catch (thrown) {
    if (!(thrown instanceof BurnError)) throw thrown
    if (thrown.code === 'forge_not_found') return { unknown: 'the job has not started, or the forge has deleted its log' }
    if (thrown.code === 'forge_too_big') return { unknown: thrown.message }
    throw thrown
  }
}

async function whyNoLog({ url, version }: Server, repo: RepoRef, { url: href }: Check): Promise<string> {
  if (href === null || pageOf(`${url}/${repo}`, href) === null) return 'another service ran the check, and the forge has no log of it'
  const used = await version()
  if (isGitea(used, least.jobs)) return 'the forge does not list the job of this check'
  const name = nameOfVersion(used)
  return isGitea(used, least.logs) ? `${name} does not tell the ids of jobs, which its logs need` : `${name} has no API for logs`
}

/** Asks the forge to rerun a job, with one attempt. */
export async function rerunJob({ api, version }: Server, repo: RepoRef, { job }: Check): Promise<RerunResult> {
  const cannot = (why: string): RerunResult => ({ result: 'not_possible', why })
  if (job === null) return cannot('the check is not a job of the forge')
  if (!job.rerunnable) return cannot(`${nameOfVersion(await version())} has no API to rerun jobs`)
  try {
    await api.post(`${repoPath(repo)}/actions/runs/${requireId(job.run)}/jobs/${requireId(job.id)}/rerun`, undefined)
    return { result: 'started' }
  } catch (thrown) {
    const refusal = apiRefusalOf(thrown)
    if (refusal === null || ![400, 403, 404, 409].includes(refusal.status)) throw thrown
    return cannot(refusal.message || `the forge refused with status ${refusal.status}`)
  }
}

function requireId(id: string): string {
  if (/^\d{1,19}$/.test(id)) return id
  throw new BurnError('forge_ref', `${JSON.stringify(id)} is not the id of a job`, 'read the checks of the commit again')
}
