/**
 * Runs the stand-in forge as a process: it prints `{"url":…,"token":…}` as one line, and serves until it is ended.
 *
 *     node test/stand-ins/gitea/main.ts --repo acme/app --issues issues.jsonl [--repo acme/docs …] [--writer alice]
 *       [--token name=login] [--latency 20] [--port 0] [--version 1.25.2] [--no-check]
 *
 * The issues go to the repos in turn. On SIGTERM it prints `{"requests":…,"violations":[…]}` and ends.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { IssueSeed } from './state.ts'
import { versionOf } from './calls.ts'
import { startGitea } from './server.ts'

const { values } = parseArgs({
  options: {
    repo: { type: 'string', multiple: true, default: ['acme/app'] },
    issues: { type: 'string' },
    writer: { type: 'string', multiple: true, default: ['burn'] },
    token: { type: 'string', multiple: true, default: ['stand-in-token=burn'] },
    latency: { type: 'string', default: '0' },
    port: { type: 'string', default: '0' },
    version: { type: 'string', default: '1.25.2' },
    'no-check': { type: 'boolean', default: false },
  },
})

const lines =
  values.issues === undefined
    ? []
    : readFileSync(values.issues, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
const issues = lines.map((line) => JSON.parse(line) as IssueSeed)
const forge = await startGitea({
  repos: values.repo.map((name, index) => ({
    name,
    writers: values.writer,
    issues: issues.filter((_, place) => place % values.repo.length === index),
  })),
  tokens: Object.fromEntries(values.token.map((pair) => pair.split('=') as [string, string])),
  check: !values['no-check'],
  port: Number(values.port),
  version: versionOf(values.version),
  ...(values.latency === '0' ? {} : { latency: Number(values.latency) }),
})
process.stdout.write(`${JSON.stringify({ url: forge.url, token: forge.token })}\n`)
process.once('SIGTERM', () => {
  process.stdout.write(`${JSON.stringify({ requests: forge.log.length, violations: forge.violations })}\n`)
  void forge.close()
})
