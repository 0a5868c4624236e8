import binaryen from "assemblyscript/binaryen";

/** A status of the ABI is told as the status of the reply: 200 for 0 (Ok), 202 for 2 (BadArgument), and so on. */
export const REPLY_BASE = 200;

// The first page: two out-words, not at 0, which is no address to Envoy, then literals. What Envoy hands over comes behind.
const RESULT = 16;
const RESULT_SIZE = 20;
const FUNCTION = 64;
const DETAILS = 128;
const HEAP = 65_536;
const PAGES = 16;

const REQUEST_BODY = 0;
const STOP_ITERATION = 1;
const FUNCTION_NAME = "verify_signature";
const DETAILS_TEXT = "desk_replied";

const TEXT = `(module
  (import "env" "proxy_get_buffer_bytes" (func $get_buffer_bytes (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_call_foreign_function"
    (func $call_foreign_function (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_send_local_response"
    (func $send_local_response (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") ${PAGES})
  (data (i32.const ${FUNCTION}) "${FUNCTION_NAME}")
  (data (i32.const ${DETAILS}) "${DETAILS_TEXT}")
  (global $heap (mut i32) (i32.const ${HEAP}))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param $size i32) (result i32)
    (global.get $heap)
    (global.set $heap (i32.add (global.get $heap) (local.get $size))))

  (func (export "proxy_on_request_body") (param $context i32) (param $size i32) (param $is_end i32) (result i32)
    (local $status i32)
    ;; Envoy gathers a body that comes in pieces, and shows all of it at its end.
    (if (local.get $is_end) (then
      (global.set $heap (i32.const ${HEAP}))
      (if (call $get_buffer_bytes (i32.const ${REQUEST_BODY}) (i32.const 0) (local.get $size)
            (i32.const ${RESULT}) (i32.const ${RESULT_SIZE}))
        (then (unreachable)))
      (local.set $status (call $call_foreign_function
        (i32.const ${FUNCTION}) (i32.const ${FUNCTION_NAME.length})
        (i32.load (i32.const ${RESULT})) (i32.load (i32.const ${RESULT_SIZE}))
        (i32.const ${RESULT}) (i32.const ${RESULT_SIZE})))
      ;; A call that fails leaves the out-words as they were.
      (if (local.get $status) (then (i64.store (i32.const ${RESULT}) (i64.const 0))))
      (drop (call $send_local_response
        (i32.add (i32.const ${REPLY_BASE}) (local.get $status))
        (i32.const ${DETAILS}) (i32.const ${DETAILS_TEXT.length})
        (i32.load (i32.const ${RESULT})) (i32.load (i32.const ${RESULT_SIZE}))
        (i32.const 0) (i32.const 0) (i32.const -1)))))
    (i32.const ${STOP_ITERATION})))`;

/** A guest that hands the body of each request to `verify_signature`, and replies with what comes of it. */
export function assembleSignatureDesk(): Uint8Array {
  const module = binaryen.parseText(TEXT);
  try {
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}
