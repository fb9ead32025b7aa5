/** Takes one job of the CI of a real Gitea or Forgejo and ends it, as a runner does. Uses the protocol of runners, without running anything. */

/** Calls the API of the forge with the token of the repo's owner. */
type Ask = (method: string, path: string) => Promise<unknown>

/** The result of a job, in the words of the protocol. */
export interface JobEnd {
  readonly result: 'RESULT_SUCCESS' | 'RESULT_FAILURE'
  readonly log: readonly string[]
}

/** The label of jobs for this runner: `runs-on` in a workflow. */
export const runnerLabel = 'burn-test'

/** Registers a runner for a repo. Returns a function that waits for the next job and ends it. */
export async function openRunner(url: string, repo: string, ask: Ask): Promise<(end: JobEnd) => Promise<void>> {
  const { token } = (await ask('GET', `/repos/${repo}/actions/runners/registration-token`)) as { readonly token: string }
  const call = async <T>(method: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<T> => {
    const response = await fetch(`${url}/api/actions/runner.v1.RunnerService/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method}: ${response.status} ${text}`)
    return JSON.parse(text) as T
  }
  const named = { name: 'burn-test', token, version: 'v0.2.11', labels: [runnerLabel] }
  const { runner } = await call<{ runner: { uuid: string; token: string } }>('Register', named)
  const as = { 'x-runner-uuid': runner.uuid, 'x-runner-token': runner.token }
  await call('Declare', { version: named.version, labels: named.labels }, as)
  return async ({ result, log }) => {
    const { task } = await call<{ task?: { id: string } }>('FetchTask', { tasksVersion: '0' }, as)
    if (task === undefined) throw new Error('the forge has no job for the runner')
    const time = new Date().toISOString()
    const rows = log.map((content) => ({ time, content }))
    await call('UpdateLog', { taskId: task.id, index: '0', rows, noMore: true }, as)
    const state = { id: task.id, result, startedAt: time, stoppedAt: time, steps: [] }
    await call('UpdateTask', { state, outputs: {} }, as)
  }
}
