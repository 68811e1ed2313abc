//! Small changes of a binary's code that mostly leave it valid: one operator for another of the
//! same type, a constant, a label, an index. All are made in place, so nothing else moves.

use std::ops::Range;

use anyhow::Result;
use arbitrary::Unstructured;
use wasmparser::{Operator, Parser, Payload};

/// The most changes of one binary.
const MOST_CHANGES: usize = 4;

/// Operators of one byte that have the same type.
const ALIKE: [Range<u8>; 6] = [
    0x46..0x50, // compares of i32
    0x51..0x5b, // compares of i64
    0x67..0x6a, // clz, ctz, popcnt of i32
    0x6a..0x79, // arithmetic of i32
    0x79..0x7c, // clz, ctz, popcnt of i64
    0x7c..0x8b, // arithmetic of i64
];

/// A place that can be changed.
enum Site {
    /// An operator, and those that it can become.
    Operator(usize, Range<u8>),
    /// The first byte of a constant.
    Constant(usize),
    /// Likewise of a label or an index, of which few are valid.
    Index(usize),
}

/// A binary, and where it can be changed.
pub struct Base {
    wasm: Vec<u8>,
    sites: Vec<Site>,
}

impl Base {
    /// # Errors
    /// If it is not a module.
    pub fn new(wasm: Vec<u8>) -> Result<Base> {
        let mut sites = Vec::new();
        for payload in Parser::new(0).parse_all(&wasm) {
            let Payload::CodeSectionEntry(body) = payload? else {
                continue;
            };
            let mut reader = body.get_operators_reader()?;
            while !reader.eof() {
                let at = reader.original_position();
                let operator = reader.read()?;
                sites.extend(site(&wasm, at, &operator));
            }
        }
        Ok(Base { wasm, sites })
    }

    /// The binary with a few changes; one time in eight a byte anywhere is one of them.
    pub fn changed(&self, bytes: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
        let mut wasm = self.wasm.clone();
        for _ in 0..bytes.int_in_range(1..=MOST_CHANGES)? {
            if bytes.ratio(1, 8)? {
                let at = bytes.choose_index(wasm.len())?;
                wasm[at] = bytes.arbitrary()?;
                continue;
            }
            match bytes.choose(&self.sites)? {
                Site::Operator(at, alike) => {
                    wasm[*at] = bytes.int_in_range(alike.start..=alike.end - 1)?;
                }
                // The bit that says whether more bytes follow stays as it is.
                Site::Constant(at) => wasm[*at] ^= bytes.int_in_range(0..=0x7f)?,
                Site::Index(at) => wasm[*at] ^= bytes.int_in_range(0..=3)?,
            }
        }
        Ok(wasm)
    }
}

fn site(wasm: &[u8], at: usize, operator: &Operator<'_>) -> Option<Site> {
    match operator {
        Operator::I32Const { .. } | Operator::I64Const { .. } => Some(Site::Constant(at + 1)),
        Operator::Br { .. }
        | Operator::BrIf { .. }
        | Operator::LocalGet { .. }
        | Operator::LocalSet { .. }
        | Operator::LocalTee { .. }
        | Operator::Call { .. } => Some(Site::Index(at + 1)),
        _ => {
            let byte = wasm.get(at)?;
            let alike = ALIKE.iter().find(|alike| alike.contains(byte))?;
            Some(Site::Operator(at, alike.clone()))
        }
    }
}
