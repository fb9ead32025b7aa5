/** Backends behind an HTTP proxy. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openBackend } from '../../src/llm/open.ts'
import { startForwardProxy } from '../support/http-proxy.ts'
import { at, deps, folder, model, never, task } from './rig.ts'

test('runner: reaches its model through the proxy of the environment', async (t) => {
  const server = await model(t, { script: [{ text: 'done' }] })
  const proxy = await startForwardProxy(t)
  const url = server.url.replace('127.0.0.1', 'model.test')
  const backend = openBackend({ kind: 'runner', models: [at(url)], hermes_home: '/nowhere' }, deps(t, {}, { HTTP_PROXY: proxy.address }))
  assert.equal(await backend.probe(), null)
  const { failure, text } = await backend.begin(task(folder(t))).say('Please.', never)
  assert.deepEqual([failure, text], [null, 'done'])
  assert.deepEqual(
    proxy.log.map((line) => line.replace(url, '')),
    ['GET /models', 'POST /chat/completions'],
  )
})
