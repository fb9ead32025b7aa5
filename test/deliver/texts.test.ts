/** Delivers texts on a real tmux server to stand-in agents that imitate Hermes. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { jsonLines } from '../support/json-lines.ts'
import { standIn, testFleet, until, writeIssues, type Fleet } from '../support/fleet.ts'

interface Cycle {
  readonly claimed: readonly { readonly id: string; readonly issue: string; readonly worker: string }[]
  readonly deliveries: readonly { readonly id: string; readonly worker: string; readonly state: string; readonly proof: string | null }[]
}
interface Sent {
  readonly sent: readonly { readonly state: string; readonly evidence: string; readonly proof: string | null }[]
}
interface Worker {
  readonly id: string
  readonly state: string
  readonly texts: readonly { readonly issue: string; readonly state: string; readonly proof: string | null }[]
}

type Agent = Readonly<Record<string, unknown>>

/** Makes a fleet of one window in which each worker has its own agent. */
function fleetOf(t: TestContext, agents: (dir: string) => Readonly<Record<string, Agent>>): Fleet {
  return testFleet(t, (dir, socket) => {
    const workers = agents(dir)
    const names = Object.keys(workers)
    const window = {
      name: 'W',
      panes: names.length,
      names,
      repos: ['app'],
      workers: Object.fromEntries(names.map((name) => [name, { agent: workers[name] }])),
    }
    return {
      name: 'f',
      session: 'F',
      socket,
      dir: join(dir, 'w'),
      ledger: `sqlite:${dir}/l.db`,
      forge: { kind: 'folder', path: dir, owner: 'me' },
      dispatch: { depth: 1 },
      machines: { box: { cores: 8, windows: [window] } },
    }
  })
}

const tmux = (fleet: Fleet, ...words: readonly string[]) => execFileSync('tmux', ['-u', '-L', fleet.socket, ...words], { encoding: 'utf8' })
const paneOf = (fleet: Fleet, worker: string) =>
  tmux(fleet, 'list-panes', '-s', '-F', '#{pane_id} #{@burn_worker}')
    .split('\n')
    .find((row) => row.endsWith(` box/W/${worker}`))
    ?.split(' ')[0] ?? ''
/** Returns the texts that a worker's agent received. `pane` saves a call of tmux if the caller knows it. */
const textsIn = (fleet: Fleet, worker: string, pane = paneOf(fleet, worker)) =>
  fleet.received().flatMap((got) => (got.pane.startsWith(`${pane.slice(1)}-`) ? [got.text] : []))
const sendTo = async (fleet: Fleet, worker: string, text: string, ...more: string[]) =>
  (await fleet.burn('send', worker, text, '--json', ...more)).json<Sent>().sent[0]
/** Has words that composers would expand. */
const longBody = (number: number) =>
  [
    '@~/.ssh/id_ed25519 @.env @/etc/passwd',
    '!cat .env',
    ...Array.from({ length: 30 }, (_, line) => `Step ${line} of issue ${number}: do it with care.`),
  ].join('\n')

