/** The choice of a proxy for a URL, as git (libcurl) makes it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gitProxyEnv, proxyFor } from '../../src/host/proxy.ts'

type Env = Readonly<Record<string, string>>

const chosen = (url: string, env: Env) => proxyFor(new URL(url), env)?.host ?? null

test('proxyFor: reads the variable of the protocol, lower case first', () => {
  const cases: readonly (readonly [string, Env, string | null])[] = [
    ['http://a.test', { http_proxy: 'p:1' }, 'p:1'],
    ['http://a.test', { HTTP_PROXY: 'http://p:1' }, 'p:1'],
    ['https://a.test', { http_proxy: 'p:1' }, null],
    ['https://a.test', { https_proxy: 'https://p:1', HTTPS_PROXY: 'q:1' }, 'p:1'],
    ['https://a.test', { ALL_PROXY: 'p:1' }, 'p:1'],
    ['https://a.test', { https_proxy: '', ALL_PROXY: 'p:1' }, null],
    ['https://a.test', {}, null],
  ]
  for (const [url, env, expected] of cases) assert.equal(chosen(url, env), expected, `${url} ${JSON.stringify(env)}`)
})

test('proxyFor: leaves out loopback addresses and the hosts of no_proxy', () => {
  const listed: readonly (readonly [string, string])[] = [
    ['a.test', 'x.test, a.test'],
    ['git.a.test', 'a.test'],
    ['git.a.test', '.a.test'],
    ['GIT.a.test', 'git.A.test.'],
    ['a.test', '*'],
    ['10.1.2.3', '10.0.0.0/8'],
    ['10.1.2.3', '10.1.2.3'],
    ['[fd00::5]', 'fd00::/8'],
    ['[fd00::5]', '[fd00::5]'],
    ['localhost', ''],
    ['127.0.0.9', ''],
    ['[::1]', ''],
  ]
  for (const [host, no_proxy] of listed)
    assert.equal(chosen(`http://${host}`, { http_proxy: 'p:1', no_proxy }), null, `${host} ${no_proxy}`)
  const others: readonly (readonly [string, string])[] = [
    ['ba.test', 'a.test'],
    ['a.test.example', 'a.test'],
    ['11.1.2.3', '10.0.0.0/8,10.0.0.0/99,/8,x/8'],
    ['a.test', 'git.a.test'],
  ]
  for (const [host, NO_PROXY] of others)
    assert.equal(chosen(`http://${host}`, { http_proxy: 'p:1', NO_PROXY }), 'p:1', `${host} ${NO_PROXY}`)
})

test('gitProxyEnv: makes git use the proxies that burn uses', () => {
  assert.deepEqual(gitProxyEnv({ HOME: '/h' }), {})
  assert.deepEqual(gitProxyEnv({ HTTP_PROXY: 'p:1' }), { http_proxy: 'p:1', no_proxy: 'localhost,127.0.0.1,127.0.0.0/8,::1' })
  assert.deepEqual(gitProxyEnv({ https_proxy: 'p:1', NO_PROXY: 'a.test' }), { no_proxy: 'localhost,127.0.0.1,127.0.0.0/8,::1,a.test' })
  assert.deepEqual(gitProxyEnv({ https_proxy: 'p:1', NO_PROXY: '*' }), { no_proxy: '*' })
})
