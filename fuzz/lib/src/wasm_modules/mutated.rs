//! Small changes of a binary's code that mostly leave it valid: one operator for another of the
//! same type, a constant, a label, an index. These are made in place, so nothing else moves; then
//! more code may be put in, see `grown`.

use std::ops::Range;

use anyhow::Result;
use arbitrary::Unstructured;
use wasmparser::{Operator, Parser, Payload};

use super::grown::Places;

/// The most changes of one binary.
const MOST_CHANGES: usize = 4;

/// The largest index that is put in for another.
const MOST_INDEX: u8 = 5;

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
    Number(usize),
    /// That of an index or a label, which are small.
    Index(usize),
}

/// A binary, and where it can be changed.
pub struct Base {
    wasm: Vec<u8>,
    sites: Vec<Site>,
    places: Places,
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
        let places = Places::of(&wasm)?;
        Ok(Base {
            wasm,
            sites,
            places,
        })
    }

    /// The binary with a few changes, or with more code, or both.
    pub fn changed(&self, bytes: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
        let mut wasm = self.wasm.clone();
        let is_grown = bytes.arbitrary()?;
        self.change(&mut wasm, bytes.int_in_range(0..=MOST_CHANGES)?, bytes)?;
        match is_grown {
            true => self.places.grow(&wasm, bytes),
            false => Ok(wasm),
        }
    }

    /// One time in sixteen it is a byte anywhere that is changed.
    fn change(
        &self,
        wasm: &mut [u8],
        count: usize,
        bytes: &mut Unstructured<'_>,
    ) -> arbitrary::Result<()> {
        for _ in 0..count {
            if bytes.ratio(1, 16)? {
                let at = bytes.choose_index(wasm.len())?;
                wasm[at] = bytes.arbitrary()?;
                continue;
            }
            match bytes.choose(&self.sites)? {
                Site::Operator(at, alike) => {
                    wasm[*at] = bytes.int_in_range(alike.start..=alike.end - 1)?;
                }
                // The bit that says whether more bytes follow stays as it is.
                Site::Index(at) => wasm[*at] = bytes.int_in_range(0..=MOST_INDEX)?,
                Site::Number(at) => wasm[*at] ^= bytes.int_in_range(0..=0x7f)?,
            }
        }
        Ok(())
    }
}

fn site(wasm: &[u8], at: usize, operator: &Operator<'_>) -> Option<Site> {
    match operator {
        Operator::I32Const { .. } | Operator::I64Const { .. } => Some(Site::Number(at + 1)),
        // One that takes more than a byte is left as it is: another would change its length.
        _ if wasm.get(at + 1).is_none_or(|byte| *byte > 0x7f) => None,
        Operator::Br { .. }
        | Operator::BrIf { .. }
        | Operator::LocalGet { .. }
        | Operator::LocalSet { .. }
        | Operator::LocalTee { .. }
        | Operator::GlobalGet { .. }
        | Operator::GlobalSet { .. }
        | Operator::Call { .. } => Some(Site::Index(at + 1)),
        _ => {
            let byte = wasm.get(at)?;
            let alike = ALIKE.iter().find(|alike| alike.contains(byte))?;
            Some(Site::Operator(at, alike.clone()))
        }
    }
}
