/**
 * The hook that agents call: a POSIX sh script. The script needs no Node, no ledger and no network. It can neither block nor break an
 * agent.
 */
import { lineEnd } from '../core/typed-line.ts'

/** The maximum number of bytes that the hook reads of a payload. */
const maxPayload = 1_048_576
/** The size (bytes) at which the hook replaces a pane's event file with a new one. */
const maxFile = 262_144

/** Events that record a prompt, each with the key of the prompt in its payload. The rest of a payload may repeat the whole conversation. */
const prompts = {
  UserPromptSubmit: 'prompt',
  BeforeAgent: 'prompt',
  pre_llm_call: 'user_message',
  input: 'text',
  'chat.message': 'text',
  'agent-turn-complete': 'input-messages',
}
const promptKeys = Object.entries(prompts).map(([event, key]) => `  of["${event}"] = "${key}"\n`)

/**
 * The awk program that turns a payload into one short JSON line. A short line is appended in one write, so lines of concurrent writers do
 * not mix. The line has the id of the agent (`BURN_AGENT_ID`), and nothing of the payload except:
 *
 * - `detail`: one word for each key that the caller requests, joined by colons. A word is a string without spaces (of `text_response(stop)`
 *   only the part before the bracket), a number, true or false. For a requested `key=text`, the word is true if the key's value is that
 *   text, and false otherwise.
 * - `conversation`: the value of a requested `@key`. For `@key?other`, the key `other` must have the same value. For `@key?other^text`, the
 *   value of the key `other`, or the first item of its list, must begin with that text.
 * - `ids`: the ids of deliveries. If the event records a prompt, each id has a checksum (`lineChecksum`) of the line that follows it.
 */
const eventScript = `
BEGIN {
  gsub(/[^A-Za-z0-9_.:-]/, "", event); event = substr(event, 1, 64)
  for (i = 32; i < 127; i++) code[sprintf("%c", i)] = i
  closing = "${lineEnd}"
${promptKeys.join('')}}
function sum(line, i, total) {
  if (match(line, /["\\\\]/)) line = substr(line, 1, RSTART - 1)
  if (match(line, /[[]burn /)) line = substr(line, 1, RSTART - 1)
  i = index(line, closing)
  if (i > 0) line = substr(line, 1, i + length(closing) - 1)
  gsub(/^[ \\t]+|[ \\t]+$/, "", line)
  total = 0
  for (i = 1; i <= length(line) && i <= 2000; i++) total = (total * 257 + code[substr(line, i, 1)]) % 2147483647
  return total
}
function wordOf(key, word) {
  if (!match(text, "\\"" key "\\"[ \\t]*:[ \\t]*(\\"[A-Za-z0-9_.:-]+[\\"(]|[a-z0-9]+)")) return ""
  word = substr(text, RSTART, RLENGTH)
  sub(/^[^:]*:[ \\t]*/, "", word)
  gsub(/[^A-Za-z0-9_.:-]/, "", word)
  return word == "null" ? "" : word
}
function begins(key, start) {
  return match(text, "\\"" key "\\"[ \\t]*:[ \\t[]*\\"") && substr(text, RSTART + RLENGTH, length(start)) == start
}
function conversationOf(key, at, other, caret) {
  if (!(at = index(key, "?"))) return wordOf(key)
  other = substr(key, at + 1); key = substr(key, 1, at - 1)
  if (caret = index(other, "^")) return begins(substr(other, 1, caret - 1), substr(other, caret + 1)) ? wordOf(key) : ""
  return wordOf(key) == wordOf(other) ? wordOf(key) : ""
}
size <= ${maxPayload} { text = text $0 " " }
{ size += length($0) + 1 }
END {
  gsub(/^[ \\t\\r]+|[ \\t\\r]+$/, "", text)
  ok = size == 0 || (size <= ${maxPayload} && text ~ /^[{]/ && text ~ /[}]$/)
  for (i = 1; ok && i <= split(key, keys, ","); i++) {
    if (substr(keys[i], 1, 1) == "@") { conversation = substr(conversationOf(substr(keys[i], 2)), 1, 160); continue }
    if (equals = index(keys[i], "=")) {
      value = "\\"" substr(keys[i], 1, equals - 1) "\\":\\"" substr(keys[i], equals + 1) "\\""
      word = index(text, value) ? "true" : "false"
    } else word = wordOf(keys[i])
    if (word != "") some = 1
    detail = detail (words++ ? ":" : "") word
  }
  if (!some) detail = ""
  if (ok && event in of && match(text, "\\"" of[event] "\\"[ \\t]*:[ \\t]*")) {
    prompt = substr(text, RSTART + RLENGTH)
    if (match(prompt, /^"([^"\\\\]|\\\\.)*"/) || match(prompt, /^[[]([ \\t,]*"([^"\\\\]|\\\\.)*")*[ \\t]*[]]/)) {
      text = substr(prompt, 1, RLENGTH)
      summed = 1
    }
  }
  while (ok && count < 8 && match(text, /[[]burn [0-9a-z]+[]]/)) {
    id = substr(text, RSTART + 6, RLENGTH - 7)
    text = substr(text, RSTART + RLENGTH)
    if (length(id) == 13 && !(id in had)) { had[id]; ids = ids (count++ ? "," : "") "\\"" id (summed ? ":" sum(text) : "") "\\"" }
  }
  detail = detail == "" ? "null" : "\\"" substr(detail, 1, 160) "\\""
  conversation = conversation == "" ? "null" : "\\"" conversation "\\""
  end = sprintf("\\"agent\\":\\"%s\\",\\"conversation\\":%s,\\"ok\\":%s}", agent, conversation, ok ? "true" : "false")
  printf "{\\"at\\":%d,\\"event\\":\\"%s\\",\\"detail\\":%s,\\"ids\\":[%s],%s\\n", at, event, detail, ids, end
}`

