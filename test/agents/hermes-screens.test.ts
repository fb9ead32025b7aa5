import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { hermes } from '../../src/agents/hermes.ts'

const recorded = new URL('../../../shared/data/screens/', import.meta.url)

/** Screens of the real program, labelled from its own hooks and its stub model server, never from the screen. */
test(
  'hermes: what real screens say',
  { skip: existsSync(recorded) ? false : 'no recorded screens beside the repo (../shared/data/screens)' },
  () => {
    const [head, ...lines] = readFileSync(new URL('labels.tsv', recorded), 'utf8').trimEnd().split('\n')
    const names = head!.split('\t')
    const rows = lines
      .map((line) => Object.fromEntries(line.split('\t').map((value, i) => [names[i]!, value])))
      .filter((row) => row['agent'] === 'hermes')
    assert.ok(rows.length > 100, `${rows.length} rows`)
    const wrong: string[] = []
    for (const row of rows) {
      const screen = readFileSync(new URL(row['file']!, recorded), 'utf8').replace(/\n$/, '').split('\n')
      const seen = hermes.look(screen, {
        width: Number(row['width']),
        height: Number(row['height']),
        title: row['pane_title']!,
        command: row['pane_current_command']!,
        dead: row['pane_dead'] === '1',
        cursor_x: Number(row['cursor_x']),
        cursor_y: Number(row['cursor_y']),
      })
      if (seen.reading.state !== row['state'])
        wrong.push(`${row['file']}: ${row['state']}, read as ${seen.reading.state} (${seen.reading.evidence})`)
      if (row['state'] === 'working' || row['state'] === 'waiting') assert.notEqual(seen.reading.state, 'idle', row['file'])
      if (row['detail'] === 'draft') assert.equal(seen.composer, 'draft', row['file'])
    }
    assert.ok(wrong.length <= rows.length * 0.02, `${wrong.length} of ${rows.length} wrong:\n${wrong.join('\n')}`)
    console.log(
      `${rows.length - wrong.length} of ${rows.length} real Hermes screens read right${wrong.map((line) => `\n  ${line}`).join('')}`,
    )
  },
)

const own = new URL('screens/', import.meta.url)

/** Screens of the stand-in, named `<state>-<composer>[-what]-<width>x<height>.txt`. */
test("hermes: what the stand-in's screens say", () => {
  const files = readdirSync(own)
  assert.ok(files.length >= 20, `${files.length} files`)
  for (const file of files) {
    const [, state, composer, width, height] = /^([a-z]+)-([a-z]+)(?:-[a-z]+)?-(\d+)x(\d+)\.txt$/.exec(file) ?? assert.fail(file)
    const screen = readFileSync(new URL(file, own), 'utf8').replace(/\n$/, '').split('\n')
    const pane = { width: Number(width), height: Number(height), title: '', command: 'node', dead: false, cursor_x: 0, cursor_y: 0 }
    const seen = hermes.look(screen, pane)
    assert.deepEqual([seen.reading.state, seen.composer], [state, composer], file)
    assert.equal(hermes.look(screen, { ...pane, dead: true }).reading.state, 'dead')
  }
})
