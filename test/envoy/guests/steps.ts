// What a probe guest does in a callback, one host call a step. Each step logs one line: its name and the numbers that
// came of it. See assemble-guest.ts for the functions used here.

/** Places texts and bytes in the guest's memory. */
export interface Literals {
  /** The two arguments, address and size, under which a host function finds the bytes. */
  place(bytes: string | Uint8Array): string;
}

/** WebAssembly text of one step. */
export type Step = (literals: Literals) => string;

// Where host functions put results: three words below the line that is being written. Not 0, which is no address to Envoy.
const first = "(i32.const 16)";
const second = "(i32.const 20)";
const third = "(i32.const 24)";
const firstWord = `(i32.load ${first})`;
const secondWord = `(i32.load ${second})`;

/** Logs the name, and the context in which the callback was called. */
export function say(name: string): Step {
  return (literals) => line(literals, name, "(global.get $context)");
}

/** In on_http_call_response: how many headers, body bytes and trailers there are. */
export function answer(): Step {
  return (literals) =>
    line(literals, "answer", "(global.get $headers)", "(global.get $body)", "(global.get $trailers)");
}

/** Starts an HTTP call. Logs the status. */
export function call(cluster: string, timeoutMs: number): Step {
  return (literals) => {
    const headers = literals.place(
      serializePairs([
        [":method", "GET"],
        [":path", "/keys"],
        [":authority", "keys.example.org"],
      ]),
    );
    const nothing = "(i32.const 0) (i32.const 0)";
    const started = `(call $http_call ${literals.place(cluster)} ${headers} ${nothing} ${nothing}
      (i32.const ${timeoutMs}) ${first})`;
    return line(literals, "call", started);
  };
}

/** Sets the root context's tick period. Logs the status. */
export function period(ms: number): Step {
  return (literals) => line(literals, "period", `(call $set_tick_period (i32.const ${ms}))`);
}

/** Reads a header map as pairs. Logs the status, and 1 if there are any. */
export function pairs(name: string, map: number): Step {
  return (literals) =>
    line(
      literals,
      name,
      `(call $get_header_map_pairs (i32.const ${map}) ${first} ${second})`,
      `(i32.ne ${secondWord} (i32.const 0))`,
    );
}

/** Reads the body of the HTTP call's answer. Logs the status, and the size where there is one. */
export function body(): Step {
  return (literals) =>
    `(i32.store ${second} (i32.const 0))
     ${line(
       literals,
       "body",
       `(call $get_buffer_bytes (i32.const 4) (i32.const 0) (global.get $body) ${first} ${second})`,
       secondWord,
     )}`;
}

/** Reads a property, its parts joined by dots. Logs the status. */
export function property(path: string): Step {
  return (literals) => {
    const key = literals.place(path.replaceAll(".", "\0"));
    return line(literals, path, `(call $get_property ${key} ${first} ${second})`);
  };
}

/** Reads a property, its parts joined by dots. Logs the status, and the value in hex. */
export function propertyValue(path: string): Step {
  return (literals) =>
    `(i64.store ${first} (i64.const 0))
     (global.set $status
       (call $get_property ${literals.place(path.replaceAll(".", "\0"))} ${first} ${second}))
     ${resultLine(literals, path)}`;
}

/** Reads a value that VMs share, and remembers its version. Logs the status, and the value in hex. */
export function readShared(key: string): Step {
  return (literals) =>
    `(i64.store ${first} (i64.const 0))
     (i32.store ${third} (i32.const 0))
     (global.set $status (call $get_shared_data ${literals.place(key)} ${first} ${second} ${third}))
     (global.set $version (i32.load ${third}))
     ${resultLine(literals, "read")}`;
}

/** Whether the value read last had a version. Logs 1 or 0. */
export function hasVersion(): Step {
  return (literals) => line(literals, "version", "(i32.ne (global.get $version) (i32.const 0))");
}

/** Writes a value that VMs share. Logs the status. @param version "read": that of the value read last */
export function writeShared(key: string, value: string, version: number | "read"): Step {
  return (literals) => {
    const expected = version === "read" ? "(global.get $version)" : `(i32.const ${version})`;
    const written = `(call $set_shared_data ${literals.place(key)} ${literals.place(value)} ${expected})`;
    return line(literals, "write", written);
  };
}

/** Leaves a mark in the filter state, for the access log. Logs the status. */
export function mark(): Step {
  return (literals) => {
    const [name, value] = [literals.place("holdfast.verdict"), literals.place("allow")];
    return line(literals, "mark", `(call $set_property ${name} ${value})`);
  };
}

