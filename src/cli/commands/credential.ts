/** `burn credential`: what git asks for the forge's login. Not for people. */
import { Command } from 'commander'
import { dirname, resolve } from 'node:path'
import type { CommonOptions, Context } from '../context.ts'
import { withCommon } from '../context.ts'

/** The name that stands beside a token is not looked at by Gitea. */
const username = 'burn'

export function credentialCommand(context: Context): Command {
  return withCommon(new Command('credential'))
    .description("answer git's question for the forge's login (gitcredentials); git calls it")
    .argument('<operation>', 'get, store or erase')
    .action((operation: string, options: CommonOptions) => answer(operation, options, context))
}

/** Says nothing where it is not the forge that git asks about: git then asks nobody else, and the remote says what is missing. */
async function answer(operation: string, options: CommonOptions, context: Context): Promise<void> {
  const { home, cwd, env, io } = context
  const { readSpec } = await import('../wire.ts')
  const { parseSpec } = await import('../../spec/load.ts')
  const { completeForge, localPath } = await import('../../spec/complete.ts')
  const { loginAnswer, wantsLogin } = await import('../../git/credential.ts')
  const { readSecret } = await import('../../host/secrets.ts')
  const { file, text } = await readSpec(options.spec, context)
  const forge = completeForge(parseSpec(text, file), (path) => localPath(path, home, dirname(resolve(cwd, file))))
  if (forge.kind !== 'gitea' || !wantsLogin(operation, await io.readInput(), forge.url)) return
  io.write(loginAnswer(username, await readSecret(forge.token, { home, env })))
}
