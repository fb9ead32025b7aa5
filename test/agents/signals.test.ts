/** Tests the extension of pi and the plugin of OpenCode with a hook that records its calls. */
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

/** Makes a place whose hook records each call as one line. The hook takes longer for the first event than for later ones. */
function placeIn(folder: string): AgentPlace {
  const hook = join(folder, 'hook')
  const log = join(folder, 'calls')
  writeFileSync(log, '')
  writeFileSync(
    hook,
    `#!/bin/sh\ncase "$1" in input | chat.message) sleep 0.2 ;; esac\nprintf '%s|%s|%s\\n' "$1" "$2" "$(cat)" >>'${log}'\n`,
  )
  chmodSync(hook, 0o755)
  return { hook, home: join(folder), person: '/home/a', name: 'burn-f-w-a', configs: new Map(), entries: new Map() }
}

/** Loads the extension or plugin of a kind, raises `events`, and returns the calls of the hook. */
async function callsOf(
  kind: AgentConfig['kind'],
  events: (module: Record<string, unknown>) => Promise<void>,
  lines: number,
): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'burn test '))
  const hooks: ChildProcess[] = []
  const onStart = (message: unknown) => void hooks.push((message as { readonly process: ChildProcess }).process)
  subscribe('child_process', onStart)
  try {
    const config: AgentConfig = { kind, command: [], model: null, provider: null, busy_input_mode: 'interrupt', hooks: true, env: {} }
    const [[file, source] = ['', '']] = Object.entries(paneAgent(config).start(config, placeIn(folder)).files ?? {})
    // Agents load it in the same way: as a module from a file.
    const path = file.replace(/\.js$/, '.mjs')
    writeFileSync(path, source)
    await events((await import(pathToFileURL(path).href)) as Record<string, unknown>)
    const calls = () => readFileSync(join(folder, 'calls'), 'utf8').split('\n').slice(0, -1)
    await until(`the hook is called ${lines} times`, () => calls().length >= lines)
    // The hook writes before it exits, and the agent does not wait for it.
    for (const hook of hooks) hook.ref()
    await Promise.all(hooks.map((hook) => (hook.exitCode === null && hook.signalCode === null ? once(hook, 'exit') : null)))
    return calls()
  } finally {
    unsubscribe('child_process', onStart)
    rmSync(folder, { recursive: true, force: true })
  }
}

test('pi: its extension reports events to the hook in order', async () => {
  const calls = await callsOf(
    'pi',
    async ({ default: extension }) => {
      const handlers = new Map<string, Handler>()
      ;(extension as (pi: { on(event: string, handler: Handler): void }) => void)({ on: (event, handler) => handlers.set(event, handler) })
      const raise = (event: string, payload: unknown) => assert.notEqual(handlers.get(event)?.(payload as never), null)
      raise('input', { text: '[burn 0k3v9w2x4abcd] do\nit' })
      raise('agent_start', {})
      raise('tool_call', { toolName: 'bash' })
      raise('agent_end', { messages: [{ role: 'assistant', stopReason: 'error' }, { role: 'user' }] })
    },
    4,
  )
  assert.deepEqual(calls, [
    'input||{"event":"input","text":"[burn 0k3v9w2x4abcd] do\\nit"}',
    'agent_start||{"event":"agent_start"}',
    'tool_call|tool_name|{"event":"tool_call","tool_name":"bash"}',
    'agent_end|stop_reason|{"event":"agent_end","stop_reason":"error"}',
  ])
})

test("opencode: its plugin reports the worker's turns, not those of sub-agents", async () => {
  const calls = await callsOf(
    'opencode',
    async ({ burn }) => {
      const hooks = await (burn as () => Promise<Record<string, Handler>>)()
      const raise = (type: string, properties: unknown) => hooks['event']?.({ event: { type, properties } } as never)
      await hooks['chat.message']?.(
        {} as never,
        { parts: [{ type: 'text', text: '[burn 0k3v9w2x4abcd] ' }, { text: 'do it' }, {}] } as never,
      )
      await raise('session.status', { sessionID: 'a', status: { type: 'busy' } })
      await raise('session.created', { info: { id: 'b', parentID: 'a' } })
      await raise('session.idle', { sessionID: 'b' })
      await raise('message.updated', {})
      await raise('permission.asked', { sessionID: 'b' })
      await raise('session.status', { sessionID: 'a', status: { type: 'idle' } })
    },
    4,
  )
  assert.deepEqual(calls, [
    'chat.message||{"event":"chat.message","text":"[burn 0k3v9w2x4abcd] do it"}',
    'session.status|status,@session_id|{"event":"session.status","status":"busy","session_id":"a"}',
    'permission.asked||{"event":"permission.asked"}',
    'session.status|status,@session_id|{"event":"session.status","status":"idle","session_id":"a"}',
  ])
})
