// Writes docs/reasons.md from the filter's own table. Run by `npm run docs`; a test fails when the file is stale.

import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { format, resolveConfig } from "prettier";
import { Answer, Reason, answerTo, grpcStatus, httpStatus } from "../../assembly/decision/reason.ts";
import { NOTES } from "./reason-notes.ts";
import type { ReasonName } from "./reason-notes.ts";

export const REASONS_PAGE = resolve(import.meta.dirname, "../reasons.md");

const CHALLENGES: Readonly<Partial<Record<Answer, string>>> = {
  [Answer.Unauthenticated]: "no error code",
  [Answer.InvalidToken]: "`invalid_token`",
  [Answer.InvalidRequest]: "`invalid_request`",
};

export async function reasonsPage(): Promise<string> {
  const rows = Object.keys(NOTES).map((name) => row(name as ReasonName));
  const page = `# Reasons

Made by \`npm run docs\` from assembly/decision/reason.ts. Every request ends with one of these. Names and numbers are stable.

You meet a reason as \`%RESPONSE_CODE_DETAILS%\` (\`holdfast_denied{...}\`), as filter state \`wasm.holdfast.reason\`, in the
counters \`wasmcustom.holdfast.<allow|deny|would_deny|strip|close>.<reason>\`, and in the [decision record](decision-record.md) of Envoy's log. The client gets the
status and the challenge only.

| reason | number | HTTP | gRPC | challenge | what it means | what to do |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
  return format(page, { ...(await resolveConfig(REASONS_PAGE)), filepath: REASONS_PAGE });
}

function row(name: ReasonName): string {
  const reason = Reason[name];
  const answer = answerTo(reason);
  const { means, next } = NOTES[name];
  const statuses =
    answer === Answer.None ? ["", ""] : [String(httpStatus(answer)), String(grpcStatus(answer))];
  return `| \`${name}\` | ${[reason, ...statuses, CHALLENGES[answer] ?? "", means, next].join(" | ")} |`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(REASONS_PAGE, await reasonsPage());
