/** A fleet on two machines: two workers over ssh that work for long, one over ssh with a slow screen, and a local one. */
import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { standIn, writeIssues } from '../support/fleet.ts'
import { startSshd } from '../support/sshd.ts'
import { tmuxOn } from '../support/tmux.ts'
import { farMachine, openRig, type Rig } from './rig.ts'

const working = resolve(import.meta.dirname, '../stand-ins/agent/working.mjs')
/** The reason to skip a test. */
export const noSshd = 'this machine has no ssh server (openssh-server)'

/** Starts the fleet. Returns null if this machine has no ssh server. */
export async function twoMachines(t: Parameters<typeof openRig>[0]) {
  const sshd = await startSshd(t)
  if (sshd === null) return null
  const rig = await openRig(t, (dir, socket) => {
    const agent = (...more: string[]) => ({ ...standIn(dir, '--turn', working, ...more), hooks: false })
    const windows = [
      { name: 'FAR', names: ['ONE', 'TWO'], repos: ['far'] },
      { name: 'LATE', names: ['THREE'], repos: ['late'], agent: agent('--echo-ms', '1500') },
    ]
    return {
      dispatch: { depth: 1, trust: { authors: 'anyone' } },
      forge: { kind: 'folder', path: dir },
      agent: agent(),
      machines: {
        near: { windows: [{ name: 'NEAR', names: ['FOUR'], repos: ['near'] }] },
        far: farMachine(sshd, socket, windows),
      },
    }
  })
  for (const repo of ['near', 'far', 'late']) writeIssues(rig.fleet.dir, repo, [])
  await rig.start()
  return { sshd, rig }
}

/** Returns issues for a folder forge. */
export const issues = (count: number) => Array.from({ length: count }, (_, index) => ({ title: `issue ${index}`, body: '' }))

/** Returns the panes and processes of the far machine, as its tmux reports them. */
export const living = ({ fleet }: Rig) =>
  tmuxOn(`${fleet.socket}-far`, 'list-panes', '-s', '-t', '=T', '-F', '#{pane_id} #{pane_pid} #{@burn_agent}')

/** Returns the status of the far machine and the states of its workers. */
export async function farIs(rig: Rig): Promise<{ reachable: boolean; reason: string | null; states: string[] }> {
  const far = (await rig.status()).machines.find(({ name }) => name === 'far')
  assert.ok(far)
  return { ...far, states: far.windows.flatMap(({ workers }) => workers.map(({ state }) => state)) }
}
