/** Tests the folder forge: the contract with plain files, and hostile files and names. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import fs, { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import * as fc from 'fast-check'
import { BurnError } from '../../src/core/errors.ts'
import { openFolder } from '../../src/forge/folder.ts'
import { listOf, parseDocument, renderDocument, textOf } from '../../src/forge/front-matter.ts'
import { clock } from '../support/clock.ts'
import { forgeContract } from './contract.ts'
import type { ForgeFixture, WorkFixture } from './fixture.ts'
import { openBareGit } from '../../src/git/bare.ts'
import { branchIn, commitAnywhere, moveBranch } from '../stand-ins/gitea/git.ts'
import { anyCharacter } from '../support/any-character.ts'

const repo = 'local/app'
const git = async () => openBareGit({ env: process.env, clock, login: null })

async function put(root: string, path: string, text: string): Promise<void> {
  const target = join(root, path)
  await mkdir(dirname(target), { recursive: true })
  await writeFile(`${target}.part`, text)
  await rename(`${target}.part`, target)
}

async function edit(root: string, path: string, from: string, to: string): Promise<void> {
  await put(root, path, (await readFile(join(root, path), 'utf8')).replace(from, to))
}

async function openTemporary() {
  const root = await mkdtemp(join(tmpdir(), 'burn-folder-'))
  await mkdir(join(root, 'issues', 'app'), { recursive: true })
  await put(root, 'app.git/HEAD', 'ref: refs/heads/main\n')
  return { root, forge: openFolder({ root, owner: 'local', clock, git }), remove: () => rm(root, { recursive: true, force: true }) }
}

/** Returns the people and the CI of the contract, who write plain files and use git. */
function workIn(root: string): WorkFixture {
  const bare = join(root, 'app.git')
  const numbers = { review: 0, thread: 0, check: 0 }
  const headOf = async (change: number) => {
    const [, branch = ''] = /^branch: (.*)$/m.exec(await readFile(join(root, `reviews/app/${change}.md`), 'utf8')) ?? []
    return branchIn(bare, branch) ?? ''
  }
  return {
    reviewer: 'bob',
    commit: async (branch, files) => commitAnywhere(bare, branch, files),
    deleteBranch: async (branch) => moveBranch(bare, branch, null),
    setBase: (change, base) => edit(root, `reviews/app/${change}.md`, 'branch:', `base: ${base}\nbranch:`),
    check: (sha, name, state) =>
      put(root, `checks/app/${sha}/${name.replaceAll(/\W+/g, '-')}.md`, `---\nname: ${name}\nstate: ${state}\n---\n${state} in 2 s\n`),
    async review(change, { state, body, lines = [] }) {
      const head = `author: bob\nstate: ${state}\ncommit: ${await headOf(change)}\n`
      const review = ++numbers.review
      await put(root, `reviews/app/${change}/reviews/${review}.md`, `---\n${head}---\n${body}`)
      for (const { path, line, deleted, body: text } of lines) {
        const fields = `author: bob\nreview: ${review}\npath: ${path}\nline: ${line}\n${deleted === true ? 'side: old\n' : ''}`
        await put(root, `reviews/app/${change}/threads/${++numbers.thread}.md`, `---\n${fields}---\n${text}`)
      }
    },
    dismiss: (change) => edit(root, `reviews/app/${change}/reviews/${numbers.review}.md`, 'author:', 'dismissed: true\nauthor:'),
    protect: (_, { checks, approvals }) =>
      put(root, 'rules/app.md', `---\nrequired_checks: ${checks.join(', ')}\nrequired_approvals: ${approvals}\n---\n`),
    async block(issue, blocker) {
      const path = `issues/app/${issue}.md`
      const text = await readFile(join(root, path), 'utf8')
      if (!text.includes('depends_on:')) await edit(root, path, 'state:', 'depends_on:\nstate:')
      await edit(root, path, 'depends_on:', `depends_on:\n  - ${blocker}`)
    },
    async reactions(issue, comment) {
      const file = join(root, `comments/app/${issue}/${comment}.md`)
      return listOf(parseDocument(file, await readFile(file, 'utf8')), 'reactions').map((line) => line.split(' ')[1] ?? '')
    },
  }
}

