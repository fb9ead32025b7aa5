/** Patterns of the dialect that docs/style.md replaces. Each has sentences that it must report, and sentences that it must not. */

/** A pattern of the dialect, with examples. */
export interface DialectRule {
  readonly name: string
  readonly pattern: RegExp
  /** What to write in its place. */
  readonly write: string
  /** False: titles may have it. */
  readonly titles?: false
  readonly bad: readonly string[]
  readonly good: readonly string[]
}

const clauseEnd = String.raw`(?=[.,;:)]|$)`
const nouns =
  'agent|attempt|change|claim|comment|day|dispatch|event|file|fleet|hour|issue|lane|line|machine|minute|pane|process|repo|request|row|second|sprint|test|text|time|window|word|worker'

/** Applied to single sentences. Code in them is replaced by x. */
export const dialect: readonly DialectRule[] = [
  {
    name: 'a clause as the subject',
    pattern: /^(?:what|who|whoever|whatever|that which|which|how often|how long) (?!to\b)\S+ \S(?!.*\?$)/i,
    write: 'begin with the noun that acts',
    titles: false,
    bad: [
      'What is at work is asked no more.',
      'Who the fleet is is asked only once.',
      'That which failed is tried again.',
      'how long it waits before',
    ],
    good: [
      'What does exit code 3 mean?',
      'Whole files are compared.',
      'what to do next',
      'what',
      'burn retries the comment.',
      'Which worker gets it?',
    ],
  },
  {
    name: '"so long"',
    pattern: /\bso long\b(?! that\b)/i,
    write: 'write "for this time", "while" or "until"',
    bad: ['So long the id stands outside the composer before that proves anything.', 'So long as it lives, nobody gets it.'],
    good: ['A start takes so long that ssh gives up.', 'As long as the lease holds, nobody takes it over.', 'no longer'],
  },
  {
    name: '"no more" after a verb',
    pattern: new RegExp(String.raw`\bno more(?:${clauseEnd}| (?:and|once|by|after|because|if|when|until|here)\b)`, 'i'),
    write: 'write "no longer"',
    bad: ['It is asked no more.', 'history that is needed no more', 'A change counts no more once it is closed.'],
    good: ['A held worker gets no more work.', 'It uses no more than four processes.', 'The key is no longer read.'],
  },
  {
    name: '"as it now is"',
    pattern: /\bas (?:it|they|he|she) (?:now|then|once|still) (?:is|are|was|were)\b/i,
    write: 'write "the current" or "the new"',
    bad: ['The settings are read as they now are.', 'It keeps the file as it then was.'],
    good: ['burn reads the current settings.', 'as it was before', 'as they are now'],
  },
  {
    name: '"half of" for a median',
    pattern: /(?:\bfor|,) half of (?:the time|the issues|them|their|all)\b/i,
    write: 'write "median"',
    bad: ['how many minutes an agent works, half of the time', 'Agents take 25 minutes for half of their issues.'],
    good: ['Half of the workers are idle.', 'The median time per issue is 25 minutes.', 'It takes half of the disk.'],
  },
  {
    name: 'a mistake of the program',
    pattern: /\bmistakes? (?:in|of) (?:burn|this program|the program)\b/i,
    write: 'write "bug in burn"',
    bad: ['This is a mistake in burn.', 'A mistake in this program.'],
    good: ['This is a bug in burn.', 'There is a mistake in the spec.'],
  },
  {
    name: 'one with a plural',
    pattern: new RegExp(String.raw`(?<![\d.,:/-])\b1 (?:\w+ )?(?:${nouns})(?:s|es)\b`),
    write: 'use the singular',
    bad: ['1 machines, 4 panes', 'It took 1 attempts.', '1 open issues'],
    good: ['1 machine, 4 panes', '21 machines', '0.1 seconds', 'exit code 1 needs a look', '1 is first'],
  },
  {
    name: '"more times"',
    pattern: /(?<!\bor )\bmore times\b/i,
    write: 'write "attempts left"',
    bad: ["It can't be mended more times.", 'It is tried two more times.'],
    good: ['2 attempts left', 'It was seen two or more times.', 'It needs more time.'],
  },
  {
    name: 'a turn that does not come',
    pattern: /\bturn (?:did not|didn't|never|does not|doesn't|has not) c[ao]me\b/i,
    write: 'say what was missing, such as a free slot',
    bad: ['its turn did not come'],
    good: ['Its turn did not end.', 'no free slot before the deadline'],
  },
  {
    name: 'an inverted condition',
    pattern:
      /\bshould (?:it|its|the|a|an|they|their|that|one|any|this|somebody|anybody|nobody|there)\b(?!.*\?)|(?:^|[,;] |\band )(?:had|were) (?:it|its|the|they|a|an|there|nobody|somebody)\b(?!.*\?)/i,
    write: 'write "if"',
    bad: ['It becomes seen should its id show up.', 'Should the forge fail, it waits.', 'Had it slept, another would have it.'],
    good: ['It should never happen.', 'Should the forge be asked?', 'If the id shows up, it is seen.', 'They were there.'],
  },
  {
    name: '"where" for "if"',
    pattern: /\b(?:null|empty|none|nothing|absent|missing|undefined|zero|false|true) where\b/i,
    write: 'write "if"',
    bad: ['Null where none is known.', 'empty where all hold'],
    good: ['Null if none is known.', 'the folder where it runs'],
  },
  {
    name: 'something said by nobody',
    pattern: new RegExp(
      String.raw`\b(?:and|it|which|that|this|what) (?:is|was) said(?! to\b)(?:${clauseEnd}| (?:once|when|so|as|in|with)\b)`,
      'i',
    ),
    write: 'name who reports it, and where',
    bad: ['The others wait, and it is said.', 'It is said once an hour.'],
    good: ['burn reports it once an hour.', 'It is said to be fast.', 'as the author said'],
  },
  {
    name: 'what became or came of something',
    pattern: /\b(?:became|become|becomes|came|comes?|coming) (?:of (?:it|them|that|this|an?|the)\b|to nothing\b)/i,
    write: 'write "outcome" or "failed"',
    bad: ['how it went, and what came of it', 'What became of an issue.', 'Its turn came to nothing.'],
    good: ['The outcome of each sprint.', 'It came to the pane.', 'It becomes idle.'],
  },
  {
    name: '"nothing of it"',
    pattern: /\b(?:nothing|something) of (?:it|that|this|what)\b/i,
    write: 'write "none of it", or name the part',
    bad: ['Nothing of it reaches a shell.', 'nothing of what a model wrote is run'],
    good: ['None of it reaches a shell.', 'nothing else'],
  },
  {
    name: '"mend"',
    pattern: /(?<!--)\bmend(?:s|ed|ing)?\b/i,
    write: 'write "fix" or "repair"',
    bad: ['mend the network', 'Each finding says what mends it.'],
    good: ['fix the network', 'We recommend it.', 'Amend the commit.', 'Show what --mend would do.'],
  },
]
