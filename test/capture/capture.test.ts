/** `burn capture --all` on a real tmux server with hostile screens. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { PaneRecord, SnapshotHead } from '../../src/capture/snapshot.ts'
import type { SnapshotDiff } from '../../src/capture/diff.ts'
import { jsonLines } from '../support/json-lines.ts'
import { testFleet, until, type Fleet } from '../support/fleet.ts'
import { tmuxOn } from '../support/tmux.ts'

const esc = '\u001b'
/** A screen with everything that a page or a terminal could execute, and with secrets. */
const hostile = [
  `</script><script>alert(1)</script>"'&<img src=x onerror=alert(2)>`,
  `${esc}]8;;http://evil.example/${esc}\\link${esc}]8;;${esc}\\ ${esc}]52;c;cm0gLXJm\u0007clip ${esc}]0;title</title>\u0007`,
  `${esc}[1;38;2;255;128;0morange ${esc}[7mreverse${esc}[0m ${esc}[48;5;19mbar${esc}[0m`,
  `漢字 🚀 é ${esc}(0lqk${esc}(B`,
  `token hunter${esc}[31m22secret${esc}[0m key sk-proj-0123456789abcdefgh`,
  'last row',
]

const ends: (() => unknown)[] = []
let fleet: Fleet

/** Runs a command in place of the process of a pane, and waits until its screen shows a text. */
async function show(pane: string, rows: readonly string[], shown: string): Promise<void> {
  const file = join(fleet.dir, `screen-${pane.slice(1)}`)
  writeFileSync(file, rows.join('\r\n'))
  tmuxOn(fleet.socket, 'respawn-pane', '-k', '-t', pane, `cat ${file}; exec sleep 1000`)
  await until(`${pane} shows ${shown}`, () => tmuxOn(fleet.socket, 'capture-pane', '-p', '-S', '-', '-t', pane).includes(shown))
}

const paneIds = () => tmuxOn(fleet.socket, 'list-panes', '-a', '-F', '#{pane_id}').trim().split('\n')
const headOf = (dir: string) => JSON.parse(readFileSync(join(dir, 'snapshot.json'), 'utf8')) as SnapshotHead
const panesOf = (dir: string) => jsonLines<PaneRecord>(join(dir, 'panes.jsonl'))
const paneOf = (dir: string, id: string) => {
  const found = panesOf(dir).find(({ pane }) => pane === id)
  assert.ok(found !== undefined)
  return { ...found, rows: readFileSync(join(dir, found.text), 'utf8').split('\n'), styled: readFileSync(join(dir, found.ansi), 'utf8') }
}
const out = (name: string) => join(fleet.dir, 'out', name)

before(async () => {
  fleet = testFleet({ after: (end) => void ends.unshift(end as () => unknown) }, (dir, socket) => ({
    name: 'f',
    session: 'F',
    socket,
    dir: join(dir, 'w'),
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'gitea', url: 'http://127.0.0.1:9', owner: 'me', token: { file: join(dir, 'token') } },
    snapshot: { interval: '1h', dir: join(dir, 'kept'), keep: 2 },
    machines: {
      box: { windows: [{ name: 'W', names: ['ANN', 'BEN'], repos: ['app'] }] },
      gone: { exec: ['false'], windows: [{ name: 'G', names: ['CAT'], repos: ['app'] }] },
    },
  }))
  writeFileSync(join(fleet.dir, 'token'), 'hunter22secret', { mode: 0o600 })
  const up = await fleet.burn('up', 'box')
  assert.equal(up.code, 0, up.err)
  const [first = '', second = ''] = paneIds()
  await show(first, hostile, 'last row')
  await show(
    second,
    Array.from({ length: 200 }, (_, row) => `row ${row}`),
    'row 199',
  )
})
after(async () => {
  for (const end of ends) await end()
})

test('capture: saves every pane in a private folder', async () => {
  const dir = out('one')
  const ran = await fleet.burn('capture', '--all', '--lines', '20', '--output', dir, '--json')
  assert.equal(ran.code, 3, 'a machine is unreachable')
  assert.equal(ran.json<{ saved: { panes: number } }>().saved.panes, 2)
  assert.equal(statSync(dir).mode & 0o777, 0o700)
  for (const name of readdirSync(dir)) assert.equal(statSync(join(dir, name)).mode & 0o777, 0o600, name)
  assert.deepEqual(readdirSync(join(fleet.dir, 'out')), ['one'], 'no temporary folder is left')
  const head = headOf(dir)
  assert.deepEqual(
    head.machines.map(({ name, state }) => [name, state]),
    [
      ['box', 'up'],
      ['gone', 'unreachable'],
    ],
  )
  assert.deepEqual(
    head.absent.map(({ worker, reading }) => [worker, reading.state]),
    [['gone/G/CAT', 'unreachable']],
  )
  const [ann, ben] = panesOf(dir)
  assert.deepEqual([ann?.worker, ben?.worker], ['box/W/ANN', 'box/W/BEN'])
  assert.ok(ann !== undefined && ben !== undefined && (ann.left !== ben.left || ann.top !== ben.top))
  assert.equal(ann.reading?.state, 'dead')
  assert.match(ann.reading.evidence, /no agent was started/)
})

