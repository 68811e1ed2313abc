;; A reducer of the multi-value form that wants more than it may have, each time of another thing,
;; by the length of its input; or else its state is the length.
(module
  (memory (export "memory") 1)
  (table 1 funcref)
  (data (i32.const 64) "\a1\65state\42")
  ;; {state: 5000 bytes}
  (data (i32.const 128) "\a1\65state\59\13\88")

  (func (export "alloc") (param $length i32) (result i32) (i32.const 8192))

  (func (export "step") (param $at i32) (param $length i32) (result i32 i32)
    (if (i32.lt_u (local.get $length) (i32.const 60))
      (then (drop (table.grow (ref.null func) (i32.const 1000)))))
    (if (i32.gt_u (local.get $length) (i32.const 2000))
      (then (return (i32.const 128) (i32.const 5010))))
    ;; With a context.
    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0xa4))
      (then (drop (memory.grow (i32.const 40)))))
    ;; With a key, and without a context.
    (if (i32.eq (i32.load8_u offset=7 (local.get $at)) (i32.const 0xa3))
      (then (return (i32.const 65530) (i32.const 10))))
    (i32.store16 (i32.const 72) (local.get $length))
    (i32.const 64) (i32.const 10)))
