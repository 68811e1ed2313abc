//! Which binary an input is: itself, one that wasm-smith makes, or a reducer that was changed.

use std::borrow::Cow;

use anyhow::Result;
use arbitrary::Unstructured;
use wasm_smith::{Config, Module};

use super::wrapped::{self, wrapped};
use super::{kept, mutated::Base};

/// The first byte of inputs that are not a binary themselves, and what it stands for.
pub const KINDS: &[(u8, &str)] = &[
    (WRAPPED, "wrapped"),
    (SMITH, "smith"),
    (SMITH_ODD, "smith-odd"),
    (CHANGED, "changed"),
    (SHIPPED, "shipped"),
];
/// What wasm-smith makes, called by a `step` of ours.
const WRAPPED: u8 = b'w';
/// With an `alloc` and a `step` of its own.
const SMITH: u8 = b's';
/// With features that are switched off, imports, other exports and larger parts.
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
    wrapped_exports: Vec<u8>,
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
        let bases: Result<_> = kept()?.into_values().map(Base::new).collect();
        Ok(Maker {
            bases: bases?,
            shipped: Base::new(sim::worlds::usual().wasm.to_vec())?,
            exports: [
                exports("(param i32 i32 i32)")?,
                exports("(param i32 i32) (result i32 i32)")?,
            ],
            wrapped_exports: wat::parse_str(wrapped::EXPORTS)?,
        })
    }

    /// The binary that an input is; None if it is too short to be one.
    pub fn wasm<'a>(&self, data: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let (kind, rest) = data.split_first()?;
        let mut bytes = Unstructured::new(rest);
        let made = match *kind {
            WRAPPED => self.wrapped(&mut bytes),
            SMITH => self.smith(&mut bytes, usual),
            SMITH_ODD => self.smith(&mut bytes, odd),
            CHANGED => self.changed(&mut bytes),
            SHIPPED => self.shipped.changed(&mut bytes),
            _ => return Some(Cow::Borrowed(data)),
        };
        made.ok().map(Cow::Owned)
    }

    fn changed(&self, bytes: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
        bytes.choose(&self.bases)?.changed(bytes)
    }

    fn smith(
        &self,
        bytes: &mut Unstructured<'_>,
        config: impl FnOnce(&mut Unstructured<'_>) -> arbitrary::Result<Config>,
    ) -> arbitrary::Result<Vec<u8>> {
        let exports = bytes.choose(&self.exports)?.clone();
        let mut config = config(bytes)?;
        config.exports = config.exports.map(|_| exports);
        Ok(Module::new(config, bytes)?.to_bytes())
    }

    fn wrapped(&self, bytes: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
        let mut config = usual(bytes)?;
        config.exports = Some(self.wrapped_exports.clone());
        config.allow_start_export = bytes.ratio(1, 8)?;
        config.disallow_traps = bytes.ratio(3, 4)?;
        let made = Module::new(config, bytes)?.to_bytes();
        wrapped(&made).map_err(|_| arbitrary::Error::IncorrectFormat)
    }
}

/// All that the host accepts, and no more of it than compiles quickly.
fn usual(_: &mut Unstructured<'_>) -> arbitrary::Result<Config> {
    Ok(Config {
        exports: Some(Vec::new()),
        max_imports: 0,
        // The one that is exported comes on top.
        max_memories: 0,
        max_funcs: 8,
        max_globals: 8,
        max_types: 16,
        max_data_segments: 4,
        max_element_segments: 4,
        max_elements: 16,
        max_table_elements: 64,
        max_memory32_bytes: 16 << 16,
        exceptions_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        // With it there is `externref`, which the host has not.
        reference_types_enabled: false,
        relaxed_simd_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        ..Config::default()
    })
}

/// With one or two things that are refused, or may be.
fn odd(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Config> {
    let mut config = usual(bytes)?;
    for _ in 0..bytes.int_in_range(1..=2)? {
        match bytes.int_in_range(0..=9)? {
            0 => config.exceptions_enabled = true,
            1 => config.gc_enabled = true,
            2 => config.memory64_enabled = true,
            3 => config.relaxed_simd_enabled = true,
            4 => config.tail_call_enabled = true,
            5 => config.threads_enabled = true,
            6 => config.max_imports = 4,
            7 => config.reference_types_enabled = true,
            8 => config.max_table_elements = 100_000,
            _ => {
                config.exports = None;
                config.max_memories = 2;
                config.max_memory32_bytes = 1 << 32;
            }
        }
    }
    Ok(config)
}
