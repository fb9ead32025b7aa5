/** Checks servers that hang, stream for ever, or are no servers of models. */
import type { Report } from './report.ts'
import { openFetch } from '../../src/host/fetch.ts'
import { openServer } from '../../src/llm/model-check.ts'
import { badServers, startBadServer } from '../stand-ins/model/bad-servers.ts'

const clock = { now: () => performance.now(), sleep: async () => {} }

/** Checks each server. No check may take much longer than its timeout. */
export async function badStates(report: Report): Promise<void> {
  let longest = 0
  for (const server of badServers) {
    const { url, close } = await startBadServer(server)
    const began = performance.now()
    const { check } = await openServer({ url, key: null, fetch: openFetch({}), clock })
    report.state(server.name, await check('m', { load: false, timeout_ms: 1_000 }), server.state)
    longest = Math.max(longest, performance.now() - began)
    close()
  }
  report.fact(`each check ended within ${(longest / 1000).toFixed(1)} s (timeouts: 1 s for the model, 5 s for the list)`, longest < 7_000)
}