/**
 * The awk program that prints the new value of the pane option `@burn_signal`. The option holds only one value, so the value is the last
 * event of this agent with the last few delivery ids and the last conversation. An earlier agent of the pane may still write events.
 */
const lastEventScript = `
/^[{]"at":[0-9]+,"event":"[A-Za-z0-9_.:-]+",/ && /"ok":true[}]$/ && index($0, "],\\"agent\\":\\"" agent "\\",") {
  split($0, part, "\\"")
  at = part[3]; gsub(/[^0-9]/, "", at)
  event = part[6]
  detail = $0 ~ /"detail":null/ ? "-" : part[10]
  line = $0
  if (match(line, /"conversation":"[^"]*"/)) conversation = substr(line, RSTART + 16, RLENGTH - 17)
  sub(/^.*"ids":/, "", line)
  sub(/"agent":.*$/, "", line)
  while (match(line, /[0-9a-z:]+"[],]/)) {
    id = substr(line, RSTART, RLENGTH - 2)
    line = substr(line, RSTART + RLENGTH)
    if (index("," ids ",", "," id ",") == 0) ids = id (ids == "" ? "" : "," ids)
  }
}
END {
  if (event == "") exit
  count = split(ids, all, ",")
  recent = all[1]
  for (i = 2; i <= count && i <= 4; i++) recent = recent "," all[i]
  print seq, at, event, detail, (recent == "" ? "-" : recent), (conversation == "" ? "-" : conversation)
}`

/**
 * The awk program that turns the JSON of a status line into the value of the pane option `@burn_limits`, without its time. Prints nothing if
 * the agent does not know its limits, for example because an API key pays. The first word changes with each request and each prompt.
 */
