/**
 * The scripts of `burn completion`. Each asks `burn __complete`, and quotes the candidates for its shell. No script evaluates a name,
 * because names come from a spec and from a forge, and may contain any character.
 */

/**
 * bash splits words also at `=` and `:`, so the function joins such pieces again. It compares and returns quoted words, because bash inserts
 * a reply as it is. Within quotes, it returns only words that need no quotes. The code also runs in bash 3.2 of macOS.
 */
const bash = `# bash completion for burn. Source: burn completion bash
_burn() {
  local IFS=$' \\t\\n' rest=$COMP_LINE word piece quoted replies line index
  local -a words
  COMPREPLY=()
  for ((index = 0; index <= COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if [[ $index -gt 0 && $rest != [[:space:]]* && -n $rest ]]; then
      words[\${#words[@]}-1]+=$word
    else
      words+=("$word")
      rest=\${rest#"\${rest%%[![:space:]]*}"}
    fi
    rest=\${rest#"$word"}
  done
  word=\${words[\${#words[@]}-1]}
  piece=\${COMP_WORDS[COMP_CWORD]}
  case $piece in '=' | ':') piece= ;; esac
  replies=$(command burn __complete -- "\${words[@]:1}" 2>/dev/null) || return
  while IFS= read -r line; do
    line=\${line%%$'\\t'*}
    if [[ -z $line ]]; then
      continue
    elif [[ $line == :files ]]; then
      compopt -o default 2>/dev/null
      continue
    fi
    case $word in
      [\\"\\']*)
        [[ $line == *[!A-Za-z0-9_./#@%+,=:-]* || $line != "\${word:1}"* ]] || COMPREPLY+=("$line")
        ;;
      *)
        printf -v quoted %q "$line"
        [[ $quoted != "$word"* ]] || COMPREPLY+=("\${quoted:\${#word}-\${#piece}}")
        ;;
    esac
  done <<<"$replies"
}
complete -F _burn burn
`

/** \`compadd\` quotes the words. It shows the texts about them as they are. */
const zsh = `#compdef burn
# zsh completion for burn. Source: burn completion zsh
_burn() {
  local line word
  local -a found shown
  for line in "\${(@f)$(command burn __complete -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}"; do
    word=\${line%%$'\\t'*}
    if [[ -z $word ]]; then
      continue
    elif [[ $word == :files ]]; then
      _files
    else
      found+=("$word")
      shown+=("\${line/$'\\t'/  -- }")
    fi
  done
  if (( \${#found} )); then compadd -l -d shown -a found; fi
}
if [[ $funcstack[1] == _burn ]]; then _burn "$@"; else compdef _burn burn; fi
`

const fish = `# fish completion for burn. Source: burn completion fish
function __burn_complete
    set -l words (commandline -opc)
    for line in (command burn __complete -- $words[2..-1] (commandline -ct) 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path (commandline -ct)
        else
            echo -- $line
        end
    end
end
complete -c burn -f -a '(__burn_complete)'
`

/** The script for each shell. */
export const completionScripts = { bash, zsh, fish } as const
