/** Paths that a model may name: whatever is tried, nothing outside of the workspace is read or written. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { inFolder, openFile } from '../../src/sandbox/paths.ts'
import { opened, put, secret, without, type Wanted } from './opened.ts'

const linux = process.platform === 'linux' ? false : 'no /proc here'

/** A workspace with links of every kind; what is read and written here needs no bubblewrap. */
const linked: Wanted = {
  policy: { use: 'off' },
  make: ({ dir, base }) => {
    put(join(dir, '.git/config'), '[core]\n')
    put(join(dir, 'file'), 'plain\n')
    put(join(dir, 'folder/deep/file'), 'deep\n')
    put(join(dir, 'folder/.git/config'), 'nested\n')
    put(join(base, 'outside/file'), secret)
    const links = {
      'to-file': '../outside/file',
      'to-folder': '../outside',
      absolute: join(base, 'outside/file'),
      dangling: '../outside/new',
      inside: 'file',
      'inside-folder': 'folder/deep',
      loop: 'loop',
      'to-git': '.git',
      'folder/up': '../..',
    }
    for (const [name, to] of Object.entries(links)) symlinkSync(to, join(dir, name))
  },
}

const refused: readonly (readonly [string, RegExp])[] = [
  ['../outside/file', /^the path leaves the workspace/],
  ['folder/../../outside/file', /^the path leaves the workspace/],
  ['/etc/passwd', /^the path leaves the workspace/],
  ['to-file', /^the path leaves the workspace: to-file is a symbolic link to \.\.\/outside\/file$/],
  ['to-folder/file', /^the path leaves the workspace: to-folder is a symbolic link/],
  ['absolute', /^the path leaves the workspace: absolute is a symbolic link/],
  ['dangling', /^the path leaves the workspace: dangling is a symbolic link/],
  ['folder/up/outside/file', /^the path leaves the workspace: folder\/up is a symbolic link/],
  ['inside', /^inside is a symbolic link to file, and links are not followed: use the path file$/],
  ['inside-folder/file', /use the path folder\/deep$/],
  ['loop', /is a symbolic link/],
  ['to-git/config', /to-git is a symbolic link/],
  ['.git/config', /^the workspace's \.git can't be read or written with this tool: use git status/],
  ['.git', /\.git can't be read or written/],
  ['.GIT/hooks/pre-commit', /\.git can't be read or written/],
  ['./folder/../.git/config', /\.git can't be read or written/],
  ['folder', /^folder is a folder/],
  ['file/more', /^file is not a folder$/],
  ['.', /folder|workspace itself/],
  ['', /^the path is empty/],
  ['fi\0le', /NUL/],
  ['x'.repeat(300), /longer than 255 bytes/],
]

test('each way out is refused by each tool, with a line that says why', async (t) => {
  const { call, base } = await opened(t, linked)
  for (const [path, why] of refused) {
    const answers = [
      await call('read_file', { path }),
      await call('write_file', { path, content: 'x' }),
      await call('edit_file', { path, old: 'h', new: 'x' }),
    ]
    for (const { ok, text } of answers) {
      assert.equal(ok, false, path)
      assert.match(text, why, path)
      assert.doesNotMatch(text, new RegExp(secret))
    }
  }
  assert.deepEqual(readdirSync(join(base, 'outside')), ['file'])
  assert.equal(readFileSync(join(base, 'outside/file'), 'utf8'), secret)
})

test('a search is refused the same ways', async (t) => {
  const { call } = await opened(t, linked)
  for (const [path, why] of refused.filter(([path]) => !['folder', '.'].includes(path))) {
    const { ok, text } = await call('search', { pattern: 'hush', path })
    assert.equal(ok, false, path)
    assert.match(text, why, path)
  }
  assert.equal((await call('search', { pattern: 'hush|core' })).text, 'nothing matches')
})

test('pipes, sockets and devices are never opened', async (t) => {
  const { call, dir } = await opened(t, linked)
  execFileSync('mkfifo', [join(dir, 'pipe')])
  for (const tool of ['read_file', 'edit_file', 'write_file', 'search']) {
    const { ok, text } = await call(
      tool,
      {
        read_file: { path: 'pipe' },
        edit_file: { path: 'pipe', old: 'a', new: 'b' },
        write_file: { path: 'pipe', content: '' },
        search: { pattern: 'a', path: 'pipe' },
      }[tool],
    )
    assert.deepEqual(
      { ok, text },
      { ok: false, text: 'pipe is not a regular file (a pipe, socket or device), which this tool does not open' },
    )
  }
})

test('a link that a command makes is refused, whatever was there before', { skip: without }, async (t) => {
  const { call, run, base } = await opened(t)
  assert.equal((await call('write_file', { path: 'sub/file', content: 'one' })).ok, true)
  assert.equal((await run(`ln -sfn ${base}/sibling/file sub/file; mkdir x; ln -s ${base}/sibling x/sub`)).code, 0)
  for (const path of ['sub/file', 'x/sub/file', 'x/sub/new']) {
    assert.match((await call('read_file', { path })).text, /^the path leaves the workspace/)
    assert.match((await call('write_file', { path, content: 'x' })).text, /^the path leaves the workspace/)
    assert.match((await call('edit_file', { path, old: 'h', new: 'x' })).text, /^the path leaves the workspace/)
  }
  assert.deepEqual(readdirSync(join(base, 'sibling')), ['file'])
  assert.equal(readFileSync(join(base, 'sibling/file'), 'utf8'), secret)
})

test('a folder that is swapped for a link while it is used stays the one that it was', { skip: linux }, async (t) => {
  const { dir, base } = await opened(t, linked)
  const parts = ['folder', 'deep', 'file']
  await inFolder(dir, parts, { make: false }, async (folder) => {
    renameSync(join(dir, 'folder/deep'), join(dir, 'kept'))
    symlinkSync('../../outside', join(dir, 'folder/deep'))
    const file = await openFile(folder, dir, parts)
    assert.equal(await file.readFile('utf8'), 'deep\n')
    await file.close()
    writeFileSync(folder.at('new'), 'x')
  })
  assert.deepEqual(readdirSync(join(dir, 'kept')).toSorted(), ['file', 'new'])
  assert.deepEqual(readdirSync(join(base, 'outside')), ['file'])
})

test('paths at random: what the tools read and write is what the file system says lies inside', async (t) => {
  const { call, dir, base } = await opened(t, linked)
  const names = [
    '..',
    '.',
    '',
    'file',
    'folder',
    'deep',
    'up',
    'to-file',
    'to-folder',
    'absolute',
    'dangling',
    'inside',
    'inside-folder',
    'loop',
    'to-git',
    '.git',
    'config',
    'outside',
    'workspace',
    'new',
    '\0',
    '~',
    '*',
    '…',
    ' ',
  ]
  const hostile = fc
    .tuple(fc.constantFrom('', '/', `${dir}/`, `${base}/`, `${dir}/../`, '.', '//'), fc.array(fc.constantFrom(...names), { maxLength: 6 }))
    .map(([start, parts]) => start + parts.join('/'))
  const seed = Date.now() % 1_000_000
  t.diagnostic(`seed ${seed}`)
  const outside = () => execFileSync('find', [base, '-path', dir, '-prune', '-o', '-printf', '%p %l %s %T@\\n'], { encoding: 'utf8' })
  const before = outside()
  await fc.assert(
    fc.asyncProperty(hostile, async (path) => {
      const expected = plainFile(dir, path)
      const read = await call('read_file', { path })
      assert.equal(read.ok, expected !== null, read.text)
      if (expected !== null) assert.ok(read.text.includes(readFileSync(expected, 'utf8').trim().split('\n')[0] ?? ''))
      const written = await call('write_file', { path, content: 'written\n' })
      assert.equal(written.ok, written.ok && holds(dir, path) && readFileSync(resolve(dir, path), 'utf8') === 'written\n', written.text)
      if (expected !== null && !path.endsWith('/')) assert.equal(written.ok, true, written.text)
    }),
    { seed, numRuns: 400 },
  )
  assert.equal(outside(), before)
  assert.equal(readFileSync(join(dir, '.git/config'), 'utf8'), '[core]\n')
})

/** The file that a path names without a link on the way, as realpath sees it; null where it is none, or not the tools' to read. */
function plainFile(dir: string, path: string): string | null {
  if (path === '' || path.includes('\0')) return null
  const full = resolve(dir, path)
  if (!existsSync(full) || !statSync(full).isFile() || realpathSync(full) !== full) return null
  return holds(dir, path) ? full : null
}

/** Whether a path leads, by way of no link, to a file of the workspace that is not git's. */
function holds(dir: string, path: string): boolean {
  const full = resolve(dir, path)
  const inside = relative(dir, full)
  const real = lstatSync(full, { throwIfNoEntry: false })?.isFile() === true && realpathSync(full) === full
  return real && !['..', '.git'].includes(inside.split('/')[0] ?? '')
}
