import assert from 'node:assert/strict'
import { once } from 'node:events'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { test } from 'node:test'
import type { ChildProcess } from 'node:child_process'
import type { AgentPlace } from '../../src/core/agent.ts'
import type { AgentConfig } from '../../src/core/nouns.ts'
import { paneAgent } from '../../src/agents/index.ts'
import { until } from '../support/fleet.ts'

type Handler = (event: never, output?: never) => unknown

/** A place whose hook writes down what it is told: one line an event. The first event takes longer than those after it. */
function placeIn(folder: string): AgentPlace {
  const hook = join(folder, 'hook')
  const log = join(folder, 'told')
  writeFileSync(log, '')
  writeFileSync(
    hook,
    `#!/bin/sh\ncase "$1" in input | chat.message) sleep 0.2 ;; esac\nprintf '%s|%s|%s\\n' "$1" "$2" "$(cat)" >>'${log}'\n`,
  )
  chmodSync(hook, 0o755)
  return { hook, home: join(folder), person: '/home/a', name: 'burn-f-w-a', configs: new Map(), entries: new Map() }
}

async function toldBy(
  kind: AgentConfig['kind'],
  events: (module: Record<string, unknown>) => Promise<void>,
  lines: number,
): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'burn test '))
  const hooks: ChildProcess[] = []
  const began = (message: unknown) => void hooks.push((message as { readonly process: ChildProcess }).process)
  subscribe('child_process', began)
  try {
    const config: AgentConfig = { kind, command: [], model: null, provider: null, busy_input_mode: 'interrupt', hooks: true, env: {} }
    const [[file, source] = ['', '']] = Object.entries(paneAgent(config).start(config, placeIn(folder)).files ?? {})
    // As the agents load it: from a file, as a module.
    const path = file.replace(/\.js$/, '.mjs')
    writeFileSync(path, source)
    await events((await import(pathToFileURL(path).href)) as Record<string, unknown>)
    const told = () => readFileSync(join(folder, 'told'), 'utf8').split('\n').slice(0, -1)
    await until(`${lines} events are told`, () => told().length >= lines)
    // A hook tells before it ends, and the agent's side does not wait for it.
    for (const hook of hooks) hook.ref()
    await Promise.all(hooks.map((hook) => (hook.exitCode === null && hook.signalCode === null ? once(hook, 'exit') : null)))
    return told()
  } finally {
    unsubscribe('child_process', began)
    rmSync(folder, { recursive: true, force: true })
  }
}

test("pi's extension tells its events to the hook, in their order", async () => {
  const told = await toldBy(
    'pi',
    async ({ default: extension }) => {
      const handlers = new Map<string, Handler>()
      ;(extension as (pi: { on(event: string, handler: Handler): void }) => void)({ on: (event, handler) => handlers.set(event, handler) })
      const say = (event: string, payload: unknown) => assert.notEqual(handlers.get(event)?.(payload as never), null)
      say('input', { text: '[burn 0k3v9w2x4abcd] do\nit' })
      say('agent_start', {})
      say('tool_call', { toolName: 'bash' })
      say('agent_end', { messages: [{ role: 'assistant', stopReason: 'error' }, { role: 'user' }] })
    },
    4,
  )
  assert.deepEqual(told, [
    'input||{"event":"input","text":"[burn 0k3v9w2x4abcd] do\\nit"}',
    'agent_start||{"event":"agent_start"}',
    'tool_call|tool_name|{"event":"tool_call","tool_name":"bash"}',
    'agent_end|stop_reason|{"event":"agent_end","stop_reason":"error"}',
  ])
})

test("opencode's plugin tells the worker's own turns and questions, and nothing of its sub-agents'", async () => {
  const told = await toldBy(
    'opencode',
    async ({ burn }) => {
      const hooks = await (burn as () => Promise<Record<string, Handler>>)()
      const say = (type: string, properties: unknown) => hooks['event']?.({ event: { type, properties } } as never)
      await hooks['chat.message']?.(
        {} as never,
        { parts: [{ type: 'text', text: '[burn 0k3v9w2x4abcd] ' }, { text: 'do it' }, {}] } as never,
      )
      await say('session.status', { sessionID: 'a', status: { type: 'busy' } })
      await say('session.created', { info: { id: 'b', parentID: 'a' } })
      await say('session.idle', { sessionID: 'b' })
      await say('message.updated', {})
      await say('permission.asked', { sessionID: 'b' })
      await say('session.status', { sessionID: 'a', status: { type: 'idle' } })
    },
    4,
  )
  assert.deepEqual(told, [
    'chat.message||{"event":"chat.message","text":"[burn 0k3v9w2x4abcd] do it"}',
    'session.status|status|{"event":"session.status","status":"busy"}',
    'permission.asked||{"event":"permission.asked"}',
    'session.status|status|{"event":"session.status","status":"idle"}',
  ])
})
