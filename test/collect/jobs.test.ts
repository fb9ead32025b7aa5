/** The states of scheduled jobs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Machine } from '../../src/core/nouns.ts'
import type { ScheduledJob } from '../../src/core/scheduled-job.ts'
import { crontabLine } from '../../src/decide/schedule.ts'
import { burnJobStates, machineJobStates } from '../../src/collect/jobs.ts'

test('burnJobStates: judges only the jobs that a dispatcher runs', () => {
  const job = { period: 1000, owner: null, until: null, last_run: 0, last_result: 'done', next_run: 1000 }
  const states = burnJobStates(
    ['usage box', 'sprint reviews', 'sprint prune'].map((name) => ({ ...job, name })),
    0,
    600_000,
  )
  assert.deepEqual(
    states.map(({ subject, state }) => [subject, state]),
    [['burn usage box', 'missed']],
  )
})

test('machineJobStates: counts a burn command only with this spec', () => {
  const jobs = [{ name: 'dispatch', period: null, owner: null, until: null, last_run: 1_000_000, last_result: 'done', next_run: null }]
  const commandOf = (spec: string) => {
    const argv = ['/bin/node', 'burn', 'dispatch', '--alone', '--spec', spec]
    return crontabLine({ name: 'burn-dispatch', argv, every: 60_000, variables: {}, log: '/l' }).trim().slice('* * * * * '.length)
  }
  const stateOf = (command: string, spec_file: string | null) => {
    const job: ScheduledJob = { scheduler: 'cron', name: command, schedule: { cron: '* * * * *' }, next: null, last: 'unknown' }
    // The cast is safe: the function needs only the name.
    return machineJobStates({ name: 'box' } as Machine, { zone: 'Etc/UTC', jobs: [job] }, { jobs, spec_file }, 1_001_000)[0]?.state
  }
  const spec = "/a b/100%/ann's.json"
  assert.equal(stateOf(commandOf(spec), spec), 'on time')
  assert.equal(stateOf('BURN_SPEC=/x.json burn dispatch --alone', '/x.json'), 'on time')
  assert.equal(stateOf(commandOf('/x.json.old'), '/x.json'), 'unknown', 'another spec')
  assert.equal(stateOf('burn dispatch --alone', '/x.json'), 'unknown', 'no spec')
  assert.equal(stateOf(commandOf(spec), null), 'unknown', 'another ledger')
})
