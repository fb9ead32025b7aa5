/**
 * Compares the names of models and providers. The same model has different names in a spec, on a screen, in a request and in an answer: with
 * a provider in front, with a date at its end, cut to a width, or as an alias.
 */

/** The part of a name after which the rest only names a version: a date, a counter, or `latest`. */
const version = /^(?:[-@:](?:20\d{6}|20\d\d-\d\d-\d\d|\d{3,4}|latest)|-v\d+(?::\d+)?)+$/
/** The words that Amazon Bedrock puts in front of a name. */
const bedrock = /^(?:(?:us|eu|apac|global)\.)?(?:anthropic|meta|mistral|amazon|deepseek|qwen|openai)\./
/** Aliases that name the newest model of a family. */
const families = new Set(['opus', 'sonnet', 'haiku', 'pro', 'flash', 'flash-lite'])
/** Names with which an agent program chooses a model by itself. */
const choices = new Set(['', 'auto', 'best', 'default', 'opusplan'])
/** The minimum number of characters of a cut name that burn compares. */
const minCut = 8

/** Returns true if the name leaves the choice of the model to the agent program. */
export function isOpenChoice(name: string): boolean {
  return choices.has(plainName(name))
}

/** Returns true if both names can mean the same model. */
export function isSameModel(one: string, other: string): boolean {
  const [a, b] = [plainName(one), plainName(other)]
  return a === b || isFamilyOf(a, b) || isFamilyOf(b, a) || isCutOf(a, b) || isCutOf(b, a) || isVersionOf(a, b) || isVersionOf(b, a)
}

/** Returns the name in lower case without provider, path, file ending and context size. `4.5` and `4-5` are the same. */
function plainName(name: string): string {
  const base = name
    .trim()
    .toLowerCase()
    .replace(/\[[^\]]*\]$/, '')
    .replace(/\.gguf$/, '')
  return base
    .slice(base.lastIndexOf('/') + 1)
    .replace(bedrock, '')
    .replaceAll(/(?<=\d)\.(?=\d)/g, '-')
}

function isFamilyOf(alias: string, name: string): boolean {
  return families.has(alias) && `-${name}-`.includes(`-${alias}-`)
}

/** Returns true if `cut` is the beginning of a name, as a narrow screen shows it. */
function isCutOf(cut: string, name: string): boolean {
  const start = /^(.*?)(?:\.{2,3}|…)$/.exec(cut)?.[1]
  return start !== undefined && start.length >= minCut && name.startsWith(start)
}

function isVersionOf(long: string, short: string): boolean {
  return short !== '' && long.startsWith(short) && version.test(long.slice(short.length))
}

/** Names that say nothing about the provider: Hermes records `custom` for any server that a configuration describes. */
const unnamedProviders = new Set(['', 'auto', 'custom', 'main'])

/** Returns true if both names can mean the same provider, or if one of them names none. */
export function isSameProvider(one: string, other: string): boolean {
  const [a, b] = [one, other].map((name) => name.trim().toLowerCase().replace(/:.*$/, ''))
  return a === b || unnamedProviders.has(a ?? '') || unnamedProviders.has(b ?? '')
}