/** Takes part as any other program would: by writing the text of each file, without burn's code. */
forgeContract('folder', async (): Promise<ForgeFixture> => {
  const { root, forge, remove } = await openTemporary()
  let last = 0
  return {
    forge,
    repo,
    person: 'ada',
    missing: 'local/none',
    async addIssue({ title, body = '', labels = [], due }) {
      const head = [`title: ${JSON.stringify(title)}`, 'author: ada', 'state: open', 'created: 2026-01-31T10:00:00Z']
      if (labels.length > 0) head.push('labels:', ...labels.map((label) => `  - ${label}`))
      if (due !== undefined) head.push(`due: ${due}`)
      await put(root, `issues/app/${++last}.md`, `---\n${head.join('\n')}\n---\n${body}`)
      return last
    },
    closeIssue: (number) => edit(root, `issues/app/${number}.md`, 'state: open', 'state: closed'),
    async openChange(issue, branch, text) {
      const head = [...(text === undefined ? [`issue: ${issue}`] : []), `branch: ${branch}`, 'author: ada', 'state: open', 'title: done']
      await put(root, `reviews/app/${issue}.md`, `---\n${head.join('\n')}\n---\n${text ?? `Closes #${issue}`}\n`)
      return issue
    },
    async editChange(change, text) {
      const [, head = ''] = (await readFile(join(root, `reviews/app/${change}.md`), 'utf8')).split('---\n')
      await put(root, `reviews/app/${change}.md`, `---\n${head}---\n${text}\n`)
    },
    endChange: (change, how) => edit(root, `reviews/app/${change}.md`, 'state: open', `state: ${how}`),
    push: (branch) => put(root, `app.git/refs/heads/${branch}`, `${'0'.repeat(40)}\n`),
    work: workIn(root),
    close: remove,
  }
})

async function folder(t: TestContext) {
  const opened = await openTemporary()
  t.after(opened.remove)
  return opened
}

const fails = (code: string) => (thrown: unknown) => thrown instanceof BurnError && thrown.code === code && thrown.hint !== ''

test('folder: skips malformed files, each with file and line', async (t) => {
  const { root, forge } = await folder(t)
  const files: readonly (readonly [string, string, string])[] = [
    ['issues/app/1.md', 'no front matter', 'issues/app/1.md:1: '],
    ['issues/app/2.md', '---\ntitle: x\n', 'issues/app/2.md:1: '],
    ['issues/app/3.md', '---\ntitle: x\nwhat is this\n---\n', 'issues/app/3.md:3: '],
    ['issues/app/4.md', '---\nauthor: ada\n\nstate: open\n---\n', 'issues/app/4.md:1: it has no title'],
    ['issues/app/5.md', '---\ntitle: x\nstate: maybe\n---\n', 'issues/app/5.md:3: '],
    ['issues/app/6.md', '---\ntitle: x\n\ncreated: soon\n---\n', 'issues/app/6.md:4: '],
    ['issues/app/seven.md', '---\ntitle: x\n---\n', 'the file name is not <number>.md'],
    ['reviews/app/8.md', '---\nstate: done\nbranch: burn/0k00000000001\n---\n', 'reviews/app/8.md:2: '],
  ]
  for (const [path, text] of files) await put(root, path, text)
  await put(root, 'issues/app/9.md', '\ufeff---\r\ntitle: good\r\nlabels: [bug, "two words"]\r\n---\r\nbody\r\n')
  await put(root, 'reviews/app/9.md', '---\nbranch: burn/0k00000000002\n---\n')
  const { issues, skipped } = await forge.issues(repo, null)
  assert.deepEqual(
    issues.map((issue) => [issue.title, issue.labels, issue.author, issue.body]),
    [['good', ['bug', 'two words'], 'local', 'body\r\n']],
  )
  assert.deepEqual(skipped.map(({ what }) => what).toSorted(), files.map(([path]) => path).toSorted())
  for (const [path, , why] of files) assert.ok(skipped.find(({ what }) => what === path)?.why.startsWith(why), path)
  assert.deepEqual(
    (await forge.changes(repo, 0)).changes.map(({ dispatch_id, state }) => [dispatch_id, state]),
    [['0k00000000002', 'open']],
  )
})

test('folder: writes a change into a file of its own', async (t) => {
  const { root, forge } = await folder(t)
  await put(root, 'issues/app/7.md', '---\ntitle: x\n---\n')
  await put(root, 'reviews/app/7.md', '---\nbranch: ada/parser\n---\nhers')
  await put(root, 'reviews/app/7-2.md', 'half a fi')
  await symlink('/etc/hostname', join(root, 'reviews/app/7-3.md'))
  const change = { branch: 'burn/0k00000000001', base: 'main', title: 'key: "value"', body: 'Why.\n\nCloses #7\n', issue: `${repo}#7` }
  const { url } = await forge.openChange(repo, change)
  assert.equal(url, `file://${join(root, 'reviews/app/7-4.md')}`)
  const document = parseDocument('f', await readFile(join(root, 'reviews/app/7-4.md'), 'utf8'))
  const fields = ['issue', 'branch', 'base', 'author', 'state', 'title'].map((key) => textOf(document, key))
  assert.deepEqual([...fields, document.text], ['7', change.branch, 'main', 'burn', 'open', change.title, change.body])
  assert.equal(await readFile(join(root, 'reviews/app/7.md'), 'utf8'), '---\nbranch: ada/parser\n---\nhers')
  assert.deepEqual((await readdir(join(root, 'reviews/app'))).toSorted(), ['7-2.md', '7-3.md', '7-4.md', '7.md'])
  const { skipped } = await forge.issues(repo, null)
  assert.deepEqual(skipped.map(({ what }) => what).toSorted(), ['reviews/app/7-2.md', 'reviews/app/7-3.md'])
  await rm(join(root, 'reviews/app/7-2.md'))
  await assert.rejects(forge.openChange(repo, change), fails('forge_conflict'))
  await assert.rejects(forge.openChange(repo, { ...change, branch: 'burn/0k00000000002', issue: 'local/other#7' }), fails('forge_ref'))
})

test('folder: reads nothing below a folder that it cannot inspect', async (t) => {
  const { root, forge, remove } = await openTemporary()
  t.after(remove)
  await put(root, 'issues/app/1.md', '---\ntitle: x\nauthor: ada\nstate: open\ncreated: 2026-01-31T10:00:00Z\n---\n')
  const broken = t.mock.method(fs, 'lstat', () => Promise.reject(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })))
  syncBuiltinESMExports()
  t.after(() => {
    broken.mock.restore()
    syncBuiltinESMExports()
  })
  await assert.rejects(forge.issues(repo, null), fails('forge_unavailable'))
})

