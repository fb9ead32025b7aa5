/** The tools of a model: their results and their errors. */
import assert from 'node:assert/strict'
import { chmodSync, linkSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Ajv from 'ajv'
import { workspaceTools } from '../../src/sandbox/tools.ts'
import { opened, putFile } from './opened.ts'

const unconfined = { policy: { use: 'off' } } as const

test('tools: describe their arguments as JSON Schema', async (t) => {
  const { sandbox } = await opened(t, unconfined)
  const tools = workspaceTools(sandbox)
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['run_command', 'read_file', 'write_file', 'edit_file', 'search'],
  )
  for (const { parameters } of tools) assert.ok(new Ajv.Ajv({ strict: true }).compile(parameters))
})

test('tools: report all wrong arguments at once', async (t) => {
  const { call, dir } = await opened(t, unconfined)
  const before = readdirSync(dir)
  const cases: readonly (readonly [string, unknown, RegExp])[] = [
    ['read_file', {}, /^path is missing\. The arguments are: path, from_line, lines, from_byte$/],
    ['read_file', { path: 'a', from_line: 0 }, /from_line must be at least 1/],
    ['read_file', { path: 'a', from_line: 1.5 }, /from_line must be an integer/],
    ['read_file', { path: 'a', lines: '5' }, /lines must be an integer/],
    ['write_file', { path: 7, text: '' }, /^there is no argument text; path must be a string; content is missing\./],
    ['edit_file', { path: 'a', old: 'a', new: 'b', all: 'yes' }, /all must be a boolean/],
    ['run_command', { command: ['ls'] }, /command must be a string/],
    ['run_command', { command: 'a\0b' }, /NUL/],
    ['search', { pattern: '' }, /the pattern must be one line/],
    ['search', { pattern: 'a', __proto__: null, toString: 'x' }, /there is no argument toString/],
    ['read_file', null, /must be a JSON object/],
    ['read_file', ['a'], /must be a JSON object/],
    ['read_file', 'a', /must be a JSON object/],
  ]
  for (const [tool, args, problem] of cases) {
    const { ok, text } = await call(tool, args)
    assert.equal(ok, false)
    assert.match(text, problem)
  }
  assert.deepEqual(readdirSync(dir), before)
})

test('read_file: shows a range of lines and the next range', async (t) => {
  const { call, dir } = await opened(t, unconfined)
  putFile(join(dir, 'few'), 'one\ntwo\n\nfour')
  assert.equal((await call('read_file', { path: 'few' })).text, '     1\tone\n     2\ttwo\n     3\t\n     4\tfour')
  assert.equal(
    (await call('read_file', { path: 'few', from_line: 2, lines: 1 })).text,
    '     2\ttwo\n[more follows: continue with from_line 3; the file has 13 bytes]',
  )
  assert.equal((await call('read_file', { path: join(dir, 'few'), from_line: 4 })).text, '     4\tfour')
  assert.match((await call('read_file', { path: 'few', from_line: 5 })).text, /the file has only 4 lines/)
  putFile(join(dir, 'empty'), '')
  assert.deepEqual(await call('read_file', { path: 'empty' }), { ok: true, text: 'empty is empty' })
  assert.match((await call('read_file', { path: 'fewer' })).text, /^there is no fewer in the workspace/)
  assert.match((await call('read_file', { path: 'no/such' })).text, /^there is no no in the workspace/)
})

