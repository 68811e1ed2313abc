//! What a module may look like before the compiler sees it: bounds on the shapes that cost it more
//! than their size says.
//!
//! A compiler's time and memory grow faster than a function does: with branches times the values
//! that live across them, with loops in loops, with calls times the operands below them. A few
//! kilobytes can keep it busy for minutes. So each function is walked once, in one pass, and what
//! it is made of is summed up by [`Measure`]. Each measure has a bound for a function and one for
//! all functions together; an error names the measure, the function and the byte where the bound
//! was overrun. Sections are counted too.
//!
//! A compiler's time is not known before it has compiled: shapes that no bound here covers are
//! left to the budget of `compile`.

mod walk;

use wasmparser::{
    BinaryReaderError, CompositeInnerType, ConstExpr, DataKind, ElementItems, ElementKind,
    FuncValidatorAllocations, Parser, Payload, SectionLimited, TableInit, ValidPayload, Validator,
};

use super::LoadError;
use super::anatomy::Anatomy;
use super::engine::FEATURES;
use walk::Walk;

/// What is counted of functions.
#[derive(Clone, Copy)]
enum Measure {
    /// Instructions; those that become many count more.
    Instructions,
    /// Parameters and local variables, used or not.
    Locals,
    /// Places where the flow of control parts or joins, a target of a branch table each.
    Branches,
    /// The same, squared: what a long function costs more than two short ones.
    BranchesSquared,
    /// For each branch, the locals that were set before.
    LocalsOverBranches,
    /// For each place where ways join, all locals that were set on them and are read later, times
    /// the ways; squared.
    JoinsSquared,
    /// For each loop, the locals that go round in it, times the loops it is within and the ways
    /// back.
    LocalsOverLoops,
    /// For each call and branch, the operands that lie below.
    OperandsOverBranches,
    /// Values that go into and come from blocks, branches and calls.
    ValuesPassed,
}

/// A bound on a measure, for a function and for all of a module.
struct Bound {
    what: &'static str,
    function: u64,
    module: u64,
}

const MEASURES: usize = 9;

/// In order of `Measure`. In the comments is what real modules have, in one function and in all:
/// the most that was found is in Rust, `minijinja`, `wat` and `serde_json`, optimised or not:
/// 34,000 functions. With what is for debuggers that is 54 MB, seven times what may be loaded. At a
/// bound for functions, the worst shape that was found takes the compiler one to two seconds.
const BOUNDS: [Bound; MEASURES] = [
    // 29,463 and 2,928,328, not weighed.
    bound("instructions", 150_000, 8_000_000),
    // 751 and 282,432. Alone they cost little: a function may have as many as wasm allows.
    bound("locals", 50_000, 2_000_000),
    // 4,373 and 312,629.
    bound("branches", 15_000, 1_500_000),
    // 19,123,129 and 108,165,777.
    bound("branches, squared,", 225_000_000, 800_000_000),
    // 1,014,338 and 7,918,747.
    bound("locals set before branches", 4_000_000, 32_000_000),
    // 19,123,387 and 36,122,928.
    bound(
        "locals joined from branches, squared,",
        200_000_000,
        1_000_000_000,
    ),
    // 646 and 30,195.
    bound("locals that go round in loops", 100_000, 500_000),
    // 627 and 19,407.
    bound("operands below calls and branches", 1_000_000, 4_000_000),
    // 4,471 and 351,555.
    bound("values passed", 30_000, 1_500_000),
];

const fn bound(what: &'static str, function: u64, module: u64) -> Bound {
    Bound {
        what,
        function,
        module,
    }
}

/// Bounds on sections, as the compiler and each instance have to go through them.
const FUNCTIONS_MAX: u64 = 50_000;
const TYPES_MAX: u64 = 5_000;
/// Parameters and results of all types.
const TYPE_VALUES_MAX: u64 = 20_000;
const GLOBALS_MAX: u64 = 5_000;
const EXPORTS_MAX: u64 = 2_000;
const DATA_SEGMENTS_MAX: u64 = 10_000;
const ELEMENT_SEGMENTS_MAX: u64 = 10_000;
/// Elements of all segments, as many as a table may have.
const ELEMENTS_MAX: u64 = 1 << 16;
/// Instructions of all constant expressions.
const CONSTANT_INSTRUCTIONS_MAX: u64 = 200_000;

/// Refuses a module that would cost the compiler too much. It was found valid before.
pub(super) fn check(wasm: &[u8]) -> Result<(), LoadError> {
    let found = match examine(wasm) {
        Ok(()) => return Ok(()),
        Err(Stop::Overrun(found)) => found,
        // The compiler says it better.
        Err(Stop::Malformed) => return Ok(()),
    };
    let place = found
        .function
        .map(|index| Anatomy::of(wasm).names.of(index));
    Err(LoadError::TooCostly {
        what: found.what,
        place: place.unwrap_or_else(|| "the module".to_owned()),
        offset: found.offset,
        found: found.found,
        limit: found.limit,
    })
}

/// Why the walk ended early.
enum Stop {
    Overrun(Overrun),
    Malformed,
}