test('folder: does not read links, pipes and too large files', async (t) => {
  const { root, forge } = await folder(t)
  const secret = await mkdtemp(join(tmpdir(), 'burn-secret-'))
  t.after(() => rm(secret, { recursive: true, force: true }))
  await put(secret, '1.md', '---\ntitle: secret\n---\n')
  await symlink(join(secret, '1.md'), join(root, 'issues/app/1.md'))
  await promisify(execFile)('mkfifo', [join(root, 'issues/app/2.md')])
  await mkdir(join(root, 'issues/app/3.md'))
  await put(root, 'issues/app/4.md', `---\ntitle: big\n---\n${'x'.repeat(5 * 1024 * 1024)}`)
  const { issues, skipped } = await forge.issues(repo, null)
  assert.deepEqual(issues, [])
  assert.deepEqual(
    skipped.map(({ what }) => what).toSorted(),
    [1, 2, 3, 4].map((n) => `issues/app/${n}.md`),
  )
  await symlink(secret, join(root, 'issues/linked'))
  await assert.rejects(forge.issues('local/linked', null), fails('forge_forbidden'))
  await put(root, 'issues/app/5.md', '---\ntitle: real\n---\n')
  await mkdir(join(root, 'comments/app'), { recursive: true })
  await symlink(secret, join(root, 'comments/app/5'))
  await assert.rejects(forge.comment(`${repo}#5`, 'x'), fails('forge_forbidden'))
  await assert.rejects(forge.comments(`${repo}#5`), fails('forge_forbidden'))
  assert.deepEqual(await readdir(secret), ['1.md'])
})

test('folder: has no repos of another owner', async (t) => {
  const { forge } = await folder(t)
  await assert.rejects(forge.issues('other/app', null), fails('forge_not_found'))
})

