import { refusalIn } from "./acceptance.ts";
import { Failure } from "./failure.ts";
import { looksLikeJson, refuseMark } from "./manifests.ts";
import { type FoundPolicy, placeIn, policiesOf } from "./policies.ts";
import { PolicyRefused } from "./proxy.ts";
import { readFile } from "./read-file.ts";

/** The policy that `--policy` names: by itself, or in what loads it. */
export class PolicyFile {
  readonly #file: string;
  readonly #read: string;
  #found: FoundPolicy | undefined;
  /** What the filter gets. */
  readonly text: Buffer;

  /** @throws Failure when there is no such file, or not one policy in it */
  constructor(file: string) {
    this.#file = file;
    const bytes = readFile(file);
    this.#read = bytes.toString("utf8");
    refuseMark(file, this.#read);
    this.#found = isLeftToFilter(this.#read) ? undefined : onlyOne(file, policiesOf(file, this.#read));
    this.text = this.#found === undefined ? bytes : Buffer.from(this.#found.text);
  }

  /** Does what starts the filter with it. @throws Failure with the place where the filter refuses it */
  started<T>(start: () => T): T {
    try {
      return start();
    } catch (failure) {
      if (!(failure instanceof PolicyRefused)) throw failure;
      throw new Failure(`${this.#placeOf(failure.said)}: ${failure.message}`);
    }
  }

  #placeOf(said: string): string {
    const refusal = refusalIn(said);
    if (refusal.pointer !== undefined) [this.#found] = policiesOf(this.#file, this.#read);
    const alone = {
      ...{ file: this.#file, text: this.#read, container: undefined },
      at: () => ({ file: this.#file, line: 1, column: 1 }),
    };
    const { file, line, column } = placeIn(this.#found ?? alone, refusal);
    return `${file}:${line}:${column}`;
  }
}

/** The filter reads JSON more strictly than it is read here, and says where it is wrong. */
function isLeftToFilter(text: string): boolean {
  if (!looksLikeJson(text)) return false;
  try {
    const { kind, apiVersion, static_resources } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    return kind === undefined && apiVersion === undefined && static_resources === undefined;
  } catch {
    return true;
  }
}

function onlyOne(file: string, found: readonly FoundPolicy[]): FoundPolicy {
  const [only, ...others] = found;
  if (only === undefined || others.length > 0)
    throw new Failure(
      `${file}: ${only === undefined ? "no policy" : `${found.length} policies`}; expected one: a policy as JSON or YAML, or one manifest that holds it (yq -o=json '.spec.pluginConfig' wasmplugin.yaml > policy.json takes it out)`,
    );
  return only;
}
