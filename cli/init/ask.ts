import { createInterface } from "node:readline/promises";
import { Failure } from "../failure.ts";
import { type Given, isAsked, type Question, QUESTIONS } from "./questions.ts";

const EXIT_INTERRUPTED = 130;

/** Asks for what is not given, each until the answer is good. @throws Failure when the answers end before the questions */
export async function ask(
  given: Given,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<Given> {
  const lines = createInterface({ input, output });
  const end = new AbortController();
  lines.on("close", () => {
    end.abort();
  });
  lines.on("SIGINT", () => {
    output.write("\n");
    process.exit(EXIT_INTERRUPTED);
  });
  try {
    let answers = given;
    for (const question of QUESTIONS) {
      if (answers[question.name] !== undefined || !isAsked(question, answers)) continue;
      const usual = question.usual(answers);
      const prompt = `${question.text}${usual === undefined ? "" : ` [${usual}]`} `;
      const answer = await good(
        question,
        usual,
        () => lines.question(prompt, { signal: end.signal }),
        output,
      );
      answers = { ...answers, [question.name]: answer };
    }
    return answers;
  } catch (failure) {
    if (end.signal.aborted) throw new Failure("no answer; nothing was written");
    throw failure;
  } finally {
    lines.close();
  }
}

async function good(
  { flaw }: Question,
  usual: string | undefined,
  answered: () => Promise<string>,
  output: NodeJS.WritableStream,
): Promise<string> {
  for (;;) {
    const said = (await answered()).trim();
    const answer = said === "" && usual !== undefined ? usual : said;
    const wrong = flaw(answer);
    if (wrong === undefined) return answer;
    output.write(`${wrong}\n`);
  }
}
