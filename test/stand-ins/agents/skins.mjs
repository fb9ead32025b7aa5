/** The screen and behaviour of each agent, as observed on the real programs. src/agents/<kind>.ts has versions and facts. */

const rule = (width) => '─'.repeat(width)
const spin = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'
const lines = (text) => text.split('\n').length
const menu = ({ choices, marked = 0 }, mark, pad = '  ') => choices.map((choice, i) => `${i === marked ? mark : pad}${i + 1}. ${choice}`)

/** Returns the rows of a composer: its text, or its placeholder, with a mark on the first row. */
function composed({ composer }, mark, indent, placeholder) {
  const rows = composer.length === 0 ? [`${mark}${placeholder}`] : composer.map((row, i) => `${i === 0 ? mark : indent}${row}`)
  const x = composer.length === 0 ? mark.length : rows.at(-1).length
  return { rows, x }
}

const claude = {
  banner: [' ▐▛███▜▌   Claude Code v2.1.197', '▝▜█████▛▘  A model · API Usage Billing', '  ▘▘ ▝▝    ~/work', ''],
  busy: 'queue',
  asks: true,
  digits: true,
  exits: false,
  farewell: 'Resume this session with:',
  swallows: 0,
  collapse: (text, n) => (lines(text) > 3 || text.length > 800 ? `[Pasted text #${n} +${lines(text) - 1} lines]` : null),
  echo: (shown) => shown.split('\n').map((row, i) => (i === 0 ? `❯ ${row}` : `  ${row}`)),
  done: ['● All is well.', '', '✻ Brewed for 1s'],
  failed: ['● API Error: 500 Internal server error.', '', '✻ Brewed for 1s'],
  frame(at) {
    const title = at.state === 'working' ? `${'⠂⠐'[at.seconds % 2]} Claude Code` : '✳ Claude Code'
    if (at.state === 'approval')
      return {
        title,
        cursor: [1, 6],
        rows: [
          rule(at.width),
          ' Bash command',
          '',
          `   ${at.question.title}`,
          '',
          ' Do you want to proceed?',
          ...menu(at.question, ' ❯ ', '   '),
          '',
          ' Esc to cancel · Tab to amend',
        ],
      }
    if (at.state === 'question')
      return {
        title,
        cursor: [0, 4],
        rows: [
          rule(at.width),
          '',
          at.question.title,
          '',
          ...menu(at.question, '❯ ', '  '),
          rule(at.width),
          '  4. Chat about this',
          '',
          'Enter to select · ↑/↓ to navigate · Esc to cancel',
        ],
      }
    const { rows, x } = composed(at, '❯ ', '  ', at.queued.length > 0 ? 'Press up to edit queued messages' : '')
    const busy = at.state === 'working' ? ['', `✻ Brewing… (${at.seconds}s · ↓ 10 tokens)`, ''] : ['']
    const queued = at.queued.map((text) => `  ❯ ${text.split('\n')[0].slice(0, at.width - 6)}`)
    const above = [...busy, ...queued, rule(at.width)]
    return {
      title,
      cursor: [x, above.length + rows.length - 1],
      rows: [
        ...above,
        ...rows,
        rule(at.width),
        at.state === 'working' ? '  esc to interrupt · ← for agents' : '  ? for shortcuts · ← for agents',
      ],
    }
  },
}

const codex = {
  banner: ['', '  >_ OpenAI Codex (v0.169.0)', '     ~/work', ''],
  bottom: true,
  alternate: true,
  busy: 'cut',
  asks: true,
  digits: false,
  exits: true,
  farewell: 'To continue this session, run codex resume',
  swallows: 0,
  collapse: (text) => (text.length > 1000 ? `[Pasted Content ${text.length} chars]` : null),
  echo: (shown, full) => ['', ...full.split('\n').map((row, i) => (i === 0 ? `› ${row}` : `  ${row}`)), ''],
  done: ['• All is well.', '', '  Worked for 1s • 00:42', ''],
  failed: ['■ unexpected status 401 Unauthorized: Invalid API key provided', ''],
  frame(at) {
    const title = at.state === 'working' ? `${spin[at.seconds % 10]} work` : at.state === 'idle' ? 'work' : '[ . ] Action Required | work'
    if (at.state === 'approval')
      return {
        title,
        cursor: [0, 4],
        rows: [
          '  Would you like to run the following command?',
          '',
          `  $ ${at.question.title}`,
          '',
          ...menu(at.question, '› ', '  '),
          '',
          '  Press enter to confirm or esc to cancel',
        ],
      }
    if (at.state === 'question')
      return {
        title,
        cursor: [0, 3],
        rows: [
          '  Question 1/1 (1 unanswered)',
          `  ${at.question.title}`,
          '',
          ...menu(at.question, '  › ', '    '),
          '',
          '  tab to add notes | enter to submit answer | esc to interrupt',
        ],
      }
    const { rows, x } = composed(at, '› ', '  ', 'Ask Codex to do anything')
    // While an answer streams, only the title shows that Codex works.
    const status = at.state === 'working' && at.seconds % 3 !== 2 ? [`• Working (${at.seconds}s • esc to interrupt)`, '', ''] : ['', '']
    return {
      title,
      cursor: [at.composer.length === 0 ? 2 : x, status.length + rows.length - 1],
      rows: [...status, ...rows, '', '  stub default · ~/work', '  ← for agents · ? for shortcuts'],
    }
  },
}