test('read_file: ranges show every line once', async (t) => {
  const { call, dir } = await opened(t, unconfined)
  const lines = Array.from({ length: 6_000 }, (_, index) => `${index} ${'x'.repeat((index * 7919) % 90)}`)
  putFile(join(dir, 'long'), `${lines.join('\n')}\n`)
  const shownLines: string[] = []
  for (let from_line: number | null = 1; from_line !== null;) {
    const { ok, text } = await call('read_file', { path: 'long', from_line, lines: 1000 })
    assert.ok(ok && text.length < 64 * 1024, text.slice(0, 200))
    shownLines.push(...text.split('\n').flatMap((line) => /^ *\d+\t(.*)$/.exec(line)?.[1] ?? []))
    const next = /\[more follows: continue with from_line (\d+);/.exec(text)?.[1]
    from_line = next === undefined ? null : Number(next)
  }
  assert.deepEqual(shownLines, lines)
})

test('read_file: reads a huge line by bytes, and stops when asked', async (t) => {
  const { call, dir } = await opened(t, unconfined)
  putFile(join(dir, 'line'), 'é'.repeat(100_000))
  const first = await call('read_file', { path: 'line' })
  assert.match(first.text, /^ {5}1\té+\n\[line 1 continues: use from_byte 32768\]$/)
  assert.match((await call('read_file', { path: 'line', from_byte: 199_990 })).text, /^ééééé$/)
  assert.match((await call('read_file', { path: 'line', from_byte: 200_000 })).text, /only 200000 bytes/)
  putFile(join(dir, 'sparse'), 'a'.repeat(10_000))
  truncateSync(join(dir, 'sparse'), 2 ** 41)
  assert.match((await call('read_file', { path: 'sparse', from_line: 9 }, AbortSignal.abort())).text, /stopped/)
  assert.match((await call('edit_file', { path: 'sparse', old: 'a', new: 'b' })).text, /too large for this tool/)
})

test('tools: show no binary file and edit only UTF-8', async (t) => {
  const { call, dir } = await opened(t, unconfined)
  writeFileSync(join(dir, 'binary'), Buffer.from([0x7f, 0x45, 0, 1]))
  writeFileSync(join(dir, 'latin'), Buffer.from('caf\xe9\n', 'latin1'))
  assert.match((await call('read_file', { path: 'binary' })).text, /^binary is a binary file of 4 bytes: inspect it with the commands file/)
  assert.match((await call('edit_file', { path: 'latin', old: 'caf', new: 'x' })).text, /is not UTF-8/)
  assert.deepEqual(readFileSync(join(dir, 'latin')), Buffer.from('caf\xe9\n', 'latin1'))
})

test('write_file: replaces the file and keeps its mode', async (t) => {
  const { call, dir } = await opened(t, unconfined)
  assert.deepEqual(await call('write_file', { path: 'new/deep/file', content: 'ü\n' }), {
    ok: true,
    text: 'created new/deep/file (3 bytes)',
  })
  putFile(join(dir, 'script'), 'old')
  chmodSync(join(dir, 'script'), 0o751)
  linkSync(join(dir, 'script'), join(dir, 'other-name'))
  assert.deepEqual(await call('write_file', { path: 'script', content: 'new' }), { ok: true, text: 'replaced script (3 bytes)' })
  assert.equal(statSync(join(dir, 'script')).mode & 0o7777, 0o751)
  assert.equal(readFileSync(join(dir, 'other-name'), 'utf8'), 'old')
  assert.match((await call('write_file', { path: 'folder/', content: '' })).text, /names a folder/)
  assert.match((await call('write_file', { path: 'huge', content: 'x'.repeat(5 * 2 ** 20) })).text, /more than 4194304 bytes/)
  assert.deepEqual(readdirSync(dir).toSorted(), ['.git', 'new', 'other-name', 'script'])
})

test('edit_file: replaces a unique text, and reports others', async (t) => {
  const { call, dir } = await opened(t, unconfined)
  const edit = (old: string, replacement: string, all?: boolean) =>
    call('edit_file', { path: 'f', old, new: replacement, all: all ?? null })
  const text = () => readFileSync(join(dir, 'f'), 'utf8')
  putFile(join(dir, 'f'), 'a\nb\na\nc\n')
  assert.match((await edit('x', 'y')).text, /^"old" does not occur in the file: it must match exactly/)
  assert.match((await edit('a', 'y')).text, /^"old" occurs 2 times \(lines 1, 3\): add lines around it/)
  assert.match((await edit('', 'y')).text, /^"old" is empty/)
  assert.match((await edit('b', 'b')).text, /are the same/)
  assert.equal(text(), 'a\nb\na\nc\n')
  assert.deepEqual(await edit('b\na', "$& $1 $'"), { ok: true, text: 'replaced 1 match in f' })
  assert.equal(text(), "a\n$& $1 $'\nc\n")
  putFile(join(dir, 'f'), 'aaaa')
  assert.deepEqual(await edit('a', 'b', true), { ok: true, text: 'replaced 4 matches in f' })
  assert.equal(text(), 'bbbb')
})

test('edit_file: keeps carriage returns', async (t) => {
  const { call, dir } = await opened(t, unconfined)
  putFile(join(dir, 'f'), '\ufeffone\r\ntwo\r\nthree\r\n')
  assert.equal((await call('edit_file', { path: 'f', old: 'one\ntwo', new: 'one\n2\n3' })).ok, true)
  assert.equal(readFileSync(join(dir, 'f'), 'utf8'), '\ufeffone\r\n2\r\n3\r\nthree\r\n')
})

test('run_command: returns the output, the notes and the exit code', async (t) => {
  const { call } = await opened(t, unconfined)
  assert.deepEqual(await call('run_command', { command: 'true' }).then(({ ok }) => ok), true)
  const { ok, text } = await call('run_command', { command: 'echo a; echo b >&2; exit 7' })
  assert.equal(ok, false)
  assert.match(text, /^a\nb\n\[not confined: without bubblewrap \("off" in the spec\)\]\n(?:\[.*\]\n)*\[exit code 7\]$/)
  assert.match((await call('run_command', { command: 'kill -9 $$' })).text, /\[(?:ended by SIGKILL|exit code 137)\]$/)
})

for (const git of [true, false]) {
  test(`search: ${git ? 'with git skips ignored files' : 'without git finds the same lines'}`, async (t) => {
    const { call, dir, run } = await opened(t, { ...unconfined, make: () => undefined })
    if (git) assert.equal((await run('git init -q .')).code, 0)
    putFile(join(dir, 'src/a.ts'), 'const one = 1\nconst two = 2\nLONG ' + 'x'.repeat(5000) + '\n')
    putFile(join(dir, 'b.md'), 'One (two)\n-e one\n')
    putFile(join(dir, '-e'), 'a file with a name\n')
    putFile(join(dir, '.gitignore'), 'built\n')
    putFile(join(dir, 'binary'), 'one\0')
    if (git) putFile(join(dir, 'built/x'), 'const one = 1\n')
    const searchLines = async (args: object) =>
      (await call('search', args)).text
        .split('\n')
        .toSorted()
        .map((line) => line.replace(/^\.\//, ''))
    assert.deepEqual(await searchLines({ pattern: '^const (one|two)' }), ['src/a.ts:1:const one = 1', 'src/a.ts:2:const two = 2'])
    assert.deepEqual(await searchLines({ pattern: 'one', ignore_case: true, path: 'b.md' }), ['b.md:1:One (two)', 'b.md:2:-e one'])
    assert.deepEqual(await searchLines({ pattern: '(two)', literal: true }), ['b.md:1:One (two)'])
    assert.deepEqual(await searchLines({ pattern: '-e one', literal: true, path: join(dir, 'b.md') }), ['b.md:2:-e one'])
    assert.deepEqual(await searchLines({ pattern: 'name', path: '-e' }), ['-e:1:a file with a name'])
    assert.deepEqual(await searchLines({ pattern: "'; touch escaped; '" }), ['nothing matches'])
    assert.equal((await searchLines({ pattern: 'LONG' }))[0]?.length, 301)
    const wrong = await call('search', { pattern: 'a(' })
    assert.equal(wrong.ok, false)
    assert.match(wrong.text, /^the search failed: /)
    putFile(join(dir, 'many'), 'match\n'.repeat(1000))
    const many = (await call('search', { pattern: 'match', path: 'many' })).text.split('\n')
    assert.equal(many.length, 201)
    assert.equal(many.at(-1), '[more than 200 lines match: use a narrower pattern, or a path]')
    assert.ok(!readdirSync(dir).includes('escaped'))
  })
}

test('search: times out', async (t) => {
  const slow = await opened(t, {
    policy: { use: 'off', timeout: 300 },
    make: ({ base }) => {
      putFile(join(base, 'bin/git'), '#!/bin/sh\nexit 1\n', 0o755)
      putFile(join(base, 'bin/grep'), '#!/bin/sh\nexec sleep 1000\n', 0o755)
    },
    first_path: 'bin',
  })
  const { ok, text } = await slow.call('search', { pattern: 'a' })
  assert.equal(ok, false)
  assert.match(text, /^the search took longer/)
})
