/** The hook that agents call: a POSIX sh file without Node, ledger or network, which can neither block an agent nor break it. */

/** Bytes of a payload that are looked at, and of a pane's file that are kept before it begins anew. */
const mostPayload = 1_048_576
const mostFile = 262_144

/**
 * What one payload becomes: one short JSON line, so that no two writers of a file mix theirs. Of the payload nothing stays but the ids of
 * deliveries in it and one word: what a person typed is nobody's business here.
 */
const reduce = `
BEGIN { gsub(/[^A-Za-z0-9_.:-]/, "", event); event = substr(event, 1, 64) }
size <= ${mostPayload} { text = text $0 " " }
{ size += length($0) + 1 }
END {
  gsub(/^[ \\t\\r]+|[ \\t\\r]+$/, "", text)
  ok = size == 0 || (size <= ${mostPayload} && text ~ /^[{]/ && text ~ /[}]$/)
  if (ok && key != "" && match(text, "\\"" key "\\"[ \\t]*:[ \\t]*\\"[A-Za-z0-9_.:-]+\\"")) {
    detail = substr(text, RSTART, RLENGTH - 1)
    sub(/^.*"/, "", detail)
  }
  while (ok && count < 8 && match(text, /[[]burn [0-9a-z]+[]]/)) {
    id = substr(text, RSTART + 6, RLENGTH - 7)
    text = substr(text, RSTART + RLENGTH)
    if (length(id) == 13 && !(id in had)) { had[id]; ids = ids (count++ ? "," : "") "\\"" id "\\"" }
  }
  detail = detail == "" ? "null" : "\\"" substr(detail, 1, 64) "\\""
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
  while (match(line, /[0-9a-z]+"[],]/)) {
    id = substr(line, RSTART, RLENGTH - 2)
    line = substr(line, RSTART + RLENGTH)
    if (length(id) == 13 && index("," ids, "," id) == 0) ids = id (ids == "" ? "" : "," ids)
  }
}
END { if (event != "") print seq, at, event, detail, (ids == "" ? "-" : substr(ids, 1, 55)) }`

const word = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/** The script's text. It stands beside its folder `hooks/`, and is called as `hook <event> [<payload key>]`, with the payload on stdin or as the last word. */
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
  said=$(tail -n 12 "$file" | LC_ALL=C awk -v seq="$(($(wc -c <"$file")))" ${word(tell)})
  [ -z "$said" ] || tmux set-option -p -t "$TMUX_PANE" @burn_signal "$said"
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
    *) printf '%s\\n' "$line" >>"$file" && tell <&- >/dev/null & ;;
  esac
}
main "$@" >/dev/null 2>&1
exit 0
`
