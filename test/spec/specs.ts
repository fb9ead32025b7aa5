/** Specs for tests: a text that is made of a little, and what comes of it. */
import type { SpecFinding } from '../../src/spec/findings.ts'
import { completeSpec, type Completed } from '../../src/spec/complete.ts'
import { SpecError } from '../../src/spec/findings.ts'
import { parseSpec } from '../../src/spec/load.ts'

/** A spec of one machine, `box`, with these windows. */
export function specOf(windows: readonly object[], more: object = {}): string {
  const forge = { kind: 'gitea', url: 'https://forge.example.com', owner: 'acme' }
  return JSON.stringify({ forge, machines: { box: { windows } }, ...more }, null, 2)
}

export function complete(
  text: string,
  known: readonly { id: string; drawn: boolean }[] = [],
  file = '/etc/burn/fleet-spec.json',
): Completed {
  return completeSpec(parseSpec(text, file), { home: '/home/ada', known, text, file })
}

/** What is found in a text; nothing where it is right. */
export function findingsIn(text: string): readonly SpecFinding[] {
  try {
    complete(text)
    return []
  } catch (thrown) {
    if (thrown instanceof SpecError) return thrown.findings
    throw thrown
  }
}

/** `line:column what. hint` of each finding. */
export function saidOf(text: string): string[] {
  return findingsIn(text).map(({ line, column, what, hint }) => `${line}:${column} ${what}. ${hint}`)
}
