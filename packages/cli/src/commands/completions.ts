/** `completions`: the script with which a shell completes our command lines. */

import { Argument, type Command } from 'commander';
import { ASK } from '../complete-word.js';
import { EXIT } from '../exit-code.js';
import type { Shell } from '../shell.js';

const BASH = `# Completion of logline for bash: eval "$(logline federation completions bash)"
_logline() {
  local line="\${COMP_LINE:0:COMP_POINT}" cur prefix out candidate
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  cur="\${words[\${#words[@]}-1]}"
  # bash takes what stands before a colon for a word of its own.
  prefix="\${cur%"\${cur##*[:=]}"}"
  COMPREPLY=()
  out="$("\${words[0]}" ${ASK} "\${words[@]:1}" 2>/dev/null)" || return 0
  case "$out" in
    :files*) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return 0 ;;
    :folders*) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return 0 ;;
  esac
  while IFS=$'\\t' read -r candidate _; do
    [[ -z $candidate || $candidate == :words ]] || COMPREPLY+=("\${candidate#"$prefix"}")
  done <<<"$out"
}
complete -F _logline logline
`;

const ZSH = `#compdef logline
# Completion of logline for zsh: put it into a folder of $fpath as _logline, or eval it after compinit.
_logline() {
  local -a lines candidates
  local line
  lines=("\${(@f)$("\${words[1]}" ${ASK} "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  case "\${lines[1]}" in
    :files) _files; return ;;
    :folders) _files -/; return ;;
  esac
  for line in "\${(@)lines[2,-1]}"; do
    candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe -V logline candidates
}
if [[ "\${funcstack[1]}" == _logline ]]; then _logline "$@"; else compdef _logline logline; fi
`;

const FISH = `# Completion of logline for fish: logline federation completions fish > ~/.config/fish/completions/logline.fish
function __logline_complete
    set -l tokens (commandline -opc) (commandline -ct)
    set -l lines ($tokens[1] ${ASK} $tokens[2..-1] 2>/dev/null)
    switch "$lines[1]"
        case :files
            __fish_complete_path (commandline -ct)
        case :folders
            __fish_complete_directories (commandline -ct)
        case '*'
            printf '%s\\n' $lines[2..-1]
    end
end
complete -c logline -f -a '(__logline_complete)'
`;

const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

export function addCompletions(parent: Command, shell: Shell): void {
  const command = parent
    .command('completions')
    .description('print a script with which a shell completes commands, options, peers and tenants')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)));
  const examples = [
    'eval "$(logline federation completions bash)"',
    'logline federation completions zsh > ~/.zfunc/_logline',
    'logline federation completions fish > ~/.config/fish/completions/logline.fish',
  ];
  shell.defineOffline(command, examples, async ({ out }, _options, [name = '']) => {
    const script = SCRIPTS[name] ?? '';
    if (out.isJson) await out.json({ shell: name, script });
    else await out.write(script);
    return EXIT.ok;
  });
}
