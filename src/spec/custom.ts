/** An agent of kind `custom`, as it is written: how its screen is read, and how it is typed to. */
import * as z from 'zod'
import { defaults } from './defaults.ts'
import { groupsOf, whyNoPattern, whySlow } from './pattern.ts'
import { timeSpan } from './values.ts'

const pattern = z
  .string()
  .min(1, 'must not be empty')
  .superRefine((text, context) => {
    const why = whyNoPattern(text, 'u')
    const slow = why === null ? whySlow(text) : null
    if (why !== null) context.addIssue(`is no regular expression: ${why}`)
    else if (slow !== null) context.addIssue(slow)
  })

const composer = pattern.superRefine((text, context) => {
  if (whyNoPattern(text, 'u') === null && groupsOf(text) !== 1) context.addIssue('must have one group, "(…)", which is the draft')
})

const patterns = z.strictObject({
  ready: pattern.optional().meta({
    description: 'Some row matches it from when the agent is up. Without it: any row that is not blank.',
    examples: ['^my-agent \\d'],
  }),
  composer: composer.meta({
    description: 'The row where its composer begins; of several the lowest. Its one group is the draft: more rows of it follow.',
    examples: ['^> (.*)$'],
  }),
  below: pattern.optional().meta({
    description: 'The first row below the composer. Without it the composer reaches to the last row that is not blank.',
    examples: ['^─{20,}$'],
  }),
  placeholder: pattern.optional().meta({
    description: 'What stands in the composer where nothing is typed.',
    examples: ['^Type a message$'],
  }),
  working: z
    .array(pattern)
    .optional()
    .meta({ description: 'Rows that say that a turn runs.', examples: [['esc to interrupt']] }),
  waiting: z
    .array(pattern)
    .optional()
    .meta({ description: 'Rows that say that it asks something.', examples: [['\\(y/n\\)$']] }),
  error: z
    .array(pattern)
    .optional()
    .meta({ description: 'Rows that say that its last turn failed.', examples: [['^Error: ']] }),
  rows: z
    .int()
    .min(0)
    .max(50)
    .optional()
    .meta({
      description: 'How many rows above the composer may say a state; those below it always may.',
      default: defaults.stateRows,
      examples: [4],
    }),
})

export const customKeys = {
  patterns: patterns.optional().meta({
    description: 'Kind `custom`: regular expressions over single rows of its screen, by which it is read.',
    examples: [{ composer: '^> (.*)$', working: ['esc to interrupt'] }],
  }),
  submit: z
    .enum(['Enter', 'M-Enter', 'C-j', 'C-d', 'C-s'])
    .optional()
    .meta({ description: 'Kind `custom`: the key that submits what is in its composer.', default: defaults.submit, examples: ['M-Enter'] }),
  submit_delay: timeSpan.optional().meta({
    description: 'Kind `custom`: the time between typing a text and pressing that key.',
    default: defaults.submitDelay,
    examples: ['1s'],
  }),
  settle: timeSpan.optional().meta({
    description: 'Kind `custom`: deprecated name of `submit_delay`.',
    deprecated: true,
    examples: ['1s'],
  }),
  collapses: z
    .int()
    .min(2)
    .max(10_000)
    .optional()
    .meta({
      description: 'Kind `custom`: deprecated, has no effect. burn types only one short line, and no agent replaces that by a placeholder.',
      deprecated: true,
      examples: [5],
    }),
}

export type WrittenCustom = z.infer<z.ZodObject<typeof customKeys>>
