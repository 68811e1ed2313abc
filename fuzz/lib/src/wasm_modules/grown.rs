//! A binary with more code in it: pieces that leave the stack as they found it, so that they fit
//! between any two instructions and what was valid stays so.
//!
//! They do what a guest can do to its host: ask for memory, write anywhere, loop, trap, make a NaN.
//! What they depend on is a number of their own, or a byte of the memory, so of the input.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::{Context, Result};
use arbitrary::Unstructured;
use wasm_encoder::{BlockType, CodeSection, HeapType, InstructionSink, MemArg, Module, RawSection};
use wasmparser::{Parser, Payload};

/// The most pieces that are put into one binary.
const MOST_PIECES: usize = 3;
/// How deep pieces lie in one another.
const MOST_DEPTH: u32 = 3;
/// Addresses are mostly below this, where the kept modules have what they read.
const LOW_BYTES: u32 = 2 << 10;

/// Where a binary has its code, in bytes from its beginning.
pub struct Places {
    /// Id and contents of each section.
    sections: Vec<(u8, Range<usize>)>,
    bodies: Vec<Range<usize>>,
    /// Before each instruction.
    gaps: Vec<usize>,
}

impl Places {
    /// # Errors
    /// If it is not a module.
    pub fn of(wasm: &[u8]) -> Result<Places> {
        let mut places = Places {
            sections: Vec::new(),
            bodies: Vec::new(),
            gaps: Vec::new(),
        };
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            places.sections.extend(payload.as_section());
            let Payload::CodeSectionEntry(body) = payload else {
                continue;
            };
            places.bodies.push(body.range());
            let mut reader = body.get_operators_reader()?;
            while !reader.eof() {
                places.gaps.push(reader.original_position());
                reader.read().context("a body of a kept module")?;
            }
        }
        Ok(places)
    }

    /// Puts pieces into a binary that has its code in these places.
    pub fn grow(&self, wasm: &[u8], bytes: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
        let mut pieces: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        for _ in 0..bytes.int_in_range(1..=MOST_PIECES)? {
            let at = *bytes.choose(&self.gaps)?;
            piece(pieces.entry(at).or_default(), bytes, MOST_DEPTH)?;
        }
        let code = self.code_with(wasm, &pieces);
        let mut module = Module::new();
        for (id, range) in &self.sections {
            if *id == wasm_encoder::SectionId::Code as u8 {
                module.section(&code);
            } else {
                let data = &wasm[range.clone()];
                module.section(&RawSection { id: *id, data });
            }
        }
        Ok(module.finish())
    }

    fn code_with(&self, wasm: &[u8], pieces: &BTreeMap<usize, Vec<u8>>) -> CodeSection {
        let mut code = CodeSection::new();
        for body in &self.bodies {
            let (mut grown, mut from) = (Vec::new(), body.start);
            for (at, piece) in pieces.range(body.clone()) {
                grown.extend_from_slice(&wasm[from..*at]);
                grown.extend_from_slice(piece);
                from = *at;
            }
            grown.extend_from_slice(&wasm[from..body.end]);
            code.raw(&grown);
        }
        code
    }
}

fn piece(code: &mut Vec<u8>, bytes: &mut Unstructured<'_>, depth: u32) -> arbitrary::Result<()> {
    let kind = bytes.int_in_range(0..=if depth > 0 { 12 } else { 9 })?;
    let mut sink = InstructionSink::new(code);
    match kind {
        0 | 1 => {
            sink.i32_const(bytes.int_in_range(0..=30)?);
            sink.memory_grow(0).drop();
        }
        2 => {
            sink.unreachable();
        }
        3 => {
            sink.i32_const(address(bytes)?)
                .i32_const(bytes.arbitrary()?);
            sink.i32_store(at_once());
        }
        4 => {
            sink.i32_const(address(bytes)?)
                .i32_const(bytes.arbitrary()?);
            sink.i32_const(bytes.int_in_range(0..=1 << 16)?)
                .memory_fill(0);
        }
        5 => {
            // The bits of a NaN, were they not made the same everywhere, would be seen.
            sink.i32_const(address(bytes)?);
            sink.f64_const(f64::from_bits(bytes.arbitrary()?).into());
            sink.f64_const(f64::from_bits(bytes.arbitrary()?).into());
            sink.f64_div().f64_store(at_once());
        }
        6 => {
            sink.i64_const(bytes.arbitrary()?)
                .i64_const(bytes.arbitrary()?);
            sink.i64_eq().drop();
        }
        7 => {
            sink.i32_const(bytes.arbitrary()?).i32_const(0);
            condition(&mut sink, bytes)?;
            sink.select().drop();
        }
        8 => {
            sink.ref_null(HeapType::FUNC);
            sink.i32_const(bytes.int_in_range(0..=300)?);
            sink.table_grow(0).drop();
        }
        9 => {
            sink.memory_size(0).i32_const(bytes.arbitrary()?);
            sink.i32_ne().drop();
        }
        10 => {
            condition(&mut sink, bytes)?;
            sink.if_(BlockType::Empty);
            piece(code, bytes, depth - 1)?;
            InstructionSink::new(code).else_();
            piece(code, bytes, depth - 1)?;
            InstructionSink::new(code).end();
        }
        11 => {
            sink.loop_(BlockType::Empty);
            piece(code, bytes, depth - 1)?;
            let mut sink = InstructionSink::new(code);
            condition(&mut sink, bytes)?;
            sink.br_if(0).end();
        }
        _ => {
            sink.block(BlockType::Empty);
            condition(&mut sink, bytes)?;
            sink.br_if(0);
            piece(code, bytes, depth - 1)?;
            let mut sink = InstructionSink::new(code);
            condition(&mut sink, bytes)?;
            sink.br_table([0, 0], 0).end();
        }
    }
    Ok(())
}

/// A number of its own, or a byte of the memory.
fn condition(
    sink: &mut InstructionSink<'_>,
    bytes: &mut Unstructured<'_>,
) -> arbitrary::Result<()> {
    sink.i32_const(address(bytes)?);
    if bytes.ratio(3, 4)? {
        sink.i32_load8_u(at_once());
    }
    Ok(())
}

/// One time in sixteen anywhere.
fn address(bytes: &mut Unstructured<'_>) -> arbitrary::Result<i32> {
    match bytes.ratio(1, 16)? {
        true => bytes.arbitrary(),
        false => Ok(bytes.int_in_range(0..=LOW_BYTES)?.cast_signed()),
    }
}

/// No offset, and aligned to a byte.
fn at_once() -> MemArg {
    MemArg {
        offset: 0,
        align: 0,
        memory_index: 0,
    }
}
