/** The memory of a machine, and whether it is enough for the machine's agents. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Machine } from '../../src/core/nouns.ts'
import type { Probe } from '../../src/doctor/probe.ts'
import { machineFindings } from '../../src/doctor/findings.ts'
import { parseMemory } from '../../src/host/memory.ts'
import { complete, specOf } from '../spec/specs.ts'

const gib = 1024 ** 3
const host = 'memory_total 33554432\nmemory_free 16777216\n'

test('parseMemory: counts the smallest limit of a control group', () => {
  assert.deepEqual(parseMemory(host), { total: 32 * gib, free: 16 * gib, limited: false })
  assert.deepEqual(parseMemory(''), { total: null, free: null, limited: false })
  const unlimited = 'memory_group max 5000 100\nmemory_group 9223372036854771712 5000 100\nmemory_group   \n'
  assert.deepEqual(parseMemory(host + unlimited), { total: 32 * gib, free: 16 * gib, limited: false })
  const limits = `memory_group ${20 * gib} ${gib} 0\nmemory_group ${8 * gib} ${3 * gib} ${gib}\n`
  assert.deepEqual(parseMemory(host + limits), { total: 8 * gib, free: 6 * gib, limited: true })
  assert.equal(parseMemory(`${host}memory_group ${8 * gib} ${9 * gib} \n`).free, 0)
})

/** Returns the findings about memory for a machine with 44 agents. */
function findingsWith(memory: Probe['memory'], agents = 0) {
  const { fleet } = complete(
    specOf([], { machines: { box: { exec: ['env'], cores: 2, ram_gb: 8, windows: [{ name: 'A', panes: 44, repos: ['app'] }] } } }),
  )
  const hooks = { events: 0, dropped: 0, stray_files: 0, without: 0, why: '' }
  const probe: Probe = {
    shell: '/bin/sh',
    shell_works: true,
    tmux: 'tmux 3.4',
    login_tmux: null,
    git: 'git version 2',
    clock: 0,
    os: 'Linux',
    install: null,
    disk_free_kb: 1e9,
    cores: 2,
    sessions: [],
    hooks,
    found: new Set<string>(),
    memory,
    agents,
  }
  const found = machineFindings(fleet.machines[0] as Machine, probe, { programs: [], from: 0, to: 0 })
  return found.filter(({ what }) => /memory|GB, but/.test(what)).map(({ level, what, remedy }) => [level, what, remedy])
}

test('doctor: says that a box is too small for its agents', () => {
  const need = '44 agents need about 9.0 GB of memory (210 MB each), but'
  assert.deepEqual(findingsWith({ total: 8 * gib, free: 7 * gib, limited: true }), [
    [
      'warn',
      `${need} its memory limit is 8.0 GB`,
      'reduce "panes" for box, or raise the limit of the container: the memory is enough for about 39 agents',
    ],
  ])
  // With all agents at work, the free memory alone would hide that the machine is too small.
  assert.deepEqual(findingsWith({ total: 7.8 * gib, free: gib, limited: false }, 44), [
    ['warn', `${need} the machine has 7.8 GB`, 'reduce "panes" for box: the memory is enough for about 38 agents'],
  ])
  assert.deepEqual(findingsWith({ total: 16 * gib, free: 15 * gib, limited: false }), [
    ['ok', '15.0 GB of memory available; 44 agents need about 9.0 GB', ''],
  ])
  assert.match(String(findingsWith({ total: 4 * gib, free: 3 * gib, limited: true })), /8 GB, but the machine has 4\.0 GB/)
})
