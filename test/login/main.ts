/**
 * `npm run test:login [-- CHECK…]`: checks the renewal of logins with the real Hermes 0.19.0 and a stand-in of its portal on loopback, and
 * simulates 1,000 hours of logins. `BURN_HERMES` names the program. Without it, burn skips the checks with Hermes, and says so. The exit
 * code is 1 if a check failed.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checks } from './checks.ts'
import { loginFleet, type LoginFleet } from './fleet.ts'
import { startPortal } from './portal.ts'
import { simulateLogins } from './simulate.ts'

const wanted = '0.19.0'
/** The checks to run; all if empty. */
const asked = process.argv.slice(2)

/** Returns the reason why the checks with the real Hermes cannot run; null if they can. */
function missing(program: string): string | null {
  if (program === '') return 'BURN_HERMES is not set (docs/how-to/logins.md says how to install Hermes)'
  if (!existsSync(program)) return `BURN_HERMES names ${program}, which does not exist`
  const version = execFileSync(program, ['--version'], { encoding: 'utf8' })
  return version.includes(wanted) ? null : `${program} is not Hermes ${wanted}: ${version.split('\n')[0]}`
}

async function checkHermes(program: string): Promise<boolean> {
  const root = mkdtempSync(join(tmpdir(), 'burn-login-'))
  const portal = await startPortal()
  const fleets: LoginFleet[] = []
  let failed = 0
  try {
    for (const [name, check] of Object.entries(checks).filter(([name]) => asked.length === 0 || asked.includes(name))) {
      const [began, before] = [performance.now(), failed]
      portal.answer = 'renew'
      portal.delay = 50
      portal.requests.length = 0
      let count = 0
      const expect = (holds: boolean, what: string) => {
        count++
        if (!holds) failed++
        if (!holds || process.env['BURN_VERBOSE'] !== undefined) console.log(`  ${holds ? 'ok' : 'WRONG'}  ${name}: ${what}`)
      }
      const fleetOf = (...machines: readonly string[]) => {
        const fleet = loginFleet(join(root, `${name.replaceAll(' ', '-')}-${fleets.length}`), program, portal, machines)
        fleets.push(fleet)
        return fleet
      }
      await check({ portal, fleetOf, expect })
      const seconds = ((performance.now() - began) / 1000).toFixed(0)
      console.log(
        `${failed === before ? 'ok   ' : 'WRONG'} ${name}: ${count - (failed - before)} of ${count} statements hold, ${seconds} s`,
      )
    }
    const leaks = fleets.filter((fleet) => /canary|eyJ/.test(fleet.everything())).length
    console.log(`${leaks === 0 ? 'ok   ' : 'WRONG'} tokens: ${leaks} of ${fleets.length} fleets have a token in burn's output or ledger`)
    return failed === 0 && leaks === 0
  } finally {
    await portal.close()
    rmSync(root, { recursive: true, force: true, maxRetries: 5 })
  }
}

const program = process.env['BURN_HERMES'] ?? ''
const why = missing(program)
if (why !== null) console.log(`SKIPPED: the checks with the real Hermes: ${why}`)
const isRight = why !== null || (await checkHermes(program))
const figures = await simulateLogins({ seed: 1, hours: 1_000 })
console.log(`${figures.violations.length === 0 ? 'ok   ' : 'WRONG'} simulation: ${figures.text}`)
for (const each of figures.violations.slice(0, 10)) console.log(`  ${each}`)
process.exitCode = isRight && figures.violations.length === 0 ? 0 : 1
