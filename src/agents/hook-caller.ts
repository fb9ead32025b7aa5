/** Builds the function that calls the hook, for agents whose extensions are written in JavaScript. */

/**
 * Returns the source of a function `tell(event, payload, key)`. `tell` calls the hook with the payload on stdin. The calls run one after
 * another, so the events keep their order. `tell` returns at once, and never throws. While a hundred events wait, `tell` drops new events.
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
