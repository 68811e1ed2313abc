//! A module's functions behind the ones of the ABI, so that what they compute is seen.
//!
//! A module of chance answers with no envelope, ever: all that is seen of it is how it fails. Here
//! `alloc` and `step` are added to one, and `step` calls functions of the module with parts of its
//! input, then answers with what they returned as the state. All is appended, so that nothing is
//! renumbered.

use anyhow::{Context, Result};
use wasm_encoder::{Encode, ExportKind, InstructionSink, MemArg, Module, RawSection, SectionId};
use wasmparser::{BinaryReader, Parser, Payload};

/// What the module must export, and that only: a function for each type of number.
pub const EXPORTS: &str = r#"(module
    (memory (export "memory") 1)
    (func (export "i32") (param i32 i32) (result i32) unreachable)
    (func (export "i64") (param i64 i32) (result i64) unreachable)
    (func (export "f32") (param f32 f64) (result f32) unreachable)
    (func (export "f64") (param f64 f64) (result f64) unreachable)
    (func (export "v128") (param v128) (result v128) unreachable))"#;

/// Where the input lies; the output lies before it.
const INPUT_AT: i32 = 1 << 12;
const OUTPUT_AT: i32 = 64;
/// A map of one field, `state`, of 40 bytes.
const HEAD: [u8; 9] = *b"\xa1\x65state\x58\x28";
const STATE_AT: i32 = OUTPUT_AT + HEAD.len() as i32;

/// Types of `alloc` and of `step`: `(i32) -> i32` and `(i32, i32) -> (i32, i32)`.
const TYPES: [&[u8]; 2] = [
    &[0x60, 1, 0x7f, 1, 0x7f],
    &[0x60, 2, 0x7f, 0x7f, 2, 0x7f, 0x7f],
];

/// The module with the functions of the ABI.
///
/// # Errors
/// If it has not the exports, or is none.
pub fn wrapped(wasm: &[u8]) -> Result<Vec<u8>> {
    let (mut types, mut functions, mut called) = (0, 0, Vec::new());
    let mut sections = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        sections.extend(payload.as_section());
        match payload {
            Payload::TypeSection(section) => types = section.count(),
            Payload::FunctionSection(section) => functions = section.count(),
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.kind == wasmparser::ExternalKind::Func {
                        called.push(export.index);
                    }
                }
            }
            _ => {}
        }
    }
    let step = step(called.first_chunk().context("too few exports")?);
    let mut module = Module::new();
    for (id, range) in sections {
        let old = &wasm[range];
        let added: Vec<Vec<u8>> = match id {
            TYPE => TYPES.map(<[u8]>::to_vec).to_vec(),
            FUNCTION => [types, types + 1].map(|it| encoded(&it)).to_vec(),
            EXPORT => vec![export("alloc", functions), export("step", functions + 1)],
            CODE => vec![body(&alloc()), body(&step)],
            _ => Vec::new(),
        };
        let data = appended(old, &added)?;
        module.section(&RawSection { id, data: &data });
    }
    Ok(module.finish())
}

const TYPE: u8 = SectionId::Type as u8;
const FUNCTION: u8 = SectionId::Function as u8;
const EXPORT: u8 = SectionId::Export as u8;
const CODE: u8 = SectionId::Code as u8;

/// A section's contents with more items.
fn appended(old: &[u8], items: &[Vec<u8>]) -> Result<Vec<u8>> {
    if items.is_empty() {
        return Ok(old.to_vec());
    }
    let mut reader = BinaryReader::new(old, 0);
    let count = reader.read_var_u32()? + u32::try_from(items.len())?;
    let mut new = encoded(&count);
    new.extend_from_slice(&old[reader.original_position()..]);
    items.iter().for_each(|item| new.extend_from_slice(item));
    Ok(new)
}

fn export(name: &str, function: u32) -> Vec<u8> {
    let mut item = encoded(name);
    ExportKind::Func.encode(&mut item);
    function.encode(&mut item);
    item
}

/// A body without locals, behind its length.
fn body(code: &[u8]) -> Vec<u8> {
    let whole = [&[0], code].concat();
    encoded(whole.as_slice())
}

fn alloc() -> Vec<u8> {
    let mut code = Vec::new();
    InstructionSink::new(&mut code).i32_const(INPUT_AT).end();
    code
}

/// Each step calls those that its length says, so that one that fails hides no other.
fn step([i32, i64, f32, f64, v128]: &[u32; 5]) -> Vec<u8> {
    let mut code = Vec::new();
    let mut sink = InstructionSink::new(&mut code);
    // The result of a function is stored at its place in the state.
    if_length(&mut sink, 0);
    sink.i32_const(STATE_AT);
    sink.local_get(0).i32_load(at(20)).local_get(1).call(*i32);
    sink.i32_store(at(0)).end();
    if_length(&mut sink, 1);
    sink.i32_const(STATE_AT);
    sink.local_get(0).i64_load(at(16)).local_get(1).call(*i64);
    sink.i64_store(at(4));
    sink.i32_const(STATE_AT);
    sink.local_get(0).v128_load(at(11)).call(*v128);
    sink.v128_store(at(24)).end();
    if_length(&mut sink, 2);
    sink.i32_const(STATE_AT);
    sink.local_get(0).f32_load(at(14));
    sink.local_get(0).f64_load(at(18)).call(*f32);
    sink.f32_store(at(12));
    sink.i32_const(STATE_AT);
    sink.local_get(0).f64_load(at(10));
    sink.local_get(0).f64_load(at(22)).call(*f64);
    sink.f64_store(at(16)).end();
    for (offset, byte) in (0..).zip(HEAD) {
        sink.i32_const(OUTPUT_AT).i32_const(byte.into());
        sink.i32_store8(at(offset));
    }
    sink.i32_const(OUTPUT_AT);
    sink.i32_const(HEAD.len() as i32 + 40).end();
    code
}

/// Begins what is done if the length of the input, divided by three, leaves this.
fn if_length(sink: &mut InstructionSink<'_>, left: i32) {
    sink.local_get(1).i32_const(3).i32_rem_u();
    sink.i32_const(left).i32_eq();
    sink.if_(wasm_encoder::BlockType::Empty);
}

fn at(offset: u64) -> MemArg {
    MemArg {
        offset,
        align: 0,
        memory_index: 0,
    }
}

fn encoded<T: Encode + ?Sized>(item: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    item.encode(&mut bytes);
    bytes
}
