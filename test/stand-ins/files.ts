/** The files of the stand-in agents. */
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

/** The sources of the stand-in for Hermes, and of those for the other agents. */
export const standIns = { hermes: 'test/stand-ins/agent/agent.mjs', others: 'test/stand-ins/agents/main.mjs' }

/** Returns the file of a stand-in: its bundle, if the test run has built one, because the bundle starts faster. */
export function standInFile(name: keyof typeof standIns): string {
  return join(process.env['BURN_STAND_INS'] ?? root, standIns[name])
}
