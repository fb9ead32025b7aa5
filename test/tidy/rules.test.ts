/** Tests each rule on a bad example, which it must report, and on a good one, which it must not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { effectsStayHome, importsGoDown, packagesStayHome } from './floors.ts'
import {
  circles,
  commandsExist,
  deadFiles,
  fitsIn,
  indexIsWhole,
  linksResolve,
  namesAreUnique,
  noMachinePaths,
  pathsExist,
  sourcePathsExist,
} from './project.ts'
import * as shape from './shape.ts'
import { parse, type Problem, type Rule } from './sources.ts'

/** `[rule, path, bad, good]` */
const examples: readonly (readonly [Rule, string, string, string])[] = [
  [importsGoDown, 'src/core/a.ts', "import { x } from '../cli/x.ts'", "import { x } from './x.ts'"],
  [importsGoDown, 'src/decide/a.ts', "import type { x } from '../spec/x.ts'", "import type { x } from '../core/x.ts'"],
  [importsGoDown, 'src/tmux/a.ts', "export { x } from '../ledger/x.ts'", "export { x } from '../host/x.ts'"],
  [importsGoDown, 'src/observe/a.ts', "const x = await import('../cli/x.ts')", "const x = await import('../tmux/x.ts')"],
  [importsGoDown, 'src/attic/a.ts', '', "import './never.ts'"],
  [packagesStayHome, 'src/tmux/a.ts', "import { spawn } from 'node:child_process'", "import { join } from 'node:path'"],
  [packagesStayHome, 'src/decide/a.ts', "import { join } from 'node:path'", ''],
  [packagesStayHome, 'src/observe/a.ts', "import { Kysely } from 'kysely'", "import { x } from '../ledger/x.ts'"],
  [packagesStayHome, 'src/cli/a.ts', "import left from 'left-pad'", "import { join } from 'node:path'"],
  [effectsStayHome, 'src/observe/a.ts', 'const at = Date.now()', 'const at = clock.now()'],
  [effectsStayHome, 'src/observe/a.ts', 'const at = new Date()', 'const at = new Date(0)'],
  [effectsStayHome, 'src/forge/a.ts', 'const token = process.env.TOKEN', 'const token = env.TOKEN'],
  [effectsStayHome, 'src/cli/commands/a.ts', 'process.exit(1)', 'return 1'],
  [effectsStayHome, 'src/forge/a.ts', 'const n = Math.random()', 'const n = Math.floor(1.5)'],
  [effectsStayHome, 'src/observe/a.ts', "await fetch('http://example.com')", "await forge.fetch('x')"],
  [effectsStayHome, 'src/observe/a.ts', "console.log('x')", "io.out('x')"],
  [shape.filesAreShort, 'a.ts', '\n'.repeat(300) + 'x', '\n'.repeat(299) + 'x'],
  [shape.functionsFitAScreen, 'a.ts', `function f() {${'\n'.repeat(60)}}`, `function f() {${'\n'.repeat(59)}}`],
  [shape.fewParameters, 'a.ts', 'const f = (a, b, c, d, e) => a', 'const f = (a, b, c, { d, e }) => a'],
  [shape.fewParameters, 'a.ts', 'interface I { f(a: A, b: A, c: A, d: A, e: A): void }', 'interface I { f(a: A, b: A, c: A, d: A): void }'],
  [shape.noModuleState, 'a.ts', 'export let n = 0', 'export const n = 0'],
  [shape.noModuleState, 'a.ts', 'const cache = new Map()', "const known = new Set(['a'])"],
  [shape.nothingIsSwallowed, 'a.ts', 'try { f() } catch {}', 'try { f() } catch { g() }'],
  [shape.nothingIsSwallowed, 'a.ts', 'f().catch(() => {})', 'f().catch(() => { /* it is already deleted */ })'],
  [shape.nothingIsSwallowed, 'a.ts', 'f().catch(() => undefined)', 'f().catch(() => null)'],
  [shape.errorsAreLookedAt, 'a.ts', 'f().catch(() => null)', "f().catch(ifCode(['ENOENT'], null))"],
  [shape.errorsAreLookedAt, 'a.ts', 'f().then(g, () => [])', 'f().then(() => [])'],
  [shape.errorsAreLookedAt, 'a.ts', 'f().catch(() => { return undefined as void })', 'f().catch(() => { g() })'],
  [shape.errorsAreLookedAt, 'a.ts', "try { await f() } catch { return '' }", "try { f() } catch { return '' }"],
  [
    shape.errorsAreLookedAt,
    'a.ts',
    'try { return await f() } catch { return false }',
    'try { await f() } catch (thrown) { return g(thrown) }',
  ],
  [shape.typesAreHonest, 'a.ts', 'let x: any', 'let x: unknown'],
  [shape.typesAreHonest, 'a.ts', '// @ts-expect-error\nf()', '// an error is expected\nf()'],
  [shape.castsHaveAReason, 'a.ts', 'f(x as Y)', "f(null as Y | null, ['a'] as const, x as unknown)"],
  [shape.castsHaveAReason, 'a.ts', '/** A doc is no reason. */\nconst y = x as unknown as Y', '// It was checked above.\nconst y = x as Y'],
  [shape.nothingIsPutOff, 'a.ts', '// TODO: later', "const label = 'TODO'"],
  [shape.exportsHaveNames, 'a.ts', 'export default 1', 'export const one = 1'],
  [shape.testsRun, 'a.ts', "test.only('x', f)", "test('x', f)"],
  [shape.testsRun, 'a.ts', "describe.skip('x', f)", "describe('x', { skip: 'no sshd here' }, f)"],
  [shape.testsRun, 'a.ts', "test('x', { skip: true }, f)", "test('x', { skip: false }, f)"],
  [shape.testsRun, 'a.ts', 't.skip()', "t.skip('no sshd here')"],
]

