/** The stand-in's options. What it does not know (`chat --yolo …`) is ignored, as the real program's own words. */
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

export const usage = `agent.mjs [chat --yolo -m MODEL --provider P]: takes prompts as Hermes' classic screen does. Options:
  --log PATH        what it received, one JSON object a line; %p is the tmux pane number, %d the process id (or env STANDIN_LOG)
  --turn FILE       module that exports async turn(prompt, ctx); without it a turn waits --turn-ms (300)
  --turn-ms N       how long a turn of the built-in worker takes
  --start-ms N      how long before the composer is there
  --echo-ms N       pause between Enter and the echo of the prompt
  --lag-ms N        how late the screen follows
  --spin-ms N       how often a running turn repaints (1000; 0 never)
  --swallow N       how many first Enters do nothing
  --cut N           of a prompt longer than N characters only those arrive
  --busy-mode M     interrupt (default) or queue, what Enter does while a turn runs
  --hint H          fixed (default: msg=interrupt in every mode, as 0.20.4) or mode (says the mode)
  --ask-every N     every Nth turn first asks a question with four choices
  --approve-every N every Nth turn first asks for approval
  --fail TEXT       a prompt that contains TEXT ends in a failed turn
  --rate-limit TEXT a prompt that contains TEXT ends in a turn that the provider's rate limit ended
  --trouble FILE    while FILE is there, each turn fails as it says: "auth HTTP 401: Incorrect API key provided"
  --profile NAME    name before the idle prompt`

/** Options from argv and the environment. Throws on a value that is not a number. */
export function readOptions(argv, env) {
  const options = Object.fromEntries([...Object.values(numbers), ...Object.values(words)])
  options.log = env.STANDIN_LOG ?? ''
  for (let i = 0; i < argv.length; i++) {
    const number = numbers[argv[i]]
    const word = words[argv[i]]
    if (number !== undefined) {
      options[number[0]] = Number(argv[++i])
      if (!Number.isFinite(options[number[0]])) throw new Error(`${argv[i - 1]} wants a number`)
    } else if (word !== undefined) options[word[0]] = argv[++i] ?? ''
  }
  options.yolo = argv.includes('--yolo')
  options.log = options.log.replaceAll('%p', (env.TMUX_PANE ?? 'none').replace('%', '')).replaceAll('%d', String(process.pid))
  return options
}
