/** Creates empty ledger files. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLedger } from '../../src/ledger/open.ts'

let template: Promise<string> | null = null

/** Creates the file of a new ledger. It copies a template, because creating the tables is slow. */
export async function newLedger(file: string): Promise<void> {
  copyFileSync(await (template ??= makeTemplate()), file)
}

async function makeTemplate(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'burn-test-ledger-'))
  process.once('exit', () => rmSync(folder, { recursive: true }))
  const file = join(folder, 'l.db')
  await (await openLedger(`sqlite:${file}`, { random: Math.random })).close()
  return file
}