test('folder: writers come from its file, without comments', async (t) => {
  const { root, forge } = await folder(t)
  await put(root, 'issues/app/1.md', '---\ntitle: x\nauthor: stranger\n---\n')
  assert.deepEqual(await forge.writers(repo), ['burn', 'stranger'])
  await put(root, 'writers', '# people\nada\n\n  grace  # too\n')
  assert.deepEqual(await forge.writers(repo), ['burn', 'ada', 'grace'])
})

test('folder: readers see no partial comment or temporary file', async (t) => {
  const { root, forge } = await folder(t)
  await put(root, 'issues/app/1.md', '---\ntitle: x\n---\n')
  const big = 'x'.repeat(300_000)
  const writing = Promise.all([1, 2, 3, 4].map(async () => forge.comment(`${repo}#1`, big)))
  const state = { done: false }
  void writing.then(() => {
    state.done = true
  })
  while (!state.done) assert.ok((await forge.comments(`${repo}#1`)).every(({ body }) => body === big))
  assert.deepEqual((await readdir(join(root, 'comments/app/1'))).toSorted(), ['1.md', '2.md', '3.md', '4.md'])
})

test('folder: reports that it is not writable', { skip: process.getuid?.() === 0 && 'root may write everywhere' }, async (t) => {
  const { root, forge } = await folder(t)
  await put(root, 'issues/app/1.md', '---\ntitle: x\n---\n')
  await chmod(root, 0o500)
  t.after(() => chmod(root, 0o700))
  assert.deepEqual(await forge.rights(repo), { exists: true, write: false, archived: false, issues: true })
  await assert.rejects(forge.comment(`${repo}#1`, 'x'), fails('forge_unavailable'))
})

test('front matter: parses rendered documents unchanged', () => {
  const word = fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => text.toWellFormed())
  fc.assert(
    fc.property(
      word,
      fc.string({ unit: anyCharacter }).map((text) => text.toWellFormed()),
      (title, body) => {
        const document = parseDocument('f', renderDocument({ title, state: 'open' }, body))
        assert.deepEqual([textOf(document, 'title'), textOf(document, 'state'), document.text], [title, 'open', body])
      },
    ),
    {
      numRuns: 200,
      examples: [
        ['\u2028', ''],
        ['a\u2029b', ''],
      ],
    },
  )
})

// When each item copied the list before it, this list took minutes.
test('front matter: a list of 160,000 items is read', () => {
  const document = parseDocument('f', `---\nlabels:\n${'- x\n'.repeat(160_000)}---\n`)
  assert.equal(listOf(document, 'labels').length, 160_000)
})

test('front matter: any text parses or is reported as malformed', () => {
  const piece = fc.oneof(fc.constantFrom('---', '\n', '\r\n', 'title:', '- ', '"', "'", '[', ']', ':', '\ufeff', '\0'), fc.string())
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      try {
        parseDocument('f', `---\n${pieces.join('')}\n---\n`)
      } catch (thrown) {
        assert.ok(fails('forge_malformed')(thrown) && /^f:\d+: /.test((thrown as Error).message))
      }
    }),
    { numRuns: 500 },
  )
})

test('folder: the commands of the documentation make one', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'burn-folder-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  const page = await readFile(resolve(import.meta.dirname, '../../docs/reference/forges.md'), 'utf8')
  const [, commands = ''] = /^```sh\n(mkdir -p ~\/burn[^]*?)^```$/m.exec(page) ?? assert.fail('the page has no such commands')
  const person = { GIT_AUTHOR_NAME: 'ada', GIT_AUTHOR_EMAIL: 'a@x', GIT_COMMITTER_NAME: 'ada', GIT_COMMITTER_EMAIL: 'a@x' }
  execFileSync('sh', ['-e', '-c', commands], { env: { PATH: process.env['PATH'], HOME: home, ...person }, stdio: 'pipe' })
  const forge = openFolder({ root: join(home, 'burn'), owner: 'local', clock, git })
  const { issues, skipped } = await forge.issues('local/app', null)
  assert.deepEqual([issues.map(({ title, author }) => `${author}: ${title}`), skipped], [['ada: Say hello'], []])
  assert.deepEqual([await forge.writers('local/app'), await forge.hasBranch('local/app', 'main')], [['burn', 'ada'], true])
})
