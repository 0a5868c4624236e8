import { Argument, type Command } from "commander";
import { scripts } from "../completion/scripts.ts";
import { treeOf } from "../completion/tree.ts";
import { addExamples } from "../options.ts";

export function addCompletion(program: Command): void {
  const command = program
    .command("completion")
    .summary("a script that completes commands and options in a shell")
    .description("Prints a script by which a shell completes commands, options and their choices.")
    .addArgument(new Argument("<shell>", "for which shell").choices(Object.keys(scripts)))
    .action((shell: string) => {
      process.stdout.write(scripts[shell]?.(treeOf(program)) ?? "");
    });
  addExamples(
    command,
    "holdfast completion bash > ~/.local/share/bash-completion/completions/holdfast",
    "holdfast completion zsh > ~/.holdfast.zsh",
    "holdfast completion fish > ~/.config/fish/completions/holdfast.fish",
  );
}
