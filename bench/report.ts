/** Formats figures as a table, for the screen and for docs/explanation/measurements.md. */
import type { Compared } from './measure.ts'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { median, spread } from './measure.ts'
import { root } from './rig.ts'

const head = ['what', 'burn, ms', 'other, ms', 'the other', 'ratio', 'limit', 'holds']

function cellsOf({ name, ours, theirs, against, limit }: Compared): string[] {
  const [a, b] = [median(ours), median(theirs)]
  const ratio = theirs.length === 0 ? '' : a <= b ? `${(b / a).toFixed(2)} × faster` : `${(a / b).toFixed(2)} ×`
  return [name, spread(ours), theirs.length === 0 ? '' : spread(theirs), against, ratio, limit.says, limit.holds(a, b) ? 'yes' : 'no']
}

/** Returns a Markdown table. */
export function tableOf(results: readonly Compared[]): string {
  return [head, head.map(() => '---'), ...results.map(cellsOf)].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** Whether all results are within their limits. */
export function allHold(results: readonly Compared[]): boolean {
  return results.every(({ ours, theirs, limit }) => limit.holds(median(ours), median(theirs)))
}

/** Replaces the table between `<!-- name -->` and the next `<!-- end -->` in docs/explanation/measurements.md. */
export function writeTable(name: string, table: string): void {
  const file = join(root, 'docs/explanation/measurements.md')
  const page = readFileSync(file, 'utf8')
  writeFileSync(
    file,
    page.replace(new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- end -->)`), (_, begin: string, end: string) => `${begin}${table}\n${end}`),
  )
}
