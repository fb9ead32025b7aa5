/** Sends requests from another machine, over a real sshd, with curl and through ssh. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { codeOf } from '../../src/core/errors.ts'
import { machineFetch } from '../../src/host/machine-fetch.ts'
import { scratch } from '../support/fleet.ts'
import { startSshd } from '../support/sshd.ts'
import { withoutCurl } from '../support/without-curl.ts'

async function serve(t: TestContext, answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => void (server.closeAllConnections(), server.close()))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Answers as the path says. */
function page(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === '/hang') return
  if (request.url === '/drip') return void response.write('{"a":')
  if (request.url === '/moved') return void response.writeHead(302, { location: '/' }).end()
  if (request.url === '/flood') return void response.end('x'.repeat(6 * 1024 * 1024))
  void text(request).then((body) => {
    response.writeHead(request.url === '/missing' ? 404 : 200, { 'content-type': 'application/json', 'retry-after': '7' })
    response.end(JSON.stringify({ path: request.url, key: request.headers.authorization ?? null, body }))
  })
}

const key = { authorization: 'Bearer sk-"quoted\\' }
const asked = { method: 'POST', headers: { ...key, 'content-type': 'application/json' }, body: '{"text":"a\\n\\"b\\" é"}' }
const answered = { path: '/v1/x', key: key.authorization, body: asked.body }

test('machineFetch: sends requests with curl, and tells failures apart', async (t) => {
  const url = await serve(t, page)
  const exec = join(scratch(t), 'run')
  writeFileSync(exec, '#!/bin/sh\nexec "$@"\n', { mode: 0o755 })
  const fetch = machineFetch({ name: 'box', transport: { kind: 'exec', argv: [exec] } }, {})
  const response = await fetch(`${url}/v1/x`, asked)
  assert.deepEqual(await response.json(), answered)
  assert.equal(response.headers.get('retry-after'), '7')
  const code = async (path: string) => {
    try {
      // A busy machine needs its time for megabytes.
      const answer = await fetch(path, { timeout_ms: path.endsWith('/flood') ? 30_000 : 1_000 })
      await answer.text()
      return answer.status
    } catch (thrown) {
      return codeOf(thrown) || (thrown instanceof Error ? thrown.message : '')
    }
  }
  assert.equal(await code(`${url}/missing`), 404)
  assert.equal(await code(`${url}/moved`), 'unexpected redirect')
  const [hang, drip, flood, refused, unknown] = await Promise.all(
    [`${url}/hang`, `${url}/drip`, `${url}/flood`, 'http://127.0.0.1:9/', 'http://nowhere.invalid/'].map(code),
  )
  assert.deepEqual([hang, drip, flood, refused, unknown], ['ETIMEDOUT', 'ETIMEDOUT', 'too_much', 'ECONNREFUSED', 'ENOTFOUND'])
})

test('machineFetch: goes through ssh if the machine has no curl', async (t) => {
  const path = withoutCurl(t)
  const server = await startSshd(t, undefined, { shell: '/bin/sh', home: path, before: `PATH=${path}; export PATH` })
  if (server === null) return t.skip('there is no sshd')
  const { host, port, options } = server
  const url = await serve(t, page)
  const fetch = machineFetch({ name: 'box', transport: { kind: 'ssh', host, port, options } }, {})
  assert.deepEqual(await (await fetch(`${url}/v1/x`, asked)).json(), answered)
  await assert.rejects(fetch('http://127.0.0.1:9/', {}), { code: 'ECONNREFUSED' })
  const far = machineFetch({ name: 'box', transport: { kind: 'ssh', host, port: 9, options } }, {})
  await assert.rejects(far(url, {}), { code: 'no_route' })
})

test('machineFetch: without curl and ssh there is no way', async (t) => {
  const path = withoutCurl(t)
  const argv = ['env', `PATH=${path}`]
  const fetch = machineFetch({ name: 'box', transport: { kind: 'exec', argv } }, {})
  await assert.rejects(fetch('http://127.0.0.1:9/', {}), { code: 'no_route', message: /box has no curl/ })
})
