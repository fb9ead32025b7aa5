/** Paths from a model: no path lets a tool read or write outside of the workspace. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { inFolder, openFile } from '../../src/sandbox/paths.ts'
import { opened, putFile, secret, skipReason, type SetupOptions } from './opened.ts'

const skipWithoutProc = process.platform === 'linux' ? false : 'no /proc here'

/** A workspace with every kind of link. The file tools need no bubblewrap. */
const withLinks: SetupOptions = {
  policy: { use: 'off' },
  make: ({ dir, base }) => {
    putFile(join(dir, '.git/config'), '[core]\n')
    putFile(join(dir, 'file'), 'plain\n')
    putFile(join(dir, 'folder/deep/file'), 'deep\n')
    putFile(join(dir, 'folder/.git/config'), 'nested\n')
    putFile(join(base, 'outside/file'), secret)
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

const refusedPaths: readonly (readonly [string, RegExp])[] = [
  ['../outside/file', /^the path leaves the workspace/],
  ['folder/../../outside/file', /^the path leaves the workspace/],
  ['/etc/passwd', /^the path leaves the workspace/],
  ['to-file', /^the path leaves the workspace: to-file is a symbolic link to \.\.\/outside\/file$/],
  ['to-folder/file', /^the path leaves the workspace: to-folder is a symbolic link/],
  ['absolute', /^the path leaves the workspace: absolute is a symbolic link/],
  ['dangling', /^the path leaves the workspace: dangling is a symbolic link/],
  ['folder/up/outside/file', /^the path leaves the workspace: folder\/up is a symbolic link/],
  ['inside', /^inside is a symbolic link to file, and this tool does not follow links: use the path file$/],
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

test('paths: each file tool refuses each way out with a reason', async (t) => {
  const { call, base } = await opened(t, withLinks)
  for (const [path, reason] of refusedPaths) {
    const answers = [
      await call('read_file', { path }),
      await call('write_file', { path, content: 'x' }),
      await call('edit_file', { path, old: 'h', new: 'x' }),
    ]
    for (const { ok, text } of answers) {
      assert.equal(ok, false, path)
      assert.match(text, reason, path)
      assert.doesNotMatch(text, new RegExp(secret))
    }
  }
  assert.deepEqual(readdirSync(join(base, 'outside')), ['file'])
  assert.equal(readFileSync(join(base, 'outside/file'), 'utf8'), secret)
})

test('paths: search refuses the same ways out', async (t) => {
  const { call } = await opened(t, withLinks)
  for (const [path, reason] of refusedPaths.filter(([path]) => !['folder', '.'].includes(path))) {
    const { ok, text } = await call('search', { pattern: 'hush', path })
    assert.equal(ok, false, path)
    assert.match(text, reason, path)
  }
  assert.equal((await call('search', { pattern: 'hush|core' })).text, 'nothing matches')
})

test('paths: the tools open no pipes, sockets or devices', async (t) => {
  const { call, dir } = await opened(t, withLinks)
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
      { ok: false, text: 'pipe is not a regular file (a pipe, socket or device), and this tool does not open it' },
    )
  }
})

test('paths: refuses a link that a command put there', { skip: skipReason }, async (t) => {
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

test('paths: a folder stays the same if a link replaces it', { skip: skipWithoutProc }, async (t) => {
  const { dir, base } = await opened(t, withLinks)
  const parts = ['folder', 'deep', 'file']
  await inFolder(dir, parts, { create: false }, async (folder) => {
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

test('paths: random paths are allowed only inside of the workspace', async (t) => {
  const { call, dir, base } = await opened(t, withLinks)
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
  const hostilePath = fc
    .tuple(fc.constantFrom('', '/', `${dir}/`, `${base}/`, `${dir}/../`, '.', '//'), fc.array(fc.constantFrom(...names), { maxLength: 6 }))
    .map(([start, parts]) => start + parts.join('/'))
  const seed = Date.now() % 1_000_000
  t.diagnostic(`seed ${seed}`)
  const outside = () => execFileSync('find', [base, '-path', dir, '-prune', '-o', '-printf', '%p %l %s %T@\\n'], { encoding: 'utf8' })
  const before = outside()
  await fc.assert(
    fc.asyncProperty(hostilePath, async (path) => {
      const expected = plainFile(dir, path)
      const read = await call('read_file', { path })
      assert.equal(read.ok, expected !== null, read.text)
      if (expected !== null) assert.ok(read.text.includes(readFileSync(expected, 'utf8').trim().split('\n')[0] ?? ''))
      const written = await call('write_file', { path, content: 'written\n' })
      assert.equal(written.ok, written.ok && isAllowed(dir, path) && readFileSync(resolve(dir, path), 'utf8') === 'written\n', written.text)
      if (expected !== null && !path.endsWith('/')) assert.equal(written.ok, true, written.text)
    }),
    { seed, numRuns: 400 },
  )
  assert.equal(outside(), before)
  assert.equal(readFileSync(join(dir, '.git/config'), 'utf8'), '[core]\n')
})

/** Returns the real path of a file that the tools may read. Null if the path has a link, or names no such file. */
function plainFile(dir: string, path: string): string | null {
  if (path === '' || path.includes('\0')) return null
  const full = resolve(dir, path)
  if (!existsSync(full) || !statSync(full).isFile() || realpathSync(full) !== full) return null
  return isAllowed(dir, path) ? full : null
}

/** Returns whether a path leads, without a link, to a file of the workspace outside of `.git`. */
function isAllowed(dir: string, path: string): boolean {
  const full = resolve(dir, path)
  const relativePath = relative(dir, full)
  const isRealFile = lstatSync(full, { throwIfNoEntry: false })?.isFile() === true && realpathSync(full) === full
  return isRealFile && !['..', '.git'].includes(relativePath.split('/')[0] ?? '')
}
