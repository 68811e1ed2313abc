//! Coverage for any reducer: its wasm binary, rewritten to count what it reaches.
//!
//! Owns what is added to a module: one exported memory after its own, counters for its blocks, a
//! log of its compares, one function and its type. All is appended, so nothing is renumbered, and
//! what is not added to is copied byte for byte; custom sections are left out. The guest's own
//! memory is never touched and nothing is imported.
//!
//! The rewritten module answers as the original does, but for two things: it spends more fuel (see
//! [`FUEL_FACTOR`]) and more of the stack. It must never be what a hash or a verdict is about.
//! The binary is not trusted: what can't be rewritten is refused by name, and nothing panics.

mod body;
mod emit;
mod layout;
mod origins;
mod sites;

use std::ops::Range;

use wasm_encoder::{Encode, Module, RawSection, SectionId};
use wasmparser::{CompositeInnerType, FunctionBody, Operator, Parser, Payload, SectionLimited};

use super::LoadError;
use super::names::FunctionNames;
use body::{Body, Operand};
pub(super) use layout::{COMPARED_BYTES, COUNT_AT, LOG_AT, LOG_ENTRIES, Layout};
pub(super) use origins::Origins;
pub use sites::{Block, BlockKind, Compare, Sites};

/// By how much more fuel an instrumented step may spend. It spends 1.2 to 2.9 times as much on
/// ordinary code, and more only in loops of a few instructions: so running out of fuel, as
/// exhausting the stack, counts only if the original module says so too.
pub(super) const FUEL_FACTOR: u64 = 4;

/// The name of the memory that is added.
pub(super) const EXPORT: &str = "__sim_coverage";

/// A rewritten module, and what its counters mean.
pub(super) struct Instrumented {
    pub wasm: Vec<u8>,
    pub instruments: Instruments,
}

/// What was put into instrumented code.
pub(super) struct Instruments {
    pub sites: Sites,
    pub layout: Layout,
    pub origins: Origins,
}

/// Why a module can't be instrumented.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("{0}")]
    Malformed(#[from] wasmparser::Error),
    #[error("{0}")]
    Construct(String),
}

/// The rewritten binary, and what is counted in it, for who wants to look at it. To run it there is
/// `Code::load_instrumented`, which also checks that the binary is a reducer at all.
pub fn instrumented(wasm: &[u8]) -> Result<(Vec<u8>, Sites), LoadError> {
    let made = instrument(wasm).map_err(|refused| LoadError::Instrument {
        reason: refused.to_string(),
    })?;
    Ok((made.wasm, made.instruments.sites))
}

fn refuse<T>(construct: impl Into<String>) -> Result<T, Refused> {
    Err(Refused::Construct(construct.into()))
}

/// Rewrites a valid module.
pub(super) fn instrument(wasm: &[u8]) -> Result<Instrumented, Refused> {
    let survey = Survey::of(wasm)?;
    let mut layout = Layout::new(survey.compares)?;
    let mut origins = Origins::default();
    let (code, sites) = survey.instrument_code(wasm, &mut layout, &mut origins)?;
    let mut module = Module::new();
    for (id, range) in &survey.sections {
        let raw = slice(wasm, range)?;
        let data = match *id {
            TYPE => appended(raw, emit::RECORD_TYPE)?,
            FUNCTION => appended(raw, &encoded(&survey.type_count))?,
            MEMORY => appended(raw, &layout.memory_type())?,
            EXPORTS => appended(raw, &memory_export())?,
            CODE => code.clone(),
            _ => raw.to_vec(),
        };
        module.section(&RawSection {
            id: *id,
            data: &data,
        });
    }
    Ok(Instrumented {
        wasm: module.finish(),
        instruments: Instruments {
            sites,
            layout,
            origins,
        },
    })
}

const TYPE: u8 = SectionId::Type as u8;
const FUNCTION: u8 = SectionId::Function as u8;
const MEMORY: u8 = SectionId::Memory as u8;
const EXPORTS: u8 = SectionId::Export as u8;
const CODE: u8 = SectionId::Code as u8;

/// What must be known of a module before its code is rewritten.
#[derive(Default)]
struct Survey<'a> {
    /// Id and contents of every section that is kept, in order.
    sections: Vec<(u8, Range<usize>)>,
    type_count: u32,
    /// Parameters of each type that is a function's.
    type_params: Vec<Option<u32>>,
    /// The type of each function.
    functions: Vec<u32>,
    bodies: Vec<FunctionBody<'a>>,
    /// No fewer than there will be.
    compares: u32,
    names: FunctionNames,
}

impl<'a> Survey<'a> {
    fn of(wasm: &'a [u8]) -> Result<Survey<'a>, Refused> {
        let mut survey = Survey::default();
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            survey.take(&payload)?;
            let is_kept = !matches!(payload, Payload::CustomSection(_));
            if let Some(section) = payload.as_section().filter(|_| is_kept) {
                survey.sections.push(section);
            }
        }
        let has = |id| survey.sections.iter().any(|(found, _)| *found == id);
        if ![TYPE, FUNCTION, MEMORY, EXPORTS, CODE].into_iter().all(has) {
            return refuse("a module without types, functions, a memory or exports");
        }
        if survey.bodies.len() != survey.functions.len() {
            return refuse("a module whose functions are not all defined");
        }
        Ok(survey)
    }

