/** Reads keys from the bytes that a terminal sends. Pure. */

/** A pressed key. `text`: a character, or a pasted text. */
export type PressedKey =
  | {
      readonly name:
        | 'up'
        | 'down'
        | 'page_up'
        | 'page_down'
        | 'home'
        | 'end'
        | 'enter'
        | 'escape'
        | 'backspace'
        | 'clear'
        | 'interrupt'
        | 'other'
    }
  | { readonly name: 'text'; readonly text: string }

type NamedKey = Exclude<PressedKey['name'], 'text'>

/** The keys of the sequences after `ESC [` and `ESC O`. */
const sequences: Readonly<Record<string, NamedKey>> = {
  A: 'up',
  B: 'down',
  H: 'home',
  F: 'end',
  '1~': 'home',
  '7~': 'home',
  '4~': 'end',
  '8~': 'end',
  '5~': 'page_up',
  '6~': 'page_down',
}

/** The keys of control characters: also Ctrl-P, Ctrl-N, Ctrl-B, Ctrl-F and Ctrl-U, as pagers and shells have them. */
const controls: Readonly<Record<string, NamedKey>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\x03': 'interrupt',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x15': 'clear',
  '\x10': 'up',
  '\x0e': 'down',
  '\x02': 'page_up',
  '\x06': 'page_down',
}

const pasted = /^\x1b\[200~([\s\S]*?)\x1b\[201~/
/** A paste whose end has not arrived. */
const openPaste = /^\x1b\[200~/
const sequence = /^\x1b(?:\[([\d;]*[@-~])|O([@-~]))/
/** The start of a sequence whose end may still arrive. */
const openSequence = /^\x1b(?:\[[\d;]*|O)?$/

/**
 * Returns the keys in `text`, and the rest that may be the start of a longer sequence. If `isComplete`, nothing follows: then a lone ESC is
 * the key Escape.
 */
export function readKeys(text: string, isComplete = false): { readonly keys: readonly PressedKey[]; readonly rest: string } {
  const keys: PressedKey[] = []
  let left = text
  while (left !== '') {
    const paste = pasted.exec(left)
    const found = sequence.exec(left)
    const [first = ''] = left
    if (paste !== null) {
      keys.push({ name: 'text', text: (paste[1] ?? '').replace(/\s+/g, ' ') })
      left = left.slice(paste[0].length)
    } else if (!isComplete && (openPaste.test(left) || openSequence.test(left))) return { keys, rest: left }
    else if (found !== null) {
      // A modifier, such as in `1;5A`, does not change the meaning of a key.
      const name = sequences[(found[1] ?? found[2] ?? '').replace(/^1;\d+(?=[A-Z])/, '')]
      keys.push({ name: name ?? 'other' })
      left = left.slice(found[0].length)
    } else {
      const point = String.fromCodePoint(left.codePointAt(0) ?? 0)
      const name = first === '\x1b' ? 'escape' : (controls[first] ?? (point < ' ' ? 'other' : null))
      keys.push(name === null ? { name: 'text', text: point } : { name })
      left = left.slice(point.length)
    }
  }
  return { keys, rest: '' }
}
