/** Checks a real llama.cpp server in each of its states, from here and from a machine over ssh, and lets the runner of sprints use it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestContext } from 'node:test'
import type { Breaker, ModelReading } from '../../src/core/model.ts'
import type { Fetch } from '../../src/host/fetch.ts'
import { breakerAfter, closedBreaker } from '../../src/decide/model-chain.ts'
import { openFetch } from '../../src/host/fetch.ts'
import { machineFetch } from '../../src/host/machine-fetch.ts'
import { openServer } from '../../src/llm/model-check.ts'
import { openBackend } from '../../src/llm/open.ts'
import { deps, folder, never, task } from '../llm/rig.ts'
import { startSshd } from '../support/sshd.ts'
import { withoutCurl } from '../support/without-curl.ts'
import { llamaModel, type Llama } from './llama.ts'
import type { Report } from './report.ts'

const clock = { now: () => performance.now(), sleep: async () => {} }

async function read(server: Llama, name = llamaModel, { load = false, fetch = openFetch({}) as Fetch } = {}): Promise<ModelReading> {
  const { check } = await openServer({ url: server.url, key: null, fetch, clock })
  return check(name, { load, timeout_ms: 30_000 })
}

async function readUntil(state: ModelReading['state'], server: Llama, limit_ms: number): Promise<ModelReading> {
  const end = performance.now() + limit_ms
  for (;;) {
    const reading = await read(server)
    if (reading.state === state || performance.now() > end) return reading
    await sleep(10)
  }
}

/** Reads the model of the server in each state. */
export async function realStates(server: Llama, t: Pick<TestContext, 'after'>, report: Report): Promise<void> {
  report.state('nothing listens', await read(server), 'unreachable')
  server.start()
  report.state('the server starts', await readUntil('loading', server, 10_000), 'loading')
  report.state('it is ready', await readUntil('answers', server, 60_000), 'answers')
  const { pid } = server
  const loaded = pid()
  report.state('again', await read(server), 'answers')
  report.state('another model', await read(server, 'hermes4:14b'), 'no_such_model')
  report.state('--load, 16 tokens', await read(server, llamaModel, { load: true }), 'answers')
  const work = new AbortController()
  const body = {
    model: llamaModel,
    messages: [{ role: 'user', content: 'Tell me a long story.' }],
    max_tokens: 1_500,
    ignore_eos: true,
    stream: true,
  }
  const working = fetch(`${server.url}/chat/completions`, { method: 'POST', body: JSON.stringify(body), signal: work.signal }).catch(
    (thrown: unknown) => {
      if (!work.signal.aborted) throw thrown
    },
  )
  report.state('it works on a long answer', await readUntil('busy', server, 10_000), 'busy')
  work.abort()
  await working
  report.state('the work has ended', await readUntil('answers', server, 60_000), 'answers')
  await overSsh(server, t, report)
  server.freeze()
  report.state('the process is suspended', await read(server), 'unreachable')
  server.thaw()
  report.state('it runs again', await readUntil('answers', server, 30_000), 'answers')
  report.fact('the process that holds the model is the same', loaded === pid() && loaded !== 0)
}

/** Reads the model from a machine over ssh: with curl there, and through `ssh -W` if there is no curl. */
async function overSsh(server: Llama, t: Pick<TestContext, 'after'>, report: Report): Promise<void> {
  const bin = withoutCurl(t)
  for (const [way, before] of [
    ['over ssh, with curl', ':'],
    ['over ssh, without curl', `PATH=${bin}; export PATH`],
  ] as const) {
    const sshd = await startSshd(t, undefined, { shell: '/bin/sh', home: bin, before })
    if (sshd === null) return report.skip('over ssh: this machine has no sshd')
    const { host, port, options } = sshd
    const fetch = machineFetch({ name: 'box', transport: { kind: 'ssh', host, port, options } }, {})
    report.state(way, await read(server, llamaModel, { fetch }), 'answers')
  }
}

/** Lets the runner use a chain whose first step is down. Its breaker opens, and the real model answers each time. */
export async function realChain(server: Llama, t: TestContext, report: Report): Promise<void> {
  const stored = new Map<string, Breaker>()
  const breakers = {
    of: async ({ url }: { readonly url: string }) => stored.get(url) ?? closedBreaker,
    record: async ({ url }: { readonly url: string }, failure: Parameters<typeof breakerAfter>[1]) =>
      void stored.set(url, breakerAfter(stored.get(url) ?? closedBreaker, failure, { failures: 3, pause: 60_000 }, Date.now())),
  }
  const down = 'http://127.0.0.1:9/v1'
  const step = { model: llamaModel, key: null, provider: null, price: null }
  const models = [
    { ...step, url: down },
    { ...step, url: server.url },
  ]
  const backend = openBackend({ kind: 'runner', models, hermes_home: '/nowhere' }, { ...deps(t), breakers })
  const skipped: boolean[] = []
  for (let round = 0; round < 5; round++) {
    const testTask = task(folder(t), { budget: { turns: 1 } })
    const conversation = backend.begin(testTask)
    const { failure, text, model } = await conversation.say('Say hello in one short sentence.', never)
    await conversation.close()
    if (failure !== null || text === '')
      return report.fact(`the runner got an answer in round ${round + 1}: ${failure?.reason ?? 'empty'}`, false)
    skipped.push(testTask.texts('note').some((note) => note.includes('is paused until')))
    if (round === 0) report.line(`the runner: ${model} answered ${JSON.stringify(text.slice(0, 60))}`)
  }
  report.fact(
    `the runner used the second step 5 times, and skipped the first one from round 4 on`,
    skipped.join() === 'false,false,false,true,true',
  )
}
