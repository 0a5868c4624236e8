// Completion scripts: each finds out which command the words before the cursor lead to, and offers what that one takes. Where nothing is
// offered the shell offers files.

import { type CommandNode, type OptionNode, stepsIn } from "./tree.ts";

type Script = (tree: readonly CommandNode[]) => string;

/** By the name of the shell. */
export const scripts: Readonly<Record<string, Script>> = { bash, zsh, fish };

function bash(tree: readonly CommandNode[]): string {
  const all = valued(tree);
  const free = all.filter(({ option }) => option.choices.length === 0);
  const values = all
    .filter(({ option }) => option.choices.length > 0)
    .map(
      ({ path, option }) =>
        `    ${patterns(path, option)}) COMPREPLY=($(compgen -W ${quoted(option.choices.join(" "))} -- "$cur")); return ;;`,
    );
  const others = `    ${free.map(({ path, option }) => patterns(path, option)).join(" | ")}) return ;;`;
  const words = tree.map(
    (node) =>
      `    ${quoted(node.path)}) options=${quoted(flagsOf(node).join(" "))} words=${quoted(wordsOf(node).join(" "))} ;;`,
  );
  return `# holdfast: source <(holdfast completion bash)
_holdfast() {
  local cur=\${COMP_WORDS[COMP_CWORD]} at= options= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
    ${stepsIn(tree).map(quoted).join(" | ")}) at="\${at:+$at }\${COMP_WORDS[i]}" ;;
    esac
  done
  COMPREPLY=()
  case "$at \${COMP_WORDS[COMP_CWORD - 1]}" in
${[...values, others].join("\n")}
  esac
  case "$at" in
${words.join("\n")}
  esac
  if [[ $cur == -* ]]; then words=$options; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _holdfast holdfast
`;
}

function zsh(tree: readonly CommandNode[]): string {
  const values = valued(tree).map(({ path, option }) => {
    const offer =
      option.choices.length === 0 ? "_files" : `compadd -- ${option.choices.map(quoted).join(" ")}`;
    return `    (${patterns(path, option)}) ${offer}; return ;;`;
  });
  const words = tree.map((node) => {
    const options = node.options.flatMap(({ flags, summary }) =>
      flags.map((flag) => described(flag, summary)),
    );
    const commands = node.commands.map(({ name, summary }) => described(name, summary));
    const choices = node.choices.map((choice) => described(choice, ""));
    return `    (${quoted(node.path)}) options=(${options.join(" ")}) entries=(${[...commands, ...choices].join(" ")}) ;;`;
  });
  return `# holdfast: source <(holdfast completion zsh)
_holdfast() {
  local at= word
  local -a options entries
  for word in \${words[2,CURRENT-1]}; do
    case "$at $word" in
    (${stepsIn(tree).map(quoted).join("|")}) at="\${at:+$at }$word" ;;
    esac
  done
  case "$at \${words[CURRENT-1]}" in
${values.join("\n")}
  esac
  case "$at" in
${words.join("\n")}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then
    _describe option options
  elif (( \${#entries} )); then
    _describe command entries
  else
    _files
  fi
}
compdef _holdfast holdfast
`;
}

function fish(tree: readonly CommandNode[]): string {
  const lines = tree.flatMap((node) => {
    const at = `complete -c holdfast -n ${fishQuoted(`__holdfast_at ${fishQuoted(node.path)}`)}`;
    const words = [...node.commands, ...node.choices.map((name) => ({ name, summary: "" }))];
    return [
      ...words.map(({ name, summary }) => `${at} -f -a ${fishQuoted(name)} -d ${fishQuoted(summary)}`),
      ...node.options.map((option) => `${at} ${fishOption(option)}`),
    ];
  });
  return `# holdfast: holdfast completion fish | source
function __holdfast_at
    set -l at
    for word in (commandline -opc)[2..-1]
        switch "$at $word"
            case ${stepsIn(tree).map(fishQuoted).join(" ")}
                set at (string trim -- "$at $word")
        end
    end
    test "$at" = "$argv[1]"
end
${lines.join("\n")}
`;
}

function fishOption({ flags, summary, takesValue, choices }: OptionNode): string {
  const names = flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const value = choices.length > 0 ? [`-x -a ${fishQuoted(choices.join(" "))}`] : takesValue ? ["-r"] : [];
  return [...names, ...value, `-d ${fishQuoted(summary)}`].join(" ");
}

/** Options with a value, and the commands that have them. */
function valued(tree: readonly CommandNode[]): { readonly path: string; readonly option: OptionNode }[] {
  return tree.flatMap(({ path, options }) =>
    options.filter(({ takesValue }) => takesValue).map((option) => ({ path, option })),
  );
}

/** The command and the option's names, as \`case\` matches them. */
function patterns(path: string, { flags }: OptionNode): string {
  return flags.map((flag) => quoted(`${path} ${flag}`)).join(" | ");
}

function flagsOf({ options }: CommandNode): readonly string[] {
  return options.flatMap(({ flags }) => flags);
}

function wordsOf({ commands, choices }: CommandNode): readonly string[] {
  return [...commands.map(({ name }) => name), ...choices];
}

/** As `_describe` of zsh takes it. */
function described(name: string, summary: string): string {
  const escaped = name.replaceAll(":", "\\:");
  return quoted(summary === "" ? escaped : `${escaped}:${summary}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
