/** Starts a real llama.cpp server, from the Python package `xllamacpp`. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

/** A llama.cpp server. */
export interface Llama {
  /** The address, with `/v1` at its end. */
  readonly url: string
  readonly pid: () => number
  start(): void
  stop(): Promise<void>
  freeze(): void
  thaw(): void
}

/** The name of the model at the server. */
export const llamaModel = 'small'

/** One thread: with more threads beside other work, the server waits for its own threads most of the time. */
const program = `
import sys, time
from xllamacpp import CommonParams, Server
params = CommonParams()
params.model.path, params.port = sys.argv[1], int(sys.argv[2])
params.model_alias = {'${llamaModel}'} if isinstance(params.model_alias, set) else '${llamaModel}'
params.n_ctx, params.hostnames, params.cpuparams.n_threads = 2048, ['127.0.0.1'], 1
params.n_parallel, params.endpoint_metrics, params.endpoint_slots = 1, True, True
server = Server(params)
while True: time.sleep(60)
`

/** Returns a server that is not started yet. Returns the reason as a text if this machine has no llama.cpp. */
export async function llama(env: Readonly<Record<string, string | undefined>>): Promise<Llama | string> {
  const { BURN_LLAMA_PYTHON: python, BURN_LLAMA_MODEL: weights } = env
  if (python === undefined || weights === undefined)
    return 'set BURN_LLAMA_PYTHON to a Python that has the package xllamacpp, and BURN_LLAMA_MODEL to a .gguf file (docs/how-to/develop.md)'
  for (const path of [python, weights]) if (!existsSync(path)) return `${path} does not exist`
  const port = await freePort()
  let child: ChildProcess | null = null
  return {
    url: `http://127.0.0.1:${port}/v1`,
    pid: () => child?.pid ?? 0,
    start: () => void (child = spawn(python, ['-c', program, weights, String(port)], { stdio: 'ignore' })),
    async stop() {
      if (child === null || child.exitCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
      child = null
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
