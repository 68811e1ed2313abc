//! A reducer that does nothing: it copies each input in and the reducer's own output out, and so
//! shows what of a step is the host's.

use std::fmt::Write;

use super::raw::{Bound, Raw, template};

/// Where the places and lengths of the outputs are; they lie behind.
const TABLE: usize = 65_536;

/// A module that answers the `n`th call of `step` with what `wasm` answers to the `n`th input, and
/// begins anew after the last.
pub fn reducer(wasm: &[u8], inputs: &[Vec<u8>]) -> Vec<u8> {
    let template = template(wasm, Bound::Nothing);
    let mut raw = Raw::new(&template, Bound::Nothing);
    let (mut table, mut outputs) = (Vec::new(), Vec::new());
    let start = TABLE + inputs.len() * 8;
    for input in inputs {
        let output = raw.step(input);
        for word in [start + outputs.len(), output.len()] {
            table.extend_from_slice(&(word as u32).to_le_bytes());
        }
        outputs.extend_from_slice(output);
    }
    let mut data = String::new();
    for byte in table.iter().chain(&outputs) {
        write!(data, "\\{byte:02x}").expect("a string takes all");
    }
    let pages = (start + outputs.len()).div_ceil(65_536);
    let text = format!(
        r#"(module
  (memory (export "memory") {pages})
  (data (i32.const {TABLE}) "{data}")
  (global $next (mut i32) (i32.const {TABLE}))
  (func (export "alloc") (param $length i32) (result i32)
    (select (i32.const 1024) (i32.const 8192) (i32.eq (local.get $length) (i32.const 8))))
  (func (export "step") (param $return i32) (param i32 i32)
    (i64.store (local.get $return) (i64.load (global.get $next)))
    (global.set $next (i32.add (global.get $next) (i32.const 8)))
    (if (i32.eq (global.get $next) (i32.const {start}))
      (then (global.set $next (i32.const {TABLE}))))))"#
    );
    wat::parse_str(text).expect("it is a module")
}