    fn take(&mut self, payload: &Payload<'a>) -> Result<(), Refused> {
        match payload {
            Payload::TypeSection(types) => self.take_types(types),
            Payload::ImportSection(imports) if imports.count() > 0 => {
                refuse("a module with imports")
            }
            Payload::FunctionSection(functions) => {
                let types: Result<_, _> = functions.clone().into_iter().collect();
                self.functions = types?;
                Ok(())
            }
            Payload::MemorySection(memories) if memories.count() != 1 => {
                refuse(format!("a module with {} memories", memories.count()))
            }
            Payload::ExportSection(exports) => {
                for export in exports.clone() {
                    let export = export?;
                    if export.name == EXPORT {
                        return refuse(format!("an export named `{EXPORT}`, as coverage has it"));
                    }
                    self.names.exported(&export);
                }
                Ok(())
            }
            Payload::CodeSectionEntry(body) => {
                self.compares = self.compares.saturating_add(compares(body)?);
                self.bodies.push(body.clone());
                Ok(())
            }
            Payload::CustomSection(section) => {
                self.names.section(section);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn take_types(
        &mut self,
        types: &SectionLimited<'a, wasmparser::RecGroup>,
    ) -> Result<(), Refused> {
        for group in types.clone() {
            for ty in group?.types() {
                let params = match &ty.composite_type.inner {
                    CompositeInnerType::Func(func) => u32::try_from(func.params().len()).ok(),
                    _ => None,
                };
                self.type_params.push(params);
                self.type_count += 1;
            }
        }
        Ok(())
    }

    /// The contents of the new code section, and what was put in them.
    fn instrument_code(
        &self,
        wasm: &[u8],
        layout: &mut Layout,
        origins: &mut Origins,
    ) -> Result<(Vec<u8>, Sites), Refused> {
        let functions = self.functions.len();
        let record = u32::try_from(functions).unwrap_or(u32::MAX);
        let mut sites = Sites {
            functions: (0..record).map(|index| self.names.of(index)).collect(),
            ..Sites::default()
        };
        let mut code = encoded(&record.saturating_add(1));
        for (index, (function, ty)) in (0..).zip(self.bodies.iter().zip(&self.functions)) {
            let params = self.type_params.get(*ty as usize).copied().flatten();
            let Some(params) = params else {
                return refuse(format!(
                    "a function of type {ty}, which is none of functions"
                ));
            };
            origins.begin();
            let mut body = Body::new((index, record), layout, &mut sites, origins);
            let body = body.rewrite(wasm, function, params)?;
            body.encode(&mut code);
        }
        emit::record(layout).encode(&mut code);
        layout.set_blocks(sites.blocks.len())?;
        Ok((code, sites))
    }
}

/// How many of a function's instructions may be logged.
fn compares(body: &FunctionBody<'_>) -> Result<u32, Refused> {
    let mut count = 0;
    for operator in body.get_operators_reader()? {
        count += u32::from(Operand::of(&operator?).is_some());
    }
    Ok(count)
}

/// A section's contents with one item more.
fn appended(raw: &[u8], item: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut reader = wasmparser::BinaryReader::new(raw, 0);
    let count = reader.read_var_u32()?;
    let Some(count) = count.checked_add(1) else {
        return refuse(format!("a section of {count} items"));
    };
    let mut data = encoded(&count);
    data.extend_from_slice(raw.get(reader.original_position()..).unwrap_or_default());
    data.extend_from_slice(item);
    Ok(data)
}

fn memory_export() -> Vec<u8> {
    let mut export = encoded(EXPORT);
    wasm_encoder::ExportKind::Memory.encode(&mut export);
    layout::MEMORY.encode(&mut export);
    export
}

fn encoded<T: Encode + ?Sized>(item: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    item.encode(&mut bytes);
    bytes
}

fn slice<'a>(wasm: &'a [u8], range: &Range<usize>) -> Result<&'a [u8], Refused> {
    match wasm.get(range.clone()) {
        Some(bytes) => Ok(bytes),
        None => refuse("a section that ends outside the file"),
    }
}

/// The instructions that lead elsewhere in a way that is not followed here. All belong to
/// proposals that are switched off.
fn unknown_control(operator: &Operator<'_>) -> Option<&'static str> {
    Some(match operator {
        Operator::Try { .. } | Operator::Catch { .. } | Operator::CatchAll => "legacy exceptions",
        Operator::Delegate { .. } | Operator::Rethrow { .. } => "legacy exceptions",
        Operator::TryTable { .. } | Operator::Throw { .. } | Operator::ThrowRef => "exceptions",
        Operator::ReturnCall { .. }
        | Operator::ReturnCallIndirect { .. }
        | Operator::ReturnCallRef { .. } => "tail calls",
        Operator::BrOnNull { .. } | Operator::BrOnNonNull { .. } => "branches on null",
        Operator::BrOnCast { .. } | Operator::BrOnCastFail { .. } => "branches on casts",
        Operator::BrOnCastDescEq { .. } | Operator::BrOnCastDescEqFail { .. } => {
            "branches on casts"
        }
        Operator::Resume { .. }
        | Operator::ResumeThrow { .. }
        | Operator::ResumeThrowRef { .. } => "continuations",
        Operator::Suspend { .. } | Operator::Switch { .. } => "continuations",
        _ => return None,
    })
}
