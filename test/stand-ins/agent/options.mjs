/** The options of the stand-in. It ignores all other words, such as `chat --yolo`, because they are options of the real program. */
const numbers = {
  '--start-ms': ['startMs', 0],
  '--turn-ms': ['turnMs', 300],
  '--echo-ms': ['echoMs', 0],
  '--lag-ms': ['lagMs', 0],
  '--spin-ms': ['spinMs', 1000],
  '--swallow': ['swallow', 0],
  '--cut': ['cut', 0],
  '--ask-every': ['askEvery', 0],
  '--approve-every': ['approveEvery', 0],
}
const words = {
  '--log': ['log', ''],
  '--turn': ['turn', ''],
  '--busy-mode': ['busyMode', 'interrupt'],
  '--hint': ['hint', 'fixed'],
  '--profile': ['profile', ''],
  '-m': ['model', 'stand-in'],
  '--fail': ['fail', ''],
  '--rate-limit': ['rateLimit', ''],
  '--trouble': ['trouble', ''],
}

/** The help text of the stand-in. */
export const usage = `agent.mjs [chat --yolo -m MODEL --provider P]: imitates Hermes' classic screen. Options:
  --log PATH        log of received prompts, one JSON object per line; %p is the tmux pane number, %d the process id (or env STANDIN_LOG)
  --turn FILE       module that exports async turn(prompt, ctx); without it a turn waits --turn-ms (300)
  --turn-ms N       duration of a built-in turn
  --start-ms N      delay until the composer appears
  --echo-ms N       pause between Enter and the echo of the prompt
  --lag-ms N        delay of the screen
  --spin-ms N       interval at which a running turn repaints (1000; 0 never)
  --swallow N       number of first Enters that do nothing
  --cut N           cut prompts to N characters
  --busy-mode M     effect of Enter during a turn: interrupt (default) or queue
  --hint H          fixed (default: msg=interrupt in every mode, as 0.20.4) or mode (shows the mode)
  --ask-every N     every Nth turn first asks a question with four choices
  --approve-every N every Nth turn first asks for approval
  --fail TEXT       a turn fails if its prompt contains TEXT
  --rate-limit TEXT a turn fails with the provider's rate limit if its prompt contains TEXT
  --trouble FILE    while FILE exists, each turn fails with its content: "auth HTTP 401: Incorrect API key provided"
  --profile NAME    name before the idle prompt
  --resume ID       continue a conversation (kept in $HERMES_HOME/sessions)`

/** Reads the options from argv and the environment. Throws if a value must be a number and is not. */
export function readOptions(argv, env) {
  const options = Object.fromEntries([...Object.values(numbers), ...Object.values(words)])
  options.log = env.STANDIN_LOG ?? ''
  for (let i = 0; i < argv.length; i++) {
    const number = numbers[argv[i]]
    const word = words[argv[i]]
    if (number !== undefined) {
      options[number[0]] = Number(argv[++i])
      if (!Number.isFinite(options[number[0]])) throw new Error(`${argv[i - 1]} needs a number`)
    } else if (word !== undefined) options[word[0]] = argv[++i] ?? ''
  }
  options.yolo = argv.includes('--yolo')
  options.log = options.log.replaceAll('%p', (env.TMUX_PANE ?? 'none').replace('%', '')).replaceAll('%d', String(process.pid))
  return options
}
