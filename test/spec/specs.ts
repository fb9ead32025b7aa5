/** Builds specs for tests, and completes them. */
import type { SpecFinding } from '../../src/spec/findings.ts'
import { completeSpec, type Completed } from '../../src/spec/complete.ts'
import { ownFiles } from '../../src/host/own-files.ts'
import { SpecError } from '../../src/spec/findings.ts'
import { parseSpec } from '../../src/spec/load.ts'

/** Returns a spec with one machine, `box`, that has these windows. */
export function specOf(windows: readonly object[], more: object = {}): string {
  const forge = { kind: 'gitea', url: 'https://forge.example.com', owner: 'acme' }
  return JSON.stringify({ forge, machines: { box: { windows } }, ...more }, null, 2)
}

/** Completes a spec as if `file` had it. Throws SpecError. */
export function complete(
  text: string,
  known: readonly { id: string; drawn: boolean }[] = [],
  file = '/etc/burn/fleet-spec.json',
): Completed {
  return completeSpec(parseSpec(text, file), { home: '/home/ada', ownFile: ownFiles({ env: {}, home: '/home/ada' }), known, text, file })
}

/** Returns the findings in a spec; none if it is valid. */
export function findingsIn(text: string): readonly SpecFinding[] {
  try {
    complete(text)
    return []
  } catch (thrown) {
    if (thrown instanceof SpecError) return thrown.findings
    throw thrown
  }
}

/** Returns `line:column what. hint` of each finding in a spec. */
export function messagesOf(text: string): string[] {
  return findingsIn(text).map(({ line, column, what, hint }) => `${line}:${column} ${what}. ${hint}`)
}