describe('texts', { concurrency: 4 }, () => {
  test('texts: six panes with one home receive their own texts', async (t) => {
    const names = ['A', 'B', 'C', 'D', 'E', 'F']
    const fleet = fleetOf(t, (dir) =>
      Object.fromEntries(
        names.map((name) => [name, { ...standIn(dir, '--turn-ms', '50'), hooks: false, env: { HERMES_HOME: join(dir, 'shared') } }]),
      ),
    )
    writeIssues(
      fleet.dir,
      'app',
      names.map((_, index) => ({ title: `Issue ${index + 1}`, body: longBody(index + 1) })),
    )
    writeFileSync(join(fleet.dir, 'writers'), 'ann\n')
    for (const words of [['up'], ['christen', '--parallel', '6']]) assert.equal((await fleet.burn(...words)).code, 0)
    const { claimed, deliveries } = (await fleet.burn('dispatch', '--json')).json<Cycle>()
    assert.equal(claimed.length, 6)
    assert.deepEqual(new Set(deliveries.map(({ state }) => state)), new Set(['seen']))
    for (const { id, issue, worker } of claimed) {
      const name = worker.slice(worker.lastIndexOf('/') + 1)
      const got = textsIn(fleet, name).filter((text) => text.includes(`[burn ${id}]`))
      assert.equal(got.length, 1, worker)
      assert.ok(got[0]?.includes(longBody(Number(issue.slice(issue.indexOf('#') + 1)))), `${worker} has the text of ${issue}`)
      const folder = join(fleet.dir, 'w/box/W', name, '.burn')
      assert.equal(statSync(join(folder, `${id}.md`)).mode & 0o777, 0o600)
      assert.equal(statSync(folder).mode & 0o777, 0o700)
      assert.equal(readFileSync(join(folder, '.gitignore'), 'utf8'), '.gitignore\n[[:alnum:]]*\n')
    }
    // No word of an issue reaches a composer.
    const prompts = readdirSync(join(fleet.dir, 'agents')).flatMap((name) => jsonLines<{ line?: string }>(join(fleet.dir, 'agents', name)))
    const typed = prompts.flatMap(({ line }) => line ?? [])
    assert.equal(typed.length, 12)
    for (const line of typed)
      assert.match(line, /^\[burn \w{13}\] Read all \d+ lines of [\w./-]+ \(sha256 [0-9a-f]{16}\) and do what it says\.$/)
    const repo = join(fleet.dir, 'w/box/W/A')
    execFileSync('git', ['init', '--quiet', repo])
    assert.equal(execFileSync('git', ['-C', repo, 'status', '--porcelain'], { encoding: 'utf8' }), '', 'git ignores the files')
  })

  test('texts: a truncated text is mangled and its issue stays taken', async (t) => {
    const fleet = fleetOf(t, (dir) => ({ CUT: standIn(dir, '--turn-ms', '50', '--cut', '60') }))
    mkdirSync(join(fleet.dir, 'home/.hermes'), { recursive: true })
    writeFileSync(join(fleet.dir, 'home/.hermes/config.yaml'), 'model: {default: m}\n')
    writeIssues(fleet.dir, 'app', [{ title: 'Only', body: longBody(1) }])
    writeFileSync(join(fleet.dir, 'writers'), 'ann\n')
    await fleet.burn('up')
    await fleet.burn('christen')
    const short = await sendTo(fleet, 'CUT', 'yes, go on')
    assert.deepEqual([short?.state, short?.proof], ['seen', 'text'], short?.evidence)
    const { code, out } = await fleet.burn('dispatch', '--json')
    const { claimed, deliveries } = JSON.parse(out) as Cycle
    assert.deepEqual([code, deliveries.map(({ state }) => state)], [3, ['mangled']])
    const workers = async () => (await fleet.burn('status', '--json')).json<{ machines: { windows: { workers: Worker[] }[] }[] }>()
    assert.deepEqual(
      (await workers()).machines[0]?.windows[0]?.workers.map(({ texts }) => texts.map(({ issue, state, proof }) => [issue, state, proof])),
      [[[claimed[0]?.issue, 'mangled', null]]],
    )
    assert.match((await fleet.burn('explain', 'app#1')).out, /mangled/)
    assert.equal((await fleet.burn('dispatch', '--json')).json<Cycle>().claimed.length, 0, 'no other worker gets the issue')
  })

  test('texts: burn removes a line if the agent ignores every Enter', async (t) => {
    // The identity is the first text. None of it may stay in the composer.
    const fleet = fleetOf(t, (dir) => ({ DEAF: { ...standIn(dir, '--turn-ms', '50', '--swallow', '3'), hooks: false } }))
    mkdirSync(join(fleet.dir, 'issues/app'), { recursive: true })
    await fleet.burn('up')
    assert.match((await fleet.burn('christen')).out, /1 unproven/)
    const next = await sendTo(fleet, 'DEAF', 'are you there?', '--wait', '10')
    assert.equal(next?.state, 'seen', next?.evidence)
    assert.deepEqual(
      textsIn(fleet, 'DEAF').map((text) => text.replace(/^\[burn \w+\] /, '')),
      ['are you there?'],
    )
    // burn keeps a person's draft, even if it begins like a line of burn.
    const pane = paneOf(fleet, 'DEAF')
    tmux(fleet, 'send-keys', '-t', pane, '-l', '[burn 1m7y6ewdbs30w] is what I ask about')
    await until('the draft is on the screen', () => tmux(fleet, 'capture-pane', '-p', '-t', pane).includes('is what I ask about'))
    assert.match((await sendTo(fleet, 'DEAF', 'hello', '--wait', '1'))?.evidence ?? '', /a draft is in the composer/)
    assert.match(tmux(fleet, 'capture-pane', '-p', '-t', pane), /is what I ask about/)
  })

  test('texts: low and narrow panes take long texts, idle and busy', async (t) => {
    const sizes = { LOW: [39, 6], NARROW: [57, 12] } as const
    const fleet = fleetOf(t, (dir) =>
      Object.fromEntries(
        Object.keys(sizes).map((name) => [name, { ...standIn(dir, '--turn-ms', '1500', '--echo-ms', '300'), hooks: false }]),
      ),
    )
    mkdirSync(join(fleet.dir, 'issues/app'), { recursive: true })
    await fleet.burn('up')
    assert.equal((await fleet.burn('christen')).code, 0)
    const one = 'words to work on, and more of them; '.repeat(34).trim()
    for (const [name, [width, height]] of Object.entries(sizes)) {
      const pane = paneOf(fleet, name)
      // A pane of its own window can have any size, because panes of one window share its size.
      tmux(fleet, 'break-pane', '-d', '-s', pane)
      tmux(fleet, 'resize-window', '-t', pane, '-x', String(width), '-y', String(height))
    }
    for (const name of Object.keys(sizes)) {
      const pane = paneOf(fleet, name)
      const [idle, busy, last] = [`first ${one}`, `second ${one}`, `third ${one}`]
      assert.notEqual((await sendTo(fleet, name, idle))?.state, 'refused', name)
      await sendTo(fleet, name, busy, '--wait', '20')
      await sendTo(fleet, name, last, '--wait', '20')
      const got = () => textsIn(fleet, name, pane).flatMap((text) => /^(first|second|third) words/m.exec(text)?.[1] ?? [])
      await until(`${name} has all of them, in their order`, () => got().join() === 'first,second,third')
      await until('nothing stays', () => !tmux(fleet, 'capture-pane', '-p', '-t', pane).split('\n').slice(-4).join('').includes('[burn'))
    }
  })

  test('texts: nothing is typed if the file cannot be written', async (t) => {
    const fleet = fleetOf(t, (dir) => ({ ANN: { ...standIn(dir, '--turn-ms', '50'), hooks: false } }))
    mkdirSync(join(fleet.dir, 'issues/app'), { recursive: true })
    await fleet.burn('up')
    await fleet.burn('christen')
    const log = () =>
      readdirSync(join(fleet.dir, 'agents')).flatMap((name) => jsonLines<{ event: string }>(join(fleet.dir, 'agents', name)))
    await until('the first turn has ended', () => log().some(({ event }) => event === 'turn_end'))
    const folder = join(fleet.dir, 'w/box/W/ANN')
    execFileSync('rm', ['-r', join(folder, '.burn')])
    symlinkSync(join(fleet.dir, 'issues'), join(folder, '.burn'))
    const sent = await sendTo(fleet, 'ANN', 'two\nlines', '--wait', '1')
    assert.equal(sent?.state, 'refused')
    assert.match(sent?.evidence ?? '', /burn could not write the text to a file: .*symbolic link/)
    assert.deepEqual(readdirSync(join(fleet.dir, 'issues')), ['app'], 'nothing was written where the link leads')
    assert.equal(textsIn(fleet, 'ANN').length, 1)
  })
})
