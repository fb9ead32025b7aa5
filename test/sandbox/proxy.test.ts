/** A command that may use only named hosts, with a real proxy and real servers on loopback. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { opened, skipReason } from './opened.ts'

/** Starts a server that answers with the path and the header `Host`; returns its port. */
async function served(t: TestContext): Promise<number> {
  const server = createServer((request, response) => response.end(`served ${request.url} for ${request.headers.host}\n`))
  t.after(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

test('hosts: a command reaches only those that are named', { skip: skipReason }, async (t) => {
  const { run } = await opened(t)
  const [named, other] = [await served(t), await served(t)]
  const via = (...lines: readonly string[]) =>
    `exec 3<>/dev/tcp/127.0.0.1/\${https_proxy##*:}; printf '${lines.join('\\r\\n')}\\r\\n\\r\\n' >&3; timeout 5 cat <&3 | tr -d '\\r' | grep -E '^HTTP|served'`
  const get = (url: string) => via(`GET ${url} HTTP/1.1`, 'Host: elsewhere', 'Connection: close')
  const tunnel = (to: string) => via(`CONNECT ${to} HTTP/1.1`, `Host: ${to}`, '', 'GET /deep HTTP/1.1', 'Host: inner', 'Connection: close')
  const hosts = [`localhost:${named}`, '*.invalid']
  const attempts: readonly (readonly [command: string, output: RegExp])[] = [
    [get(`http://localhost:${named}/x?y`), new RegExp(`^HTTP/1.1 200 OK\nserved /x\\?y for localhost:${named}\n$`)],
    [tunnel(`localhost:${named}`), /^HTTP\/1.1 200 Connection Established\nHTTP\/1.1 200 OK\nserved \/deep for inner\n$/],
    [get(`http://localhost:${other}/`), /^HTTP\/1.1 403/],
    [tunnel(`127.0.0.1:${named}`), /^HTTP\/1.1 403/],
    [get('http://a.invalid/'), /^HTTP\/1.1 502/],
    [get('http://invalid/'), /^HTTP\/1.1 403/],
    [`(exec 4<>/dev/tcp/127.0.0.1/${named}) 2>&1 | grep -o refused`, /^refused\n/],
  ]
  const { output, notes } = await run(attempts.map(([command]) => `(${command}); echo --`).join('\n'), { hosts })
  const parts = output.split('--\n')
  for (const [index, [command, expected]] of attempts.entries()) assert.match(parts[index] ?? '', expected, command)
  assert.deepEqual(notes, [`the spec does not allow these hosts: localhost:${other}, 127.0.0.1:${named}, invalid:80`])
  const fetching = `fetch('http://localhost:${named}/f').then((answer) => answer.text()).then((text) => process.stdout.write(text))`
  assert.equal((await run(`node -e "${fetching}"; exit 7`, { hosts })).output, `served /f for localhost:${named}\n`)
})

test('hosts: the command keeps its exit code', { skip: skipReason }, async (t) => {
  const { run } = await opened(t)
  assert.equal((await run('exit 7', { hosts: [] })).code, 7)
})
