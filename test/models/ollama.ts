/** Checks the models of an imitated Ollama in each of their states, and many times beside the work of clients with settings of their own. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestContext } from 'node:test'
import type { Report } from './report.ts'
import { openFetch } from '../../src/host/fetch.ts'
import { machineFetch } from '../../src/host/machine-fetch.ts'
import { openServer } from '../../src/llm/model-check.ts'
import { seeded } from '../../src/core/random.ts'
import { withoutCurl } from '../support/without-curl.ts'
import { startOllama } from '../stand-ins/model/ollama.ts'

const clock = { now: () => performance.now(), sleep: async () => {} }
const models = ['hermes4:14b', 'qwen2.5:7b', 'phi3:3.8b', 'gemma3:1b']

async function ask(url: string, body: object): Promise<void> {
  const response = await fetch(`${url.replace('/v1', '')}/api/chat`, { method: 'POST', body: JSON.stringify(body) })
  await response.json()
}

/** Reads a model in each state. */
export async function ollamaStates(t: Pick<TestContext, 'after'>, report: Report): Promise<void> {
  const server = await startOllama({ models, token_ms: 5, load_ms: 300 })
  const at = { url: server.url, key: null, fetch: openFetch({}), clock }
  const read = async (name: string, { load = false, timeout_ms = 5_000 } = {}) => (await openServer(at)).check(name, { load, timeout_ms })
  report.state('installed, not loaded', await read('hermes4:14b'), 'not_loaded')
  await ask(server.url, { model: 'hermes4:14b', options: { num_ctx: 2_048, num_predict: 1 } })
  report.state('loaded by a client with its own num_ctx', await read('hermes4:14b'), 'answers')
  report.state('not installed', await read('llama4:70b'), 'no_such_model')
  const long = ask(server.url, { model: 'hermes4:14b', options: { num_ctx: 2_048, num_predict: 400 } })
  report.state('it works for a client', await read('hermes4:14b', { timeout_ms: 200 }), 'busy')
  await long
  const changed = server.changes.length
  report.fact(`no check loaded, reloaded, evicted or pulled a model: ${JSON.stringify(server.changes)}`, changed === 1)
  report.state('--load of another step', await read('gemma3:1b', { load: true }), 'answers')
  report.fact('--load evicted the model of the client', server.loaded().join() === 'gemma3:1b')
  const opened = await openServer(at)
  server.remove('gemma3:1b')
  report.state('it vanished after the list', await opened.check('gemma3:1b', { load: false, timeout_ms: 5_000 }), 'no_such_model')
  const argv = ['env', `PATH=${withoutCurl(t)}`]
  const bare = machineFetch({ name: 'bare', transport: { kind: 'exec', argv } }, {})
  const { check } = await openServer({ ...at, fetch: bare })
  report.state('a machine without curl and ssh', await check('qwen2.5:7b', { load: false, timeout_ms: 5_000 }), 'unknown')
  await server.close()
}

/** Checks all models `rounds` times, while a client uses them in random order with random context lengths. */
export async function ollamaBesideWork(rounds: number, seed: number, report: Report): Promise<void> {
  const server = await startOllama({ models, max_loaded: 2, token_ms: 0.2, load_ms: 1 })
  const random = seeded(seed)
  const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)]!
  let [checks, answers, caused] = [0, 0, 0]
  for (let round = 0; round < rounds; round++) {
    const num_ctx = pick([undefined, 2_048, 4_096, 16_384])
    await ask(server.url, { model: pick(models), options: { num_predict: 3, ...(num_ctx === undefined ? {} : { num_ctx }) } })
    const before = server.changes.length
    const { check } = await openServer({ url: server.url, key: null, fetch: openFetch({}), clock })
    for (const name of models) {
      checks++
      if ((await check(name, { load: false, timeout_ms: 5_000 })).state === 'answers') answers++
    }
    caused += server.changes.length - before
    if (round % 50 === 0) await sleep(0)
  }
  report.fact(
    `${checks} checks beside ${rounds} requests of a client (seed ${seed}): ${answers} answers, ${caused} loads or evictions by checks`,
    caused === 0,
  )
  await server.close()
}