const boxed = (at, rows) => [
  `╭${'─'.repeat(at.width - 2)}╮`,
  ...rows.map((row) => `│ ${row.padEnd(at.width - 4)} │`),
  `╰${'─'.repeat(at.width - 2)}╯`,
]

const gemini = {
  banner: [' ▝▜▄     Gemini CLI v0.61.0', '   ▝▜▄', '  ▗▟▀    Authenticated', ' ▝▀', ''],
  busy: 'queue',
  asks: true,
  digits: true,
  exits: false,
  farewell: 'Agent powering down. Goodbye!',
  swallows: 400,
  collapse: (text) => (lines(text) > 5 || text.length > 500 ? `[Pasted Text: ${lines(text)} lines]` : null),
  echo: (shown) => [`▄`.repeat(20), ...shown.split('\n').map((row, i) => (i === 0 ? ` > ${row}` : `   ${row}`)), '▀'.repeat(20)],
  done: ['✦ All is well.', ''],
  failed: ['✕ [API Error: 401 Invalid API key provided]', 'ℹ This request failed. Press F12 for diagnostics.', ''],
  frame(at) {
    const word = { idle: '◇  Ready', working: '✦  Working…' }[at.state] ?? '✋  Action Required'
    const title = `${word} (work)`.padEnd(80)
    if (at.state === 'approval')
      return {
        title,
        cursor: [0, 0],
        rows: boxed(at, [`?  Shell ${at.question.title}`, '', 'Allow execution?', '', ...menu(at.question, '● ', '  ')]),
      }
    if (at.state === 'question')
      return {
        title,
        cursor: [0, 0],
        rows: boxed(at, [
          'Answer Questions',
          '',
          at.question.title,
          '',
          ...menu(at.question, '● ', '  '),
          '',
          'Enter to select · ↑/↓ to navigate · Esc to cancel',
        ]),
      }
    const { rows, x } = composed(at, ' > ', '   ', '  Type your message or @path/to/file')
    const queued =
      at.queued.length === 0
        ? []
        : ['  Queued (press ↑ to edit):', ...at.queued.map((text) => `    ${text.split('\n')[0].slice(0, at.width - 8)}`), '']
    const busy = at.state === 'working' ? ` ${spin[at.seconds % 10]} Thinking... (esc to cancel, ${at.seconds}s)` : ''
    const above = ['', ...queued, busy, rule(at.width), ' Shift+Tab to accept edits', '▄'.repeat(at.width)]
    return {
      title,
      cursor: [at.composer.length === 0 ? 3 : x, above.length + rows.length - 1],
      rows: [
        ...above,
        ...rows,
        '▀'.repeat(at.width),
        ' workspace (/directory)      sandbox      /model',
        ' ~/work                      no sandbox   Auto',
      ],
    }
  },
}

