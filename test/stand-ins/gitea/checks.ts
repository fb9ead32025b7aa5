/** The calls about checks: statuses of commits, runs, jobs, logs and reruns. */
import type { JobRow, RunRow, StatusRow } from './change-rows.ts'
import type { ForgeState, RepoRow } from './state.ts'
import { emptyReply, fail, isSince, mayWrite, nameOf, pageOf, refuse, reply, repoOf, textIn, type Call, type Reply } from './calls.ts'
import { timeText } from './json.ts'
import { report } from './people.ts'

/** Returns the newest status of each context of a commit. */
export function latestStatuses(repo: RepoRow, sha: string): StatusRow[] {
  return [...new Map((repo.ci.statuses.get(sha) ?? []).map((row) => [row.context, row])).values()]
}

function statusJson(repo: RepoRow, sha: string, row: StatusRow, { url }: Call) {
  return {
    id: row.id,
    context: row.context,
    status: row.state,
    target_url: row.target_url,
    description: row.description,
    creator: null,
    created_at: timeText(row.created),
    updated_at: timeText(row.created),
    url: `${url}/api/v1/repos/${nameOf(repo)}/statuses/${sha}`,
  }
}

const statusStates = new Map(
  ['pending', 'success', 'error', 'failure', 'warning', 'skipped'].map((state) => [state, state as StatusRow['state']]),
)

/** Reports the result of a check, as a CI service does. */
export function postStatus(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  mayWrite(repo, call, false)
  const [sha = ''] = words.slice(2)
  const result = statusStates.get(textIn(call.body, 'state') ?? '')
  if (result === undefined) return refuse(422, '[State]: Required', call.url)
  const [context = 'default', target_url = '', description = ''] = ['context', 'target_url', 'description'].map((key) =>
    textIn(call.body, key),
  )
  return reply(201, statusJson(repo, sha, report(state, nameOf(repo), sha, { context, state: result, target_url, description }), call))
}

/** The header counts the statuses of one context instead of the contexts: Gitea's count is wrong. */
export function getStatus(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  const sha = words[2] ?? ''
  const latest = latestStatuses(repo, sha)
  const page = pageOf(latest, call, (row) => statusJson(repo, sha, row, call))
  const failed = latest.some((row) => row.state === 'failure' || row.state === 'error')
  const combined = failed ? 'failure' : latest.length === 0 || latest.some((row) => row.state === 'pending') ? 'pending' : 'success'
  // Gitea sends null for an empty list.
  const statuses = latest.length === 0 ? null : page.json
  return reply(200, { sha, state: combined, statuses, total_count: (page.json as unknown[]).length }, 1)
}

const pageUrl = (repo: RepoRow, run: RunRow, { version, url }: Call) =>
  `${url}/${nameOf(repo)}/actions/runs/${isSince(version, 26) ? run.id : run.number}`

/** Lists the runs of a commit. */
export function getRuns(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  const sha = call.query.get('head_sha')
  const runs = repo.ci.runs.filter((run) => sha === null || run.sha === sha)
  const toJson = (run: RunRow) => ({ id: run.id, run_number: run.number, head_sha: run.sha, html_url: pageUrl(repo, run, call) })
  const { json } = pageOf(runs, call, toJson)
  return reply(200, { workflow_runs: json, total_count: runs.length })
}

function jobJson(repo: RepoRow, run: RunRow, job: JobRow, call: Call) {
  const at = isSince(call.version, 26) ? job.id : run.jobs.indexOf(job)
  const { id, name, conclusion } = job
  const status = conclusion === null ? 'in_progress' : 'completed'
  return { id, run_id: run.id, name, status, conclusion: conclusion ?? '', html_url: `${pageUrl(repo, run, call)}/jobs/${at}` }
}

/** With the number of a run in place of its id, the list is empty. */
export function getJobs(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  const run = repo.ci.runs.find(({ id }) => id === Number(words[2]))
  const jobs = run?.jobs ?? []
  const { json } = pageOf(jobs, call, (job) => jobJson(repo, run!, job, call))
  return reply(200, { jobs: json, total_count: jobs.length })
}

export function getLogs(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const job = repoOf(state, call, words)
    .ci.runs.flatMap(({ jobs }) => jobs)
    .find(({ id }) => id === Number(words[2]))
  if (job === undefined) return fail(`run job with id ${words[2]}: resource does not exist`, call)
  return job.log === null ? refuse(404, 'logs have been cleaned up', call.url) : { ...emptyReply(200), file: job.log }
}

export function postRerun(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  mayWrite(repo, call, false)
  const run = repo.ci.runs.find(({ id }) => id === Number(words[2]))
  const job = run?.jobs.find(({ id }) => id === Number(words[3]))
  if (run === undefined || job === undefined) return refuse(404, 'workflow job not found', call.url)
  if (job.conclusion === null) return refuse(400, 'this workflow run is not done so can not be rerun', call.url)
  job.conclusion = null
  return reply(201, jobJson(repo, run, job, call))
}