const limitsScript = `
function numberOf(text, key) {
  if (!match(text, "\\"" key "\\"[ \\t]*:[ \\t]*[0-9.]+")) return ""
  text = substr(text, RSTART, RLENGTH)
  sub(/^.*:[ \\t]*/, "", text)
  return text
}
size <= ${maxPayload} { text = text $0 " " }
{ size += length($0) + 1 }
END {
  if (size > ${maxPayload} || text !~ /[}][ \\t\\r]*$/) exit
  requests = numberOf(text, "total_api_duration_ms")
  if (match(text, /"prompt_id"[ \\t]*:[ \\t]*"[0-9a-f]+/)) requests = requests "-" substr(text, RSTART + RLENGTH - 8, 8)
  if (requests == "" || !match(text, /"rate_limits"[ \\t]*:[ \\t]*[{]/)) exit
  text = substr(text, RSTART + RLENGTH)
  while (count < 8 && match(text, /^[ \\t,]*"[a-z0-9_]+"[ \\t]*:[ \\t]*([{][^{}]*[}]|null)/)) {
    each = substr(text, RSTART, RLENGTH)
    text = substr(text, RSTART + RLENGTH)
    split(each, part, "\\"")
    used = numberOf(each, "used_percentage")
    if (used != "") { out = out " " substr(part[2], 1, 40) "=" used "=" numberOf(each, "resets_at"); count++ }
  }
  if (out != "") print requests out
}`

const word = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/**
 * The text of the hook script. burn installs the script beside the folder `hooks/`. Agents call it as `hook <event> [<payload key>[,<key>
 * …]]`, with the payload on stdin or as the last argument. As a status line, `hook --limits` prints nothing.
 */
export const hookScript = `#!/bin/sh
# An agent calls this for each event. It writes the event to hooks/<pane>.jsonl beside this file, and to an option of tmux. Part of burn-fleet.
record() {
  LC_ALL=C awk -v at="$(date +%s)" -v event="$1" -v key="$2" -v agent="$agent" ${word(eventScript)}
}
tell() {
  sent=
  # If another call wrote a later event meanwhile, this call may have set an older one after it. So it repeats until the file no longer grows.
  while now=$(($(wc -c <"$file"))); [ "$now" != "$sent" ]; do
    sent=$now
    value=$(tail -n 12 "$file" | LC_ALL=C awk -v seq="$sent" -v agent="$agent" ${word(lastEventScript)})
    # tmux itself checks that the agent is still the agent of the pane.
    [ -z "$value" ] || tmux if-shell -F -t "$TMUX_PANE" "#{==:#{@burn_agent_id},$agent}" "set-option -p -t $TMUX_PANE @burn_signal '$value'"
  done
  [ "$now" -le ${maxFile} ] || mv -f "$file" "$file.1"
}
limits() {
  value=$(LC_ALL=C awk ${word(limitsScript)})
  # The time stays unless a request or a prompt has come: an agent also draws its status line for other reasons.
  changed="#{!=:#{s/^[0-9]+ //:@burn_limits},$value}"
  [ -z "$value" ] || tmux if-shell -F -t "$TMUX_PANE" "#{&&:#{==:#{@burn_agent_id},$agent},$changed}" \\
    "set-option -p -t $TMUX_PANE @burn_limits '$(date +%s) $value'"
}
main() {
  pane=\${TMUX_PANE#%}
  file=\${0%/*}/hooks/$pane.jsonl
  umask 077
  case $BURN_AGENT_ID in *[!0-9a-z]*) agent= ;; *) agent=$BURN_AGENT_ID ;; esac
  [ "$1" != --limits ] || { case $pane in '' | *[!0-9]*) ;; *) limits ;; esac; return; }
  case "$2" in '{'*) key= ;; *) key=$2 ;; esac
  for last in "$@"; do :; done
  case "$last" in
    '{'*) line=$(printf '%s\\n' "$last" | record "$1" "$key") ;;
    *) [ ! -t 0 ] || exec </dev/null; line=$(record "$1" "$key") ;;
  esac
  case $pane in
    '' | *[!0-9]*) ;;
    *) printf '%s\\n' "$line" >>"$file" && { tell <&- & } ;;
  esac
}
# This applies to the whole script: a redirection of the call alone would leave the output open while the background process runs.
exec >/dev/null 2>&1
main "$@"
exit 0
`
