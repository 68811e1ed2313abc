;; A reducer of the form with a return area, that asks for memory and remembers how often it was
;; called. Hidden state is its own affair: what is verified is that the host is the same each time.
(module
  (memory (export "memory") 1 16)
  (data (i32.const 64) "\a1\65state\44\00\00\00\00")
  (global $calls (mut i32) (i32.const 0))

  (func (export "alloc") (param $length i32) (result i32)
    (if (i32.eqz (i32.and (global.get $calls) (i32.const 3)))
      (then (drop (memory.grow (i32.const 1)))))
    (i32.const 1024))

  (func $mix (param $left i32) (param $right i32) (result i32)
    (i32.add
      (i32.rotl (local.get $left) (i32.const 5))
      (i32.xor (local.get $right) (i32.const 0x9e3779b9))))

  (func (export "step") (param $return i32) (param $at i32) (param $length i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store
      (i32.const 72)
      (call $mix
        (call $mix (global.get $calls) (local.get $length))
        (i32.load (local.get $at))))
    (i32.store (local.get $return) (i32.const 64))
    (i32.store offset=4 (local.get $return) (i32.const 12))))
