;; Pauses the first stream. In each later one that ends with its headers it replies to the first; always "continues".
(module
  (import "env" "proxy_set_effective_context" (func $as (param i32) (result i32)))
  (import "env" "proxy_send_local_response" (func $reply (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $first (mut i32) (i32.const 0))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "malloc") (param i32) (result i32) (i32.const 1024))
  (func (export "proxy_on_request_headers") (param $id i32) (param $count i32) (param $end i32) (result i32)
    (if (i32.eqz (global.get $first)) (then
      (global.set $first (local.get $id))
      (return (i32.const 1))))
    (if (local.get $end) (then
      (drop (call $as (global.get $first)))
      (drop (call $reply (i32.const 403) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                         (i32.const 0) (i32.const 0) (i32.const -1)))))
    (i32.const 0)))
