import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { execFileSync } from 'node:child_process'
import { standIn, testFleet, writeIssues } from '../support/fleet.ts'

interface Report {
  readonly findings: readonly { readonly level: string; readonly where: string; readonly what: string; readonly mend: string }[]
}

test('what is well is said to be well; what is not has what mends it', async (t) => {
  const fleet = testFleet(t, (dir, socket) => {
    const windows = [
      { name: 'A', panes: 1, repos: ['app'] },
      { name: 'B', panes: 1, repos: ['app'], agent: { kind: 'hermes', command: ['no-such-agent'] } },
    ]
    return {
      name: 't',
      session: 'T',
      socket,
      dir: join(dir, 'w'),
      forge: { kind: 'folder', path: dir },
      ledger: `sqlite:${dir}/l.db`,
      dispatch: { depth: 1 },
      agent: standIn(dir),
      machines: { box: { windows }, away: { host: '127.0.0.1', ssh: { port: 1 }, windows: [{ name: 'C', panes: 1, repos: ['gone'] }] } },
    }
  })
  writeIssues(fleet.dir, 'app', [])
  mkdirSync(join(fleet.dir, 'app.git'))
  execFileSync('git', ['init', '-q', '--bare', join(fleet.dir, 'app.git')])
  const ran = await fleet.burn('doctor', '--json')
  assert.equal(ran.code, 1)
  const { findings } = ran.json<Report>()
  const of = (level: string, pattern: RegExp) =>
    findings.filter((finding) => finding.level === level && pattern.test(`${finding.where}: ${finding.what}`))
  for (const well of [
    /^ledger: .* is whole/,
    /^forge: local\/app/,
    /^box: tmux \d/,
    /^box: git version .* reads /,
    /^box: its clock agrees/,
    /^box: .*node.* is there/,
  ])
    assert.equal(of('ok', well).length, 1, String(well))
  for (const bad of [/^box: the login shell does not find no-such-agent/, /^away: unreachable/, /^forge: .*local\/gone/]) {
    const [found] = of('fail', bad)
    assert.ok(found !== undefined && found.mend !== '', `${String(bad)} in ${ran.out}`)
  }
})