const qwen = {
  banner: ['  >_ Qwen Code (v0.15.10)', '', '  API Key | stub', ''],
  busy: 'queue',
  asks: true,
  digits: true,
  exits: false,
  farewell: '  To continue this session, run qwen --resume',
  swallows: 0,
  collapse: (text) => (text.length > 1000 || lines(text) > 10 ? `[Pasted Content ${text.length} chars]` : null),
  echo: (shown) => shown.split('\n').map((row, i) => (i === 0 ? `  > ${row}` : `    ${row}`)),
  done: ['  ✦ All is well.', ''],
  failed: ['  ✕ [API Error: 401 Invalid API key provided] (Press Ctrl+Y to retry)', ''],
  frame(at) {
    const title = 'Qwen - work'
    if (at.state === 'approval' || at.state === 'question')
      return {
        title,
        cursor: [0, 0],
        rows: [...boxed(at, [`?  ${at.question.title}`, '', ...menu(at.question, '› ', '  ')]), '', '  ⠏ Waiting for user confirmation...'],
      }
    const { rows, x } = composed(at, '> ', '  ', '  Type your message or @path/to/file')
    const busy =
      at.state === 'working'
        ? [`  ${'...'.slice(0, 1 + (at.seconds % 3)).padEnd(3)} Looking for a comma (${at.seconds}s · esc to cancel)`]
        : []
    const queued = at.queued.length === 0 ? [] : ['', ...at.queued.map((text) => `  ${text.split('\n')[0].slice(0, at.width - 4)}`)]
    const above = ['', ...busy, ...queued, ...(busy.length + queued.length === 0 ? [''] : []), rule(at.width)]
    return {
      title,
      cursor: [Math.min(x, 0), above.length + rows.length + 1],
      rows: [...above, ...rows, rule(at.width), '  ? for shortcuts'],
    }
  },
}

const pi = {
  banner: [' pi v0.73.1', ' escape interrupt · / commands · ! bash', ''],
  busy: 'queue',
  asks: false,
  digits: false,
  exits: false,
  farewell: '',
  swallows: 0,
  collapse: (text, n) => (lines(text) > 10 || text.length > 1000 ? `[paste #${n} +${lines(text)} lines]` : null),
  echo: (shown, full) => ['', ...full.split('\n').map((row) => ` ${row}`), ''],
  done: [' All is well.', ''],
  failed: [' Error: 401 Invalid API key provided', ''],
  frame(at) {
    const { rows, x } = composed(at, '', '', '')
    const queued = at.queued.map((text) => ` Steering: ${text.split('\n')[0].slice(0, at.width - 12)}`)
    const busy = at.state === 'idle' ? [''] : ['', ` ${spin[at.seconds % 10]} Working...`, '']
    const above = [...queued, ...busy, rule(at.width)]
    return {
      title: 'pi - work',
      cursor: [x, above.length + rows.length - 1],
      rows: [...above, ...rows, rule(at.width), '~/work (master)', '↑10 ↓3 0.0%/128k (auto)'.padEnd(at.width - 5) + 'stub'],
    }
  },
}

const bar = (rows) => rows.map((row) => `  ┃  ${row}`)
const opencode = {
  banner: [],
  bottom: true,
  alternate: true,
  busy: 'queue',
  asks: true,
  digits: true,
  exits: true,
  farewell: '  Continue  opencode -s ses_1',
  swallows: 0,
  collapse: (text) => (lines(text) > 2 || text.length > 150 ? `[Pasted ~${lines(text)} lines]` : null),
  echo: (_shown, full) => ['', ...bar(['', ...full.split('\n'), '']), ''],
  done: ['     All is well.', '', '     ▣  Build · a-model · 1.0s'],
  failed: [...bar(['', 'Invalid API key provided', '']), '', '     ▣  Build · a-model'],
  frame(at) {
    const footer = `   ${at.state === 'idle' ? '' : `${'■■⬝⬝⬝⬝⬝⬝'} esc interrupt`}`.padEnd(at.width - 20)
    if (at.state === 'approval')
      return {
        title: 'OC | work',
        cursor: [0, 0],
        rows: ['', ...bar(['', '△ Permission required', `  # ${at.question.title}`, '', ' Allow once   Allow always   Reject', '']), ''],
      }
    if (at.state === 'question')
      return {
        title: 'OC | work',
        cursor: [0, 0],
        rows: [
          '',
          ...bar([
            '',
            at.question.title,
            '',
            ...menu(at.question, '', ''),
            `4. Type your own answer`,
            '',
            '↑↓ select  enter submit  esc dismiss',
            '',
          ]),
          '',
        ],
      }
    const { rows, x } = composed(at, '', '', 'Ask anything…')
    const queued = at.queued.flatMap((text) => ['', ...bar(['', text.split('\n')[0].slice(0, at.width - 8), ' QUEUED'])])
    const above = [...queued, '', '  ┃']
    return {
      title: 'OC | work',
      cursor: [5 + (at.composer.length === 0 ? 0 : x), above.length + rows.length - 1],
      rows: [...above, ...bar(rows), '  ┃', ...bar(['Build · a-model Stub']), `  ╹${'▀'.repeat(at.width - 4)}`, `${footer}ctrl+p commands`],
    }
  },
}

/** The skin of each agent, by kind. */
export const skins = { claude, codex, gemini, opencode, pi, qwen }
