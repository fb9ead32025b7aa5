/** Judges the fleet of `npm run test:boxes`: finds lost work, and issues that burn gave twice. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { BoxFleet, Ran } from './fleet.ts'
import { longest } from './fleet.ts'

const home = '/home/burn'

/** Returns the violations after all issues have a change. `issues`: their number. */
export async function judgeEnd(fleet: BoxFleet, issues: number): Promise<{ readonly violations: string[]; readonly figures: string }> {
  const all = await fleet.dispatches()
  // No agent ever got the issue of any other dispatch.
  const dispatches = all.filter(({ handed_at }) => handed_at !== null)
  const byIssue = Map.groupBy(dispatches, ({ issue }) => issue)
  const twice = [...byIssue].filter(([, [first, ...others]]) => first !== undefined && others.length > 0)
  const wrong = dispatches.filter(({ state }) => state !== 'review')
  const changes = Map.groupBy(fleet.changes(), (number) => number)
  const volume = fleet.engine.must('volume', 'inspect', 'home', '--format', '{{.Mountpoint}}')
  const left = fleet.records().flatMap(({ event, path }) => (event === 'left' && path !== undefined ? [path] : []))
  const lost = left.filter((path) => !path.startsWith(home) || !existsSync(join(volume, path.slice(home.length))))
  return {
    violations: [
      ...(byIssue.size === issues ? [] : [`${byIssue.size} of ${issues} issues were given`]),
      ...twice.map(
        ([issue, all]) => `${issue} was given ${all.length} times: ${all.map(({ state, worker }) => `${worker} ${state}`).join()}`,
      ),
      ...wrong.map(({ id, issue, state }) => `dispatch ${id} of ${issue} is ${state}`),
      ...[...changes].filter(([, all]) => all.length > 1).map(([number, all]) => `issue ${number} has ${all.length} changes`),
      ...(changes.size === issues ? [] : [`${changes.size} of ${issues} issues have a change`]),
      ...lost.map((path) => `lost: ${path}`),
    ],
    figures: `${dispatches.length} dispatches for ${issues} issues, ${all.length - dispatches.length} claims without an agent, ${changes.size} changes; ${left.length} unpushed files, ${lost.length} lost`,
  }
}

/** Returns the dispatches as text, to compare them. */
export async function statesOf(fleet: BoxFleet): Promise<string[]> {
  return (await fleet.dispatches()).map(({ id, state, worker }) => `${id} ${worker} ${state}`).toSorted()
}

/** Returns the violations of a command in a box that does not answer: it must end in time, with exit code 3, and name the state. */
export function judgeCommand(name: string, { code, out, seconds }: Ran, reason: RegExp, codes: readonly number[]): string[] {
  return [
    ...(code === null ? [`${name} did not end within ${longest / 1000} s`] : []),
    ...(code !== null && !codes.includes(code) ? [`${name} ended with ${code} after ${seconds.toFixed(0)} s: ${out.slice(-600)}`] : []),
    ...(reason.test(out) ? [] : [`${name} does not say ${reason.source}: ${out.slice(-600)}`]),
  ]
}
