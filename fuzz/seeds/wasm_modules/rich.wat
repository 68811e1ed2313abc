;; A reducer of the multi-value form that uses most of what controls a step: its state is a number
;; that comes of all bytes of its input.
(module
  (type $unary (func (param i32) (result i32)))
  (memory (export "memory") 1)
  (table 4 funcref)
  (elem (i32.const 0) $double $square $flip $refuse)
  ;; {state: eight bytes}, which lie at 72
  (data (i32.const 64) "\a1\65state\48\00\00\00\00\00\00\00\00")
  (global $heap (mut i32) (i32.const 4096))

  (func $double (type $unary) (i32.shl (local.get 0) (i32.const 1)))
  (func $square (type $unary) (i32.mul (local.get 0) (local.get 0)))
  (func $flip (type $unary) (i32.xor (local.get 0) (i32.const 0x5a)))
  (func $refuse (type $unary) (unreachable))

  (func (export "alloc") (param $length i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $heap))
    (global.set $heap (i32.add (local.get $at) (local.get $length)))
    (if (i32.gt_u (global.get $heap) (i32.const 60000))
      (then (global.set $heap (i32.const 4096))))
    (local.get $at))

  (func (export "step") (param $at i32) (param $length i32) (result i32 i32)
    (local $index i32) (local $sum i64) (local $byte i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $index) (local.get $length)))
        (local.set $byte (i32.load8_u (i32.add (local.get $at) (local.get $index))))
        (local.set $byte
          (call_indirect (type $unary)
            (local.get $byte) (i32.and (local.get $byte) (i32.const 1))))
        (local.set $sum
          (i64.add
            (i64.mul (local.get $sum) (i64.const 31))
            (i64.extend_i32_u (local.get $byte))))
        (if (i32.eq (local.get $byte) (i32.const 0x12345)) (then (unreachable)))
        (local.set $index (i32.add (local.get $index) (i32.const 1)))
        (br $next)))
    (local.set $sum
      (select
        (local.get $sum)
        (i64.rotl (local.get $sum) (i64.const 7))
        (i64.eq (i64.and (local.get $sum) (i64.const 7)) (i64.const 3))))
    (block $third
      (block $second
        (block $first
          (br_table $first $second $third (i32.wrap_i64 (i64.rem_u (local.get $sum) (i64.const 3)))))
        (local.set $sum (i64.add (local.get $sum) (i64.const 1)))
        (br $third))
      (local.set $sum (i64.sub (local.get $sum) (i64.const 1))))
    (i64.store (i32.const 72) (local.get $sum))
    (i32.const 64) (i32.const 16)))
