/** The command line: names, options, help and errors. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import type { Io } from '../../src/cli/io.ts'
import { groups, entries, deprecatedNames, nouns } from '../../src/cli/catalog.ts'
import { commandReference } from '../../src/cli/command-reference.ts'
import { commandHelp, nounHelp, rootHelp } from '../../src/cli/help.ts'
import {
  choice,
  commonOptions,
  flag,
  list,
  optional,
  parseDuration,
  parsePositive,
  parsePositiveDuration,
  parsedArg,
  parseArgs,
  shapesOf,
  text,
  parseWholeNumber,
} from '../../src/cli/args.ts'
import { singleWidth } from '../../src/core/width.ts'
import { burn } from '../support/fleet.ts'

const env = { HOME: resolve(import.meta.dirname, '../..') }
const args = {
  issue: text('<issue>', ''),
  rest: list('[rest...]', ''),
  jobs: parsedArg('-j, --jobs <n>', '', parsePositive, 1),
  machine: list('-m, --machine <name...>', ''),
  dry_run: flag('-n, --dry-run', ''),
  hooks: flag('--no-hooks', ''),
  state: choice('--state <state>', '', ['open', 'closed'], undefined),
  lane: optional('--lane <lane>', ''),
}
const usual = { rest: [], jobs: 1, machine: [], dry_run: false, hooks: true, state: undefined, lane: undefined }

test('args: parses arguments and options in every order and form', () => {
  const cases: [string, object][] = [
    ['a#1', { issue: 'a#1' }],
    ['a#1 b c', { issue: 'a#1', rest: ['b', 'c'] }],
    ['-j 4 a#1', { issue: 'a#1', jobs: 4 }],
    ['a#1 -j4 -n', { issue: 'a#1', jobs: 4, dry_run: true }],
    ['-nj4 a#1', { issue: 'a#1', jobs: 4, dry_run: true }],
    ['--jobs=2 --jobs 3 a#1', { issue: 'a#1', jobs: 3 }],
    ['a#1 -m x y --dry-run -m z', { issue: 'a#1', machine: ['x', 'y', 'z'], dry_run: true }],
    ['a#1 --no-hooks --state closed --lane=', { issue: 'a#1', hooks: false, state: 'closed', lane: '' }],
    ['- -- --jobs -n', { issue: '-', rest: ['--jobs', '-n'] }],
  ]
  for (const [words, given] of cases) assert.deepEqual(parseArgs(words.split(' '), args), { ...usual, ...given }, words)
})

test('args: accept durations and seconds alike', async () => {
  assert.deepEqual(['90s', '5m', '1h30m', '90', '0.5', '0'].map(parseDuration), [90_000, 300_000, 5_400_000, 90_000, 500, 0])
  for (const word of ['', '5x', '-1', '1.', 'soon']) assert.throws(() => parseDuration(word), { code: 'duration', exit: 2 }, word)
  assert.throws(() => parsePositiveDuration('0s'), { code: 'usage' })
  for (const { name, load } of entries)
    for (const { form } of Object.values((await load()).args)) assert.doesNotMatch(form, /<s(?:ec\w*)?>/, name)
})

test('args: reports a wrong command line', () => {
  const cases: [string, RegExp][] = [
    ['', /the argument <issue> is missing/],
    ['a#1 --jbos 2', /unknown option --jbos/],
    ['a#1 -x', /unknown option -x/],
    ['a#1 --jobs', /-j, --jobs <n> needs a value/],
    ['a#1 --jobs many', /--jobs <n>: "many" must be a whole number/],
    ['a#1 --jobs 0', /must be 1 or more/],
    ['a#1 --state ajar', /"ajar" is not one of open, closed/],
    ['a#1 --dry-run=yes', /--dry-run takes no value/],
  ]
  for (const [words, says] of cases) {
    const given = words.split(' ').filter((word) => word !== '')
    assert.throws(() => parseArgs(given, args), { code: 'usage', exit: 2, message: says }, words)
  }
  assert.throws(() => parseArgs(['7', '8'], { n: parsedArg('<n>', '', parseWholeNumber, undefined) }), {
    message: 'too many arguments: "8"',
  })
})

test('burn: a deprecated name works, and prints its new name', async () => {
  const spec = ['--spec', 'examples/timmy/fleet-spec.json']
  const now = await burn(['job', 'schedule', 'dispatch', '--json', ...spec], env)
  const old = await burn(['schedule', 'dispatch', '--json', ...spec], env)
  assert.deepEqual([now.code, old.code, old.out], [0, 0, now.out])
  assert.equal(now.err, '')
  assert.match(old.err, /^deprecated: burn schedule is now burn job schedule\. /)
  for (const name of Object.values(deprecatedNames))
    assert.ok(
      entries.some((entry) => entry.name === name),
      name,
    )
})

test('burn: reads standard input, and exits with 3 if stopped', async () => {
  const screen = { input: 'bash: line 1: hermes: command not found\n' }
  const seen = await burn(['classify', '--agent', 'hermes', '--command', 'bash'], env, screen)
  assert.equal(seen.code, 0, seen.err)
  assert.equal(typeof seen.json<{ state: string }>().state, 'string')
  const check = ['spec', 'check', '--spec', 'examples/timmy/fleet-spec.json']
  assert.equal((await burn(check, env, { stop: AbortSignal.abort() })).code, 3)
})

test('burn: help lists commands by task; errors suggest the nearest name', async () => {
  const help = await burn(['--help'], env)
  assert.equal(help.code, 0)
  for (const { title } of groups) assert.match(help.out, new RegExp(`^${title}$`, 'm'))
  for (const { name } of entries)
    assert.ok(
      name.split(' ').every((word) => help.out.includes(word)),
      name,
    )
  assert.deepEqual([(await burn([], env)).code, (await burn(['sprint'], env)).code], [2, 2])
  assert.match((await burn(['sprint', '--help'], env)).out, /sprint publish {2}/)
  assert.match(
    (await burn(['help', 'sprint', 'run'], env)).out,
    /^Usage: burn sprint run \[options\]\n[^]*-j, --jobs <n> .*default: 1[^]*Examples/,
  )
  const wrong = await burn(['statsu'], env)
  assert.deepEqual([wrong.code, wrong.err], [2, 'burn: there is no command "statsu" (usage)\n  hint: did you mean status?\n'])
  assert.match((await burn(['sprint', 'rum'], env)).err, /"sprint rum" \(usage\)\n {2}hint: did you mean sprint run\?/)
  assert.equal((await burn(['sprint', 'rum', '--json'], env)).json<{ error: { code: string } }>().error.code, 'usage')
})

test('burn: every command has help and distinct option names', async () => {
  for (const { name, load } of entries) {
    const { code, out } = await burn([...name.split(' '), '--help'], env)
    assert.equal(code, 0, name)
    assert.ok(out.startsWith(`Usage: burn ${name}`), out)
    const names = shapesOf((await load()).args).flatMap((shape) => [...shape.names, shape.key])
    assert.equal(new Set(names).size, names.length, name)
    assert.ok(!names.some((each) => ['--json', '--spec', '-f', '--here', 'json', 'spec', 'here'].includes(each)), name)
  }
})

test('docs: commands.md equals the generated reference', async () => {
  const document = readFileSync(join(env.HOME, 'docs/reference/commands.md'), 'utf8')
  assert.equal(document, await commandReference(), 'run: burn --help --markdown > docs/reference/commands.md')
})

test('help: fits 80 columns, and breaks no words', async () => {
  const wide = { paint: (_: string, text: string) => text, width: Infinity } as unknown as Io
  const helps = [
    (io: Io) => rootHelp(commonOptions, io),
    ...Object.keys(nouns).map((word) => (io: Io) => nounHelp(word, below(word), io)),
    ...(await Promise.all(
      entries.map(async (entry) => {
        const command = await entry.load()
        return (io: Io) => commandHelp(entry, command, { common: commonOptions, below: below(entry.name) }, io)
      }),
    )),
  ]
  const wordsOf = (lines: readonly string[]) => lines.join(' ').split(/\s+/)
  for (const help of helps) {
    const lines = help({ ...wide, width: 80 })
    assert.deepEqual(
      lines.filter((line) => line.length > 80),
      [],
      lines[0],
    )
    assert.deepEqual(wordsOf(lines), wordsOf(help(wide)), lines[0])
  }
})

const below = (word: string) => entries.filter(({ name }) => name.startsWith(`${word} `))

test('table: characters that skip the width check take one column', () => {
  for (let code = 0; code < 0x3000; code++) {
    const sign = String.fromCharCode(code)
    if (singleWidth.test(sign)) assert.doesNotMatch(sign, /\p{Emoji_Presentation}|\p{M}|\p{Cc}|\p{Cf}/u, code.toString(16))
  }
})
