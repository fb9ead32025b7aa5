/** A turn that ends when the test says so (rig.ts, `go`). It does not depend on the speed of the machine. */
import { existsSync } from 'node:fs'

const go = `${process.argv[process.argv.indexOf('--log') + 1]}.go`

export async function turn(_prompt, { print, sleep }) {
  while (!existsSync(go)) await sleep(20)
  print('Done.')
}
