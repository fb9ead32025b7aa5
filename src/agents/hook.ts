/** The hook that agents call: a POSIX sh file without Node, ledger or network, which can neither block an agent nor break it. */
import { lineEnd } from '../core/typed-line.ts'

/** Bytes of a payload that are looked at, and of a pane's file that are kept before it begins anew. */
const mostPayload = 1_048_576
const mostFile = 262_144

/** Events that record a prompt, each with the key that the prompt has in its payload: beside it a payload may repeat the whole conversation. */
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
 * What one payload becomes: one short JSON line, so that no two writers of a file mix theirs. Of the payload nothing stays but a word for each key that is asked
 * for, joined by colons, the ids of deliveries in it, and of a prompt a checksum (`sumOf`) of each line behind an id: what a person typed is nobody's business
 * here. A word is a string without a space (of `text_response(stop)` what stands before the bracket), a number, true or false; of `key=text`, whether the
 * value is that text.
 */
const reduce = `
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
size <= ${mostPayload} { text = text $0 " " }
{ size += length($0) + 1 }
END {
  gsub(/^[ \\t\\r]+|[ \\t\\r]+$/, "", text)
  ok = size == 0 || (size <= ${mostPayload} && text ~ /^[{]/ && text ~ /[}]$/)
  for (i = 1; ok && i <= split(key, keys, ","); i++) {
    word = ""
    if (equals = index(keys[i], "=")) {
      value = "\\"" substr(keys[i], 1, equals - 1) "\\":\\"" substr(keys[i], equals + 1) "\\""
      word = index(text, value) ? "true" : "false"
    } else if (match(text, "\\"" keys[i] "\\"[ \\t]*:[ \\t]*(\\"[A-Za-z0-9_.:-]+[\\"(]|[a-z0-9]+)")) {
      word = substr(text, RSTART, RLENGTH)
      sub(/^[^:]*:[ \\t]*/, "", word)
      gsub(/[^A-Za-z0-9_.:-]/, "", word)
      if (word == "null") word = ""
    }
    if (word != "") some = 1
    detail = detail (i == 1 ? "" : ":") word
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
  printf "{\\"at\\":%d,\\"event\\":\\"%s\\",\\"detail\\":%s,\\"ids\\":[%s],\\"ok\\":%s}\\n", at, event, detail, ids, ok ? "true" : "false"
}`

/** What the pane's option says: the last event, and the last few ids of those before it, since only one value stands at a time. */
const tell = `
/^[{]"at":[0-9]+,"event":"[A-Za-z0-9_.:-]+",/ && /"ok":true[}]$/ {
  split($0, part, "\\"")
  at = part[3]; gsub(/[^0-9]/, "", at)
  event = part[6]
  detail = $0 ~ /"detail":null/ ? "-" : part[10]
  line = $0
  sub(/^.*"ids":/, "", line)
  while (match(line, /[0-9a-z:]+"[],]/)) {
    id = substr(line, RSTART, RLENGTH - 2)
    line = substr(line, RSTART + RLENGTH)
    if (index("," ids ",", "," id ",") == 0) ids = id (ids == "" ? "" : "," ids)
  }
}
END {
  if (event == "") exit
  count = split(ids, all, ",")
  said = all[1]
  for (i = 2; i <= count && i <= 4; i++) said = said "," all[i]
  print seq, at, event, detail, (said == "" ? "-" : said)
}`

const word = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/** The script's text. It stands beside its folder `hooks/`, and is called as `hook <event> [<payload key>[,<key> …]]`, with the payload on stdin or as the last word. */
export const hookScript = `#!/bin/sh
# Called by an agent when something happens to it: notes that in hooks/<pane>.jsonl beside this file, and tells tmux. Part of burn-fleet.
payload() {
  for last in "$@"; do :; done
  case "$last" in
    '{'*) printf '%s\\n' "$last" ;;
    *) [ -t 0 ] || cat ;;
  esac
}
tell() {
  told=
  # Another call may have told more, and this one then wrote over it.
  while now=$(($(wc -c <"$file"))); [ "$now" != "$told" ]; do
    told=$now
    said=$(tail -n 12 "$file" | LC_ALL=C awk -v seq="$told" ${word(tell)})
    [ -z "$said" ] || tmux set-option -p -t "$TMUX_PANE" @burn_signal "$said"
  done
  [ "$(($(wc -c <"$file")))" -le ${mostFile} ] || mv -f "$file" "$file.1"
}
main() {
  pane=\${TMUX_PANE#%}
  file=\${0%/*}/hooks/$pane.jsonl
  umask 077
  case "$2" in '{'*) key= ;; *) key=$2 ;; esac
  line=$(payload "$@" | LC_ALL=C awk -v at="$(date +%s)" -v event="$1" -v key="$key" ${word(reduce)})
  case $pane in
    '' | *[!0-9]*) ;;
    *) printf '%s\\n' "$line" >>"$file" && { tell <&- & } ;;
  esac
}
# Not for the call alone: its shell would keep the output open as long as what runs behind.
exec >/dev/null 2>&1
main "$@"
exit 0
`
