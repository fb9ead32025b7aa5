/** Texts that try to control a terminal, and what no command may print. */

/** Matches characters that control a terminal, or hide text. */
export const forbidden =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Surrogate}/u

/** Texts that control terminals, in forms that burn itself never prints. */
export const attacks = [
  '\u001b[2J\u001b[H',
  '\u001b]0;title\u0007',
  '\u001b]52;c;cm0gLXJm\u001b\\',
  '\u001b]8;;http://evil.example\u001b\\link',
  '\u001b[5m',
  '\u001b[38;5;196mred',
  '\u009b31m',
  '\u001bc',
  '\u001bP+q\u001b\\',
  '\u202egnp.exe',
  '\u2066\u2069',
  '\u200f',
  '\u{e0041}',
  '\r\n',
  '\rdone',
  '\b\b\b',
  '\u2028',
  '\u0000',
  '\ud800',
  '漢字 🚀',
]