/** Sets a header of the request. Logs the status. */
export function replaceHeader(name: string, value: string): Step {
  return (literals) => {
    const pair = `${literals.place(name)} ${literals.place(value)}`;
    return line(literals, "replace", `(call $replace_header_map_value (i32.const 0) ${pair})`);
  };
}

/** Takes a header out of the request. Logs the status. */
export function removeHeader(name: string): Step {
  return (literals) =>
    line(literals, "remove", `(call $remove_header_map_value (i32.const 0) ${literals.place(name)})`);
}

/** Lets the request go on. Logs the status. */
export function resume(): Step {
  return (literals) => line(literals, "resume", "(call $continue_stream (i32.const 0))");
}

/** Answers the request. Logs the call's status. */
export function reply(status: number): Step {
  return (literals) => {
    const details = literals.place("probe_replied");
    const nothing = "(i32.const 0) (i32.const 0)";
    const sent = `(call $send_local_response (i32.const ${status}) ${details} ${nothing} ${nothing} (i32.const -1))`;
    return line(literals, "reply", sent);
  };
}

/** Puts the context at the end of a list. */
export function remember(): Step {
  return () => "(call $remember)";
}

/**
 * Takes each context of the list as the effective one, logs the status of that, does `steps` where it is 0, and goes
 * back. The list is empty afterwards.
 */
export function forEachRemembered(...steps: readonly Step[]): Step {
  return (literals) =>
    `(global.set $next (i32.const 0))
     (block $all (loop $each
       (br_if $all (i32.ge_u (global.get $next) (global.get $remembered)))
       (global.set $status (call $set_effective_context (call $remembered_at (global.get $next))))
       ${line(literals, "as", "(global.get $status)")}
       (if (i32.eqz (global.get $status)) (then ${steps.map((step) => step(literals)).join("\n")}))
       (drop (call $set_effective_context (global.get $context)))
       (global.set $next (i32.add (global.get $next) (i32.const 1)))
       (br $each)))
     (global.set $remembered (i32.const 0))`;
}

/** Traps when there is a context in the list. */
export function trapIfRemembered(): Step {
  return () => "(if (global.get $remembered) (then (unreachable)))";
}

/** Reads the environment through WASI. Logs both error numbers, how many variables there are, and their bytes as text. */
export function environment(): Step {
  const addresses = "(global.get $heap)";
  const bytes = "(i32.add (global.get $heap) (i32.const 1024))";
  return (literals) =>
    `${line(
      literals,
      "environment",
      `(call $environ_sizes_get ${first} ${second})`,
      `(call $environ_get ${addresses} ${bytes})`,
      firstWord,
    )}
     (drop (call $log (i32.const 2) ${bytes} ${secondWord}))`;
}

/** Asks whether a signature holds. Logs the status, and the result as text. */
export function verify(argumentBytes: Uint8Array): Step {
  return (literals) => {
    const asked = `(call $call_foreign_function ${literals.place("verify_signature")} ${literals.place(argumentBytes)}
      ${first} ${second})`;
    return `${line(literals, "verify", asked)}
      (drop (call $log (i32.const 2) ${firstWord} ${secondWord}))`;
  };
}

/**
 * Calls one of Envoy's foreign functions. Logs the status, and the result in hex.
 * @param argument address and size
 */
export function foreign(name: string, argument: (literals: Literals) => string): Step {
  return (literals) =>
    `(i64.store ${first} (i64.const 0))
     (global.set $status
       (call $call_foreign_function ${literals.place(name)} ${argument(literals)} ${first} ${second}))
     ${resultLine(literals, name)}`;
}

/** The status of the call that was the last, and its result in hex. */
function resultLine(literals: Literals, name: string): string {
  return `(call $begin ${literals.place(name)})
     (call $number (global.get $status)) (call $hex ${firstWord} ${secondWord}) (call $end)`;
}

function line(literals: Literals, name: string, ...numbers: readonly string[]): string {
  const parts = numbers.map((number) => `(call $number ${number})`);
  return `(call $begin ${literals.place(name)}) ${parts.join(" ")} (call $end)`;
}

/** The ABI's list of pairs: a count, the sizes of each name and value, then each name and value with its NUL. */
function serializePairs(list: readonly (readonly [name: string, value: string])[]): Uint8Array {
  const texts = list.flat();
  const head = Uint32Array.of(list.length, ...texts.map((text) => text.length));
  return Buffer.concat([Buffer.from(head.buffer), Buffer.from(texts.map((text) => `${text}\0`).join(""))]);
}
