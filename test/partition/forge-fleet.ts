/** Sets up four workers for four repos of a stand-in Gitea, with one issue per repo. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { startGitea } from '../stand-ins/gitea/server.ts'
import { standIn } from '../support/fleet.ts'
import { openRig } from './rig.ts'

/** The repos, without their owner. */
export const names = ['app', 'docs', 'lib', 'web']
/** The issues, one per repo. */
export const all = names.map((name) => `timmy/${name}#1`)

/** Starts the forge and the fleet. */
export async function forgeFleet(t: TestContext) {
  const repos = names.map((name) => ({ name: `timmy/${name}`, writers: ['burn', 'ann'], issues: [{ title: 'one', author: 'ann' }] }))
  const forge = await startGitea({ repos, check: false })
  t.after(() => forge.close())
  const rig = await openRig(t, (dir) => {
    writeFileSync(join(dir, 'token'), forge.token, { mode: 0o600 })
    return {
      forge: { kind: 'gitea', url: forge.url, owner: 'timmy', token: { file: join(dir, 'token') } },
      dispatch: { depth: 1 },
      agent: { ...standIn(dir, '--turn-ms', '50'), hooks: false },
      machines: { box: { windows: [{ name: 'W', panes: 4, repos: names }] } },
    }
  })
  return { forge, rig }
}