test('capture: rows equal those of tmux, with the asked history', () => {
  const id = paneIds()[1] ?? ''
  const { rows, history_rows } = paneOf(out('one'), id)
  assert.equal(history_rows, 20)
  assert.deepEqual(rows, tmuxOn(fleet.socket, 'capture-pane', '-p', '-S', '-20', '-t', id).split('\n'))
})

test('capture: keeps colours, wide characters and lines, and no other sequence', () => {
  const { rows, styled } = paneOf(out('one'), paneIds()[0] ?? '')
  assert.ok(rows.includes('漢字 🚀 é ┌─┐'))
  assert.doesNotMatch(rows.join(''), /[\u0000-\u001f\u007f-\u009f]|evil/)
  assert.match(styled, /\u001b\[1;38;2;255;128;0morange \u001b\[0m/)
  assert.doesNotMatch(styled.replace(/\u001b\[[\d;]*m/g, ''), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
})

test('capture: masks secrets of the spec and common tokens', async () => {
  const dir = out('masked')
  await fleet.burn('capture', '--all', '--html', '--output', dir)
  for (const name of readdirSync(dir)) assert.doesNotMatch(readFileSync(join(dir, name), 'utf8'), /hunter|22secret|sk-proj/, name)
  assert.ok(paneOf(dir, paneIds()[0] ?? '').rows.includes(`token ${'*'.repeat(14)} key ${'*'.repeat(26)}`))
})

test('capture: reports secrets that it could not read', async () => {
  chmodSync(join(fleet.dir, 'token'), 0o644)
  const ran = await fleet.burn('capture', '--all', '--machine', 'box', '--output', out('unread'))
  chmodSync(join(fleet.dir, 'token'), 0o600)
  assert.equal(ran.code, 0)
  assert.match(ran.err, /could not read 1 secret/)
  assert.equal(headOf(out('unread')).unread_secrets, 1)
})

test('page: is one file that runs only its own script', () => {
  const page = readFileSync(join(out('masked'), 'index.html'), 'utf8')
  const [, policy = ''] = /Content-Security-Policy" content="([^"]+)"/.exec(page) ?? []
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  const between = (tag: string) => [...page.matchAll(new RegExp(`<${tag}>([^]*?)</${tag}>`, 'g'))].map(([, text = '']) => text)
  const [scripts, styles] = [between('script'), between('style')]
  assert.equal(scripts.length, 1)
  assert.equal(styles.length, 1)
  assert.equal(
    policy,
    `default-src 'none'; style-src ${hash(styles[0] ?? '')}; script-src ${hash(scripts[0] ?? '')}; base-uri 'none'; form-action 'none'`,
  )
  const text = page.replace(/<(script|style)>[^]*?<\/\1>/g, '')
  assert.doesNotMatch(
    text,
    /<(?!\/?(?:!doctype|html|head|meta|title|style|body|header|h[1-4]|time|p|input|output|main|section|div|article|button|em|span|i|b|ul|li)\b)/i,
  )
  assert.doesNotMatch(text, /<[^>]*\s(?:on\w+|style|href|src)=/)
  assert.match(text, /&#60;\/script&#62;&#60;script&#62;alert\(1\)/)
  assert.match(text, /<b>漢<\/b><b>字<\/b>/)
})

test('page: shows the panes of a zoomed window as a list', async () => {
  const [first = ''] = paneIds()
  tmuxOn(fleet.socket, 'resize-pane', '-Z', '-t', first)
  await fleet.burn('capture', '--all', '--html', '--machine', 'box', '--output', out('zoomed'))
  tmuxOn(fleet.socket, 'resize-pane', '-Z', '-t', first)
  assert.ok(paneOf(out('zoomed'), first).zoomed)
  assert.match(readFileSync(join(out('zoomed'), 'index.html'), 'utf8'), /class="frame flow"/)
})

test('capture: refuses a folder that exists', async () => {
  const ran = await fleet.burn('capture', '--all', '--machine', 'box', '--output', out('one'))
  assert.equal(ran.code, 1)
  assert.match(ran.err, /folder_exists/)
})

test('telemetry: refuses places that git would track', async () => {
  const repo = join(fleet.dir, 'repo')
  mkdirSync(join(repo, 'deep'), { recursive: true })
  execFileSync('git', ['init', '-q', repo])
  writeFileSync(join(repo, '.gitignore'), 'ignored/\n')
  const refused = await fleet.burn('capture', '--all', '--machine', 'box', '--output', join(repo, 'deep', 'new', 'one'))
  assert.equal(refused.code, 1)
  assert.match(refused.err, /folder_tracked/)
  assert.deepEqual(readdirSync(join(repo, 'deep')), [])
  assert.equal((await fleet.burn('capture', '--all', '--machine', 'box', '--output', join(repo, 'ignored', 'one'))).code, 0)
  const exported = (place: string) => fleet.burn('log', '--format', 'csv', '--output', join(repo, place))
  assert.match((await exported('deep/t.csv')).err, /folder_tracked/)
  assert.equal((await exported('ignored/t.csv')).code, 0)
  const spec = readFileSync(join(fleet.dir, 'fleet-spec.json'), 'utf8')
  fleet.writeSpec({ ...(JSON.parse(spec) as object), ledger: `sqlite:${repo}/l.db` })
  assert.match((await fleet.burn('job', 'run', 'collect')).err, /git would track the ledger .*folder_tracked/)
  fleet.writeSpec(JSON.parse(spec) as object)
})

test('diff: shows changed rows, changed states and unknown panes', async () => {
  const id = paneIds()[1] ?? ''
  await show(id, ['row 0', 'row 1 changed'], 'row 1 changed')
  await fleet.burn('capture', '--all', '--machine', 'box', '--output', out('two'))
  const { diff } = (await fleet.burn('capture', '--diff', out('masked'), out('two'), '--json')).json<{ diff: SnapshotDiff }>()
  assert.equal(diff.same, 1)
  const [ben] = diff.panes
  assert.equal(ben?.pane, 'box/W/BEN')
  assert.ok(ben.added.some(({ row, text }) => row === 2 && text === 'row 1 changed'))
  assert.ok(ben.removed.some(({ text }) => text === 'row 199'))
  const printed = await fleet.burn('capture', '--diff', out('masked'), out('two'))
  assert.match(printed.out, /box\/W\/BEN: \d+ rows changed\n/)
  assert.match(printed.out, /\n {2}\+ row 1 changed\n/)
})

test('diff: refuses folders that are no snapshots', async () => {
  const dir = out('forged')
  mkdirSync(dir)
  writeFileSync(join(dir, 'snapshot.json'), '{"version":1}')
  writeFileSync(join(dir, 'panes.jsonl'), '{"text":"../../token"}\n')
  for (const wrong of [dir, out('nowhere')]) {
    const ran = await fleet.burn('capture', '--diff', out('one'), wrong)
    assert.equal(ran.code, 2)
    assert.match(ran.err, /snapshot_unreadable/)
  }
})

test('capture: asks for exactly one of worker, --all and --diff', async () => {
  for (const words of [[], ['ANN', '--all'], ['ANN', '--html'], ['--all', '--lines', '1001'], ['--diff', 'a']]) {
    const ran = await fleet.burn('capture', ...words)
    assert.equal(ran.code, 2, words.join(' '))
    assert.match(ran.err, /usage/)
  }
})

test('snapshot job: keeps the newest snapshots, and nothing unfinished', async () => {
  const kept = join(fleet.dir, 'kept')
  for (const name of ['2020-01-01T000000000Z', '2020-01-02T000000000Z.partial-abc', 'mine'])
    mkdirSync(join(kept, name), { recursive: true })
  for (let turn = 0; turn < 3; turn++) {
    const ran = await fleet.burn('job', 'run', 'snapshot', '--machine', 'box')
    assert.match(ran.out, /^snapshot: 2 panes in .*, deleted [01] old snapshots?\n$/)
  }
  const names = readdirSync(kept).sort()
  assert.equal(names.length, 3)
  assert.equal(names[2], 'mine')
  assert.ok(names.slice(0, 2).every((name) => /^\d{4}-\d\d-\d\dT\d{9}Z$/.test(name) && name > '2021'))
})

test('capture: explains a machine without a tmux server, and wrong options', async (t) => {
  const fleet = testFleet(t, (dir, socket) => ({
    name: 'f',
    socket,
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'me' },
    machines: { box: { windows: [{ name: 'W', names: ['ANN'], repos: ['app'] }] } },
  }))
  const { code, out, err } = await fleet.burn('capture', '--all', '--output', join(fleet.dir, 'none'))
  assert.deepEqual([code, out], [0, `saved 0 panes of 1 machine: ${fleet.dir}/none\n`])
  assert.equal(err, 'box: no tmux server runs. Run burn up.\n')
  const both = await fleet.burn('capture', 'ANN', '--all')
  assert.equal(both.code, 2)
  assert.match(both.err, /burn capture needs exactly one of these: a worker, --all, --diff/)
})
