/**
 * Checks turns that fail, in each way in which a provider fails. None may be read as idle, and the agent must be idle again when the
 * provider recovers.
 */
import type { OpenSession } from '../../src/cli/command.ts'
import type { Expect } from './verdict.ts'
import type { Failure, ModelServer } from './model.ts'
import type { Program } from './programs.ts'
import { answer } from '../../src/operate/answer.ts'
import { bare, hooked, look, send, settle } from './fleet.ts'

/** Each round has three failures, each in one pane with hooks and one without. */
const rounds: readonly (readonly (readonly [string, Failure])[])[] = [
  [
    ['login', { status: 401, code: 'invalid_api_key', message: 'Incorrect API key provided.' }],
    ['billing', { status: 402, code: 'insufficient_credits', message: 'Insufficient credits. Add more, then try again.' }],
    ['rights', { status: 403, code: 'permission_denied', message: 'Your account may not use this model.' }],
  ],
  [
    ['model', { status: 404, code: 'model_not_found', message: 'The model `stub` does not exist.' }],
    [
      'context',
      {
        status: 400,
        code: 'context_length_exceeded',
        message: "This model's maximum context length is 8192 tokens. However, your messages resulted in 19876 tokens.",
      },
    ],
    ['empty', 'empty'],
  ],
  [
    ['quota', { status: 429, code: 'rate_limit_exceeded', message: 'Rate limit reached for requests.' }],
    ['server', { status: 500, code: 'server_error', message: 'The server had an error while processing your request.' }],
    ['connection', 'reset'],
  ],
]

/** The time for which a failure is watched (ms). If the agent still retries after that, `working` is the right reading. */
const watched = 30_000

/** Runs all rounds of failures. */
export async function checkFailures(open: OpenSession, program: Program, model: ModelServer, expect: Expect): Promise<void> {
  for (const round of rounds) {
    model.turn_ms = 300
    const panes = new Map(
      round.flatMap((each, index) => [hooked[index], bare[index]].flatMap((name) => (name === undefined ? [] : [[name, each] as const]))),
    )
    await settle(open, [...panes.keys()], ({ state }) => state === 'idle')
    const sent = await send(open, new Map([...panes].map(([name, [kind]]) => [name, `This fails: ${kind}.`])), (id, name) => {
      const failure = panes.get(name)?.[1]
      if (failure !== undefined) model.failing.set(id, failure)
    })
    const left = await settle(open, [...panes.keys()], ({ state }) => state === 'error' || state === 'waiting', watched)
    for (const [name, [kind]] of panes) {
      const { state, detail, evidence } = left.get(name) ?? { state: 'error', detail: null, evidence: '' }
      const delivery = sent.find(({ worker }) => worker.endsWith(`/${name}`))
      const retries = state === 'working' && model.asked.filter(({ body }) => body.includes(delivery?.id ?? '')).length > 1
      // Only Hermes treats an empty answer as a failure.
      const ends = state === 'idle' && kind === 'empty' && program.kind !== 'hermes'
      expect(
        'failures',
        state === 'error' || retries || ends,
        `${name}, ${kind}: ${state} ${detail ?? ''} (${evidence}; its text is ${delivery?.state})`,
      )
    }
    model.failing.clear()
    await heal(open, [...panes.keys()], expect)
  }
}

/**
 * Sends a text after the provider recovered, which must make each agent work again. If an agent asks what to do (Gemini asks whether to
 * keep trying), the first choice is the answer.
 */
async function heal(open: OpenSession, some: readonly string[], expect: Expect): Promise<void> {
  const { session } = open
  const workers = session.fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  for (const [name, { state }] of await look(open)) {
    const worker = workers.find((each) => each.name === name && state === 'waiting')
    if (worker !== undefined) await answer(worker, '1', session)
  }
  await settle(open, some, ({ state }) => state === 'idle' || state === 'error', 90_000)
  await send(open, new Map(some.map((name) => [name, 'All is well again.'])))
  const left = await settle(open, some, ({ state }) => state === 'idle')
  for (const name of some) {
    const found = left.get(name)
    expect('failures', found === undefined, `${name}, well again: ${found === undefined ? 'idle' : `${found.state} (${found.evidence})`}`)
  }
}
