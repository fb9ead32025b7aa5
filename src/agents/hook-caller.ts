/** What extensions of agents that run JavaScript have in common: how an event is told to the hook. */

/**
 * Source of a function `tell(event, payload, key)`: it calls the hook with the payload on its stdin, one event after the other, so that they
 * keep their order; it is never waited for, and never throws. Of events that come faster than they can be told, those past a hundred are left out.
 */
export function hookCallerSource(hook: string): string {
  return `import { spawn } from 'node:child_process'
let last = Promise.resolve()
let waiting = 0
function tell(event, payload, key) {
  if (waiting >= 100) return
  waiting++
  const call = (done) => {
    let open = true
    const end = () => {
      if (open) waiting--
      open = false
      done()
    }
    try {
      const child = spawn(${JSON.stringify(hook)}, key === undefined ? [event] : [event, key], { stdio: ['pipe', 'ignore', 'ignore'], timeout: 5000 })
      child.on('error', end)
      child.on('close', end)
      child.stdin.on('error', () => {})
      child.stdin.end(JSON.stringify({ event, ...payload }))
      child.unref()
    } catch {
      end()
    }
  }
  last = last.then(() => new Promise(call))
}
`
}
