//! Which binary an input is: itself, one that wasm-smith makes, or a reducer that was changed.

use std::borrow::Cow;

use anyhow::Result;
use arbitrary::Unstructured;
use wasm_smith::{Config, Module};

use super::{kept, mutated::Base};

/// The first byte of inputs that are not a binary themselves, and what it stands for.
pub const KINDS: &[(u8, &str)] = &[
    (SMITH, "smith"),
    (SMITH_ODD, "smith-odd"),
    (CHANGED, "changed"),
    (SHIPPED, "shipped"),
];
const SMITH: u8 = b's';
/// With one thing that the host does not want: a feature that is switched off, imports, or other
/// exports and sizes.
const SMITH_ODD: u8 = b'o';
const CHANGED: u8 = b'c';
/// It takes a hundred times as long to compile as the others.
const SHIPPED: u8 = b'r';

/// What inputs are made of.
pub struct Maker {
    bases: Vec<Base>,
    shipped: Base,
    /// Of the two forms of the ABI: a module with the exports that others shall have.
    exports: [Vec<u8>; 2],
}

impl Maker {
    /// # Errors
    /// If a kept module cannot be read.
    pub fn new() -> Result<Maker> {
        let exports = |step: &str| {
            wat::parse_str(format!(
                r#"(module (memory (export "memory") 1)
                (func (export "alloc") (param i32) (result i32) unreachable)
                (func (export "step") {step} unreachable))"#
            ))
        };
        let bases: Result<_> = kept()?.into_iter().map(Base::new).collect();
        Ok(Maker {
            bases: bases?,
            shipped: Base::new(sim::RETRY_SM.to_vec())?,
            exports: [
                exports("(param i32 i32 i32)")?,
                exports("(param i32 i32) (result i32 i32)")?,
            ],
        })
    }

    /// The binary that an input is; None if it is too short to be one.
    pub fn wasm<'a>(&self, data: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let (kind, rest) = data.split_first()?;
        let mut bytes = Unstructured::new(rest);
        let made = match *kind {
            SMITH => self.smith(&mut bytes, false),
            SMITH_ODD => self.smith(&mut bytes, true),
            CHANGED => self.changed(&mut bytes),
            SHIPPED => self.shipped.changed(&mut bytes),
            _ => return Some(Cow::Borrowed(data)),
        };
        made.ok().map(Cow::Owned)
    }

    fn changed(&self, bytes: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
        bytes.choose(&self.bases)?.changed(bytes)
    }

    fn smith(&self, bytes: &mut Unstructured<'_>, odd: bool) -> arbitrary::Result<Vec<u8>> {
        let exports = bytes.choose(&self.exports)?.clone();
        let mut config = Config {
            // The one that is exported comes on top.
            max_memories: 0,
            exports: Some(exports),
            max_imports: 0,
            max_funcs: 8,
            max_globals: 8,
            max_types: 16,
            max_data_segments: 4,
            max_element_segments: 4,
            max_elements: 16,
            max_table_elements: 64,
            max_memory32_bytes: 16 << 16,
            exceptions_enabled: false,
            extended_const_enabled: false,
            gc_enabled: false,
            memory64_enabled: false,
            // The host has no types that need a collector, `externref` among them.
            reference_types_enabled: false,
            relaxed_simd_enabled: false,
            tail_call_enabled: false,
            threads_enabled: false,
            ..Config::default()
        };
        if odd {
            match bytes.int_in_range(0..=9)? {
                0 => config.exceptions_enabled = true,
                1 => config.extended_const_enabled = true,
                2 => config.gc_enabled = true,
                3 => config.memory64_enabled = true,
                4 => config.relaxed_simd_enabled = true,
                5 => config.tail_call_enabled = true,
                6 => config.threads_enabled = true,
                7 => config.reference_types_enabled = true,
                8 => config.max_imports = 4,
                _ => {
                    config.exports = None;
                    config.max_memories = 2;
                    config.max_memory32_bytes = 1 << 32;
                    config.max_table_elements = 100_000;
                }
            }
        }
        Ok(Module::new(config, bytes)?.to_bytes())
    }
}
