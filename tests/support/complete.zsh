# What zsh makes of lines when TAB is typed after them: complete.zsh SCRIPT LINE… prints each line as it is then.
zmodload zsh/zpty
zpty -b shell zsh -f -i
ask() {
  zpty -w $3 shell "$1"
  zpty -r shell answer "*$2*"
}
ask "TERM=dumb PS1= RPS1=; autoload -Uz compinit; compinit -D -u; source ${(q)1}; print REA''DY" READY
# The quotes keep what is echoed from looking like an answer.
ask 'said() { print -r -- "<""<$BUFFER>"">"; BUFFER= }; zle -N said; bindkey "^X" said; bindkey "^I" complete-word; print SE""T' SET
shift
for line; do
  ask "$line"$'\t\x18' '<<*>>' -n
  answer=${answer##*<<}
  print -r -- "${answer%%>>*}"
done