impl From<BinaryReaderError> for Stop {
    fn from(_: BinaryReaderError) -> Stop {
        Stop::Malformed
    }
}

/// What is beyond its bound, and where.
struct Overrun {
    what: &'static str,
    function: Option<u32>,
    offset: usize,
    found: u64,
    limit: u64,
}

type Counts = [u64; MEASURES];

fn examine(wasm: &[u8]) -> Result<(), Stop> {
    let mut validator = Validator::new_with_features(FEATURES);
    let mut allocations = FuncValidatorAllocations::default();
    let mut totals = Counts::default();
    let mut sections = Sections::default();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        sections.take(&payload)?;
        if let ValidPayload::Func(function, body) = validator.payload(&payload)? {
            let (counts, back) = Walk::function(function, &body, allocations)?;
            allocations = back;
            add(&mut totals, &counts, body.range().end)?;
        }
    }
    Ok(())
}

/// Adds what a function has to what all have.
fn add(totals: &mut Counts, counts: &Counts, offset: usize) -> Result<(), Stop> {
    for ((total, count), bound) in totals.iter_mut().zip(counts).zip(&BOUNDS) {
        *total = total.saturating_add(*count);
        if *total > bound.module {
            return Err(Stop::Overrun(Overrun {
                what: bound.what,
                function: None,
                offset,
                found: *total,
                limit: bound.module,
            }));
        }
    }
    Ok(())
}

/// What is counted beside functions.
#[derive(Default)]
struct Sections {
    elements: u64,
    constant_instructions: u64,
}

impl Sections {
    fn take(&mut self, payload: &Payload<'_>) -> Result<(), Stop> {
        match payload {
            Payload::TypeSection(types) => take_types(types),
            Payload::FunctionSection(all) => within("functions", all, FUNCTIONS_MAX),
            Payload::ExportSection(all) => within("exports", all, EXPORTS_MAX),
            Payload::TableSection(tables) => {
                for table in tables.clone() {
                    if let TableInit::Expr(init) = table?.init {
                        self.constant(&init)?;
                    }
                }
                Ok(())
            }
            Payload::GlobalSection(globals) => {
                within("globals", globals, GLOBALS_MAX)?;
                for global in globals.clone() {
                    self.constant(&global?.init_expr)?;
                }
                Ok(())
            }
            Payload::DataSection(segments) => {
                within("data segments", segments, DATA_SEGMENTS_MAX)?;
                for segment in segments.clone() {
                    if let DataKind::Active { offset_expr, .. } = segment?.kind {
                        self.constant(&offset_expr)?;
                    }
                }
                Ok(())
            }
            Payload::ElementSection(segments) => self.take_elements(segments),
            _ => Ok(()),
        }
    }

    fn take_elements(
        &mut self,
        segments: &SectionLimited<'_, wasmparser::Element<'_>>,
    ) -> Result<(), Stop> {
        within("element segments", segments, ELEMENT_SEGMENTS_MAX)?;
        for segment in segments.clone() {
            let segment = segment?;
            if let ElementKind::Active { offset_expr, .. } = &segment.kind {
                self.constant(offset_expr)?;
            }
            let (count, offset) = match &segment.items {
                ElementItems::Functions(items) => (items.count(), segment.range.start),
                ElementItems::Expressions(_, items) => {
                    for item in items.clone() {
                        self.constant(&item?)?;
                    }
                    (items.count(), segment.range.start)
                }
            };
            self.elements += u64::from(count);
            at_most("elements", self.elements, ELEMENTS_MAX, offset)?;
        }
        Ok(())
    }

    fn constant(&mut self, expression: &ConstExpr<'_>) -> Result<(), Stop> {
        let mut operators = expression.get_operators_reader();
        while !operators.eof() {
            let (_, offset) = operators.read_with_offset()?;
            self.constant_instructions += 1;
            let (what, found) = ("constant instructions", self.constant_instructions);
            at_most(what, found, CONSTANT_INSTRUCTIONS_MAX, offset)?;
        }
        Ok(())
    }
}

fn take_types(types: &SectionLimited<'_, wasmparser::RecGroup>) -> Result<(), Stop> {
    within("types", types, TYPES_MAX)?;
    let mut values = 0;
    for group in types.clone().into_iter_with_offsets() {
        let (offset, group) = group?;
        for ty in group.types() {
            if let CompositeInnerType::Func(func) = &ty.composite_type.inner {
                values += (func.params().len() + func.results().len()) as u64;
            }
        }
        at_most(
            "parameters and results of types",
            values,
            TYPE_VALUES_MAX,
            offset,
        )?;
    }
    Ok(())
}

fn within<T>(what: &'static str, section: &SectionLimited<'_, T>, limit: u64) -> Result<(), Stop> {
    at_most(
        what,
        u64::from(section.count()),
        limit,
        section.range().start,
    )
}

fn at_most(what: &'static str, found: u64, limit: u64, offset: usize) -> Result<(), Stop> {
    if found <= limit {
        return Ok(());
    }
    Err(Stop::Overrun(Overrun {
        what,
        function: None,
        offset,
        found,
        limit,
    }))
}
