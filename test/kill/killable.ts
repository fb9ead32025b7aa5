/**
 * A dispatcher that kills itself with SIGKILL at its nth boundary. Boundaries are before (odd) and after (even) each write to the ledger,
 * and each effect on a pane or the forge. Usage: `killable.ts SPEC HOME BOUNDARY AHEAD CYCLES`. Boundary 0 never comes. Its clock is AHEAD
 * milliseconds fast, so that the leases of killed processes have run out. It prints the number of boundaries that it reached.
 */
import { runDispatcher } from './dispatcher.ts'

const [spec = '', home = '', boundary = '0', ahead = '0', cycles = '1'] = process.argv.slice(2)
console.log(await runDispatcher({ spec, home, boundary: Number(boundary), ahead: Number(ahead), cycles: Number(cycles) }))
