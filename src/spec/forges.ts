/** The kinds of forge, one schema each: which settings a spec may write. Their adapters are in src/forge/index.ts, which does not compile without one for each. */
import * as z from 'zod'
import type { SecretSource } from '../core/nouns.ts'
import { defaults } from './defaults.ts'
import { argv, line, owner } from './values.ts'

export const token = z
  .strictObject({
    file: line.optional().meta({
      description: 'A file with the token and nothing else, readable by you alone (0600).',
      examples: ['~/.config/burn-fleet/token'],
    }),
    env: line.optional().meta({ description: 'An environment variable that holds it.', examples: ['BURN_TOKEN'] }),
    command: argv.optional().meta({ description: 'A command that prints it.', examples: [['pass', 'show', 'forge']] }),
  })
  .refine((source) => Object.keys(source).length === 1, 'must say one of "file", "env" or "command"')
  .meta({ minProperties: 1, maxProperties: 1 })

const gitea = z.strictObject({
  kind: z.literal('gitea').meta({ description: 'Gitea or Forgejo.' }),
  url: line.meta({ description: 'Where the forge is, without credentials.', examples: ['https://forge.example.com'] }),
  owner: owner.meta({ description: 'The user or organisation whose repos these are.', examples: ['my-org'] }),
  token: token
    .optional()
    .meta({ description: 'Where the API token is kept; never the token itself.', default: defaults.token, examples: [defaults.token] }),
  requests_per_minute: z
    .int()
    .min(1)
    .nullable()
    .optional()
    .meta({
      description:
        'How many requests a minute the forge gets from one process; the others wait, and it is said. Write less than its own limit allows. `null`: as many as there are.',
      default: null,
      examples: [300],
    }),
})

const folder = z.strictObject({
  kind: z.literal('folder').meta({ description: 'A folder of Markdown issues and bare git repositories: no server needed.' }),
  path: line.meta({ description: 'The folder. A relative path starts at the spec.', examples: ['~/burn'] }),
  owner: owner
    .optional()
    .meta({ description: 'What stands before the slash in `owner/name`.', default: defaults.folderOwner, examples: ['local'] }),
})

/** What stands in `forge` of a spec. */
export const forge = z.discriminatedUnion('kind', [gitea, folder])

export type WrittenForge = z.infer<typeof forge>
export type ForgeKind = WrittenForge['kind']

/** With its defaults filled in (`spec/complete`): every kind has an owner, and a server has a token. */
type Complete<Written extends WrittenForge> = Omit<Written, 'owner' | 'token'> & { readonly owner: string } & (Written extends {
    readonly url: string
  }
    ? { readonly token: SecretSource }
    : unknown)

/** What the adapter of each kind is told. */
export type ForgeSettings = { readonly [Kind in ForgeKind]: Complete<Extract<WrittenForge, { readonly kind: Kind }>> }
