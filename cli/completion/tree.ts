import type { Command, Option } from "commander";

/** An option as shells complete it. */
export interface OptionNode {
  /** `-p`, `--policy`. */
  readonly flags: readonly string[];
  readonly summary: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

/** A command as shells complete it. */
export interface CommandNode {
  /** The words that lead to it, without the program's name: `token key`. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly OptionNode[];
  /** What its arguments can be; none where they are files, or anything. */
  readonly choices: readonly string[];
}

/** Every command, outer ones first: from what the program itself parses by, so that the two cannot differ. */
export function treeOf(command: Command, path = ""): readonly CommandNode[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const node: CommandNode = {
    path,
    commands: commands.map((one) => ({ name: one.name(), summary: help.subcommandDescription(one) })),
    options: help.visibleOptions(command).map(optionOf),
    choices: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
  };
  const below = command.commands.flatMap((one) => treeOf(one, `${path} ${one.name()}`.trim()));
  return [node, ...below];
}

function optionOf({ short, long, description, required, optional, argChoices }: Option): OptionNode {
  return {
    flags: [short, long].filter((flag) => flag !== undefined),
    summary: description,
    takesValue: required || optional,
    choices: argChoices ?? [],
  };
}

/** The words before a subcommand and its name, as `case` of a shell matches them: ` check`, `token key`. After `help` come the same. */
export function stepsIn(tree: readonly CommandNode[]): readonly string[] {
  return tree.flatMap(({ path, commands }) =>
    commands.filter(({ name }) => name !== "help").map(({ name }) => `${path} ${name}`),
  );
}
