/** Finds the worker whose pane a process runs in. */
import { runProcess } from '../host/exec.ts'

/** Returns the worker of a pane on the server that `$TMUX` names; null if the pane belongs to no worker. */
export async function paneWorker(pane: string, env: Readonly<Record<string, string | undefined>>): Promise<string | null> {
  const given = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const { code, stdout } = await runProcess(['tmux', 'display-message', '-p', '-t', pane, '#{@burn_worker}'], {
    timeout_ms: 5_000,
    env: Object.fromEntries(given),
  })
  const worker = stdout.trim()
  return code === 0 && worker !== '' ? worker : null
}
