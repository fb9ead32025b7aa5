/** From an empty home to a fleet at work, and to its end: `burn init`, `burn start` and `burn stop`, with stand-in agents on real tmux. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { burn, receivedIn, scratch, standIn, until } from '../support/fleet.ts'
import { privateSocket } from '../support/tmux.ts'

test('init, start, stop: from nothing to work, and to the end', async (t) => {
  const dir = scratch(t)
  for (const name of ['bin', 'home', 'agents']) mkdirSync(join(dir, name))
  const { command } = standIn(dir, '--turn-ms', '50')
  writeFileSync(join(dir, 'bin/hermes'), `#!/bin/sh\nexec ${command.join(' ')} "$@"\n`, { mode: 0o755 })
  // The name of a fleet decides the name of its tmux socket.
  const name = privateSocket(t).replace('burn-', '')
  const spec = join(dir, 'fleet-spec.json')
  const env = { BURN_SPEC: spec, HOME: join(dir, 'home'), PATH: `${join(dir, 'bin')}:${process.env['PATH'] ?? ''}` }
  const run = (...words: string[]) => burn(words, env)
  const work = () => receivedIn(join(dir, 'agents')).filter(({ text }) => text.includes('You have one issue to work on')).length

  const made = await run('init', '--folder', '--yes', '--name', name)
  assert.deepEqual([made.code, made.err], [0, ''])
  assert.match(made.out, /^Next:\n {2}burn doctor +checks/m)
  assert.equal((await run('spec', 'check')).code, 0)
  const doctor = await run('doctor')
  assert.equal(doctor.code, 0, doctor.out)
  const idle = await run('stop', '--json')
  assert.deepEqual([idle.code, idle.json()], [0, { drain: false, asked: [], running: [] }])
  const { out: planned } = await run('start', '--dry-run')
  assert.match(planned, /would create window WORK with 2 panes/)
  assert.match(planned, /^local\/hello#1 +\S+ +\S[^]*^Would assign 1 issue/m, 'as if the agents ran')
  assert.match((await run('explain', 'hello#1')).out, /has no running agent/)
  assert.match((await run('explain', 'helo#1')).err, /did you mean local\/hello#1\?/)
  assert.match((await run('restart', 'WRK', '--dry-run')).err, /did you mean WORK\?/)

  const screen: string[] = []
  const first = burn(['start', '--interval', '1'], env, { terminal: true, onOutput: (text) => void screen.push(text) })
  await until('the first issue is in a pane', () => work() === 1)
  const printed: string[] = []
  const second = burn(['start', '--interval', '1', '--json'], env, { onOutput: (text) => void printed.push(text) })
  await until('the second one runs cycles', () => printed.some((text) => text.includes('"cycle":1')))
  const drained = run('stop', '--drain', '--json')
  await until('the first one drains', () => screen.some((part) => part.includes('draining')))
  assert.match((await run('log')).out, /the dispatchers begin no new work/)
  const issue = join(dir, 'forge/issues/hello/1.md')
  const text = readFileSync(issue, 'utf8')
  writeFileSync(join(dir, 'forge/issues/hello/2.md'), text)
  writeFileSync(issue, text.replace('state: open', 'state: closed'))
  const { code, json } = await drained
  assert.deepEqual([code, json<{ asked: unknown[] }>().asked.length, json<{ running: unknown[] }>().running], [0, 2, []])
  assert.deepEqual([(await first).code, (await second).code], [0, 0])
  assert.equal(work(), 1, 'no new work after the request')
  const shown = screen.join('')
  assert.match(shown, /local\/hello#1: \S+ got the issue/)
  assert.match(shown, /\x1b\[\?1049lburn start has ended/, 'the terminal is restored')

  const interrupt = new AbortController()
  const third = burn(['dispatch', '--cycles', '0'], env, { stop: interrupt.signal })
  await until('a later dispatcher gives the second issue', () => work() === 2)
  interrupt.abort()
  assert.equal((await third).code, 0, 'Ctrl-C is the normal end')

  assert.match((await run('down')).err, /still_live/, 'burn refuses before it asks')
  const down = await run('down', '--yes', '--force')
  assert.match(down.out, /ended 2 panes\nlocal\/hello#2: released by vm\/WORK\//)
  assert.match((await run('explain', 'hello#2')).out, /0 failed attempts/, 'the end of a pane is no attempt')
})
