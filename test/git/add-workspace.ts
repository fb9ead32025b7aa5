/**
 * A child process that adds one workspace: `add-workspace.ts <dir> <repo> <clone url> <id> <token>`. It prints `ready`, waits for a line on
 * stdin, and prints the path of the workspace.
 */
import { once } from 'node:events'
import { credentialResponse } from '../../src/git/credential.ts'
import { openMirror } from '../../src/git/mirror.ts'
import { addWorkspace } from '../../src/git/workspace.ts'
import { clock } from '../support/clock.ts'

const [dir = '', repo = '', clone_url = '', id = '', token = ''] = process.argv.slice(2)
const git = { env: process.env, login: { forge_url: clone_url, answer: async () => credentialResponse('burn', token) }, clock }
process.stdout.write('ready\n')
await once(process.stdin, 'data')
const { path } = await addWorkspace(git, await openMirror(git, { dir, repo, clone_url }), { id, base: 'main' })
process.stdout.write(`${path}\n`)
process.stdin.destroy()