for (const [rule, path, bad, good] of examples) {
  test(`${rule.name}: ${bad.trim().split('\n')[0]}`, () => {
    assert.notDeepEqual(rule(parse(path, bad)), [])
    if (path !== 'src/attic/a.ts') assert.deepEqual(rule(parse(path, good)), [])
  })
}

const places = (problems: readonly Problem[]) => problems.map(({ where }) => where)
const document = (text: string) => ({ path: 'README.md', text })

test('deadFiles: reports a file that no other imports', () => {
  const sources = [
    parse('src/a.ts', "import('./b.ts')"),
    parse('src/b.ts', "export * from './c.ts'"),
    parse('src/c.ts', ''),
    parse('src/d.ts', ''),
  ]
  assert.deepEqual(places(deadFiles(sources, 'src/a.ts')), ['src/d.ts:1'])
})

test('circles: reports cycles of type imports, but not known ones', () => {
  const sources = [
    parse('src/a.ts', "import type { b } from './b.ts'"),
    parse('src/b.ts', "export { c } from './c/c.ts'"),
    parse('src/c/c.ts', "import('../a.ts')"),
    parse('src/d.ts', "import './a.ts'"),
  ]
  assert.deepEqual(
    circles(sources, []).map(({ fix }) => fix),
    ['an import cycle: src/a.ts → src/b.ts → src/c/c.ts → src/a.ts'],
  )
  assert.deepEqual(circles(sources, ['src/b.ts src/c/c.ts']), [])
})

test('namesAreUnique: allows a type and a value of one file', () => {
  const sources = [parse('a.ts', 'export const x = 1\nexport type x = 1'), parse('b.ts', '\nexport function x() {}')]
  assert.deepEqual(places(namesAreUnique(sources)), ['b.ts:2'])
})

test('linksResolve: checks files and headings, but not code', () => {
  const text =
    '# The one\n[a](LICENSE) [b](#the-one) [c](https://example.com/x)\n[d](nowhere.md)\n[e](#two)\n`[f](nowhere.md)`\n[g](docs/style.md#names) [h](docs/style.md#two)'
  assert.deepEqual(places(linksResolve(document(text))), ['README.md:3', 'README.md:4', 'README.md:6'])
})

test('indexIsWhole: reports documents without a link', () => {
  const index = { path: 'docs/README.md', text: '[a](a.md) [b](../b.md#part)' }
  const found = indexIsWhole(index, ['docs/a.md', 'b.md', 'docs/b.md'])
  assert.deepEqual(
    found.map(({ fix }) => fix.split(' ')[0]),
    ['docs/b.md'],
  )
})

test('pathsExist: checks paths in code, but not in prose', () => {
  const text = '`src/core/nouns.ts` `src/core/` src/core/verbs.ts\n`src/core/verbs.ts` `docs/*.md`'
  assert.deepEqual(places(pathsExist(document(text))), ['README.md:2'])
})

test('sourcePathsExist: checks paths below src, but not patterns', () => {
  const text = '`core/nouns.ts` `core/` core/verbs.ts\n`core/verbs.ts` `agents/*.ts` `agents/NAME.ts`'
  assert.deepEqual(places(sourcePathsExist(document(text))), ['README.md:2'])
})

test('commandsExist: checks code and blocks, but not prose', () => {
  const text =
    'to burn wood\nburn types one line\n`burn up mac`\n`burn upp`\n```\nburn ledger check\n$ burn down\nnpm run test\nnpm run nest\n```\n`./bin/burn x`\n`burn spec` `burn spec chek`'
  const found = commandsExist(document(text), ['up', 'ledger', 'ledger check', 'spec check'], new Set(['test']))
  assert.deepEqual(places(found), ['README.md:4', 'README.md:7', 'README.md:9', 'README.md:12'])
})

test('noMachinePaths: reports absolute paths of one machine', () => {
  assert.deepEqual(places(noMachinePaths(document(`src/${'work'}/a\n/${'work'}/app\nsee ${'..'}/shared/x\nhttps://a.b/work`))), [
    'README.md:2',
    'README.md:3',
  ])
})

test('fitsIn: reports a document with too many lines', () => {
  assert.equal(fitsIn(2, document('a\nb')).length, 1)
  assert.equal(fitsIn(3, document('a\nb')).length, 0)
})
