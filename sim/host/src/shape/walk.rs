//! One pass over a function, which counts what is bounded of it.
//!
//! The engine's compiler makes a variable of each value that is set, and settles which one is meant
//! where ways join on which a local was set. That is followed here: for each local that was set on
//! one of several ways, the number of ways, which counts once the local is read.

use wasmparser::{
    FuncToValidate, FuncValidatorAllocations, FunctionBody, Operator, OperatorsReader,
    ValidatorResources,
};

use super::{BOUNDS, Counts, Measure, Overrun, Stop};

pub(super) struct Walk {
    function: u32,
    counts: Counts,
    /// The constructs that are open; the first is the function itself.
    open: Vec<Open>,
    /// The byte where each open loop begins.
    loops: Vec<usize>,
    /// Locals that were set, in order; of constructs that have ended each only once.
    sets: Vec<u32>,
    locals: Vec<Local>,
    /// The byte of the instruction.
    offset: usize,
    /// Of each construct that has ended, the ways of all locals that were joined there and read.
    joins: Vec<u64>,
}

struct Open {
    is_loop: bool,
    /// Where in `sets` it began.
    sets_at: usize,
    /// Branches that lead to its end, or of a loop to its begin.
    ways: u64,
}

#[derive(Clone, Copy, Default)]
struct Local {
    /// The ways that have joined since it was set.
    joined: u64,
    /// The number of the last construct that has ended in which it was set, from 1.
    ended: usize,
    /// The byte where it was last set.
    set_at: usize,
    /// Where it was last read in a loop before it was set there, and where it had been set then.
    read_at: usize,
    read_of: usize,
}

impl Walk {
    /// What a function has, which is within its bounds.
    pub fn function(
        function: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
        allocations: FuncValidatorAllocations,
    ) -> Result<(Counts, FuncValidatorAllocations), Stop> {
        let mut walk = Walk {
            function: function.index,
            counts: Counts::default(),
            open: Vec::new(),
            loops: Vec::new(),
            sets: Vec::new(),
            locals: Vec::new(),
            offset: body.range().start,
            joins: Vec::new(),
        };
        walk.open(false);
        let mut validator = function.into_validator(allocations);
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader)?;
        let locals = validator.len_locals();
        walk.add(Measure::Locals, u64::from(locals))?;
        walk.locals.resize(locals as usize, Local::default());
        let mut operators = OperatorsReader::new(reader);
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            walk.offset = offset;
            // In code that is never reached there may be less on the stack than is taken.
            let (taken, given) = operator.operator_arity(&validator).unwrap_or((0, 0));
            let below = validator.operand_stack_height().saturating_sub(taken);
            let passed = u64::from(taken) + u64::from(given);
            walk.operator(&operator, passed, u64::from(below))?;
            validator.op(offset, &operator)?;
        }
        let branches = walk.counts[Measure::Branches as usize];
        walk.add(Measure::BranchesSquared, branches.saturating_mul(branches))?;
        Ok((walk.counts, validator.into_allocations()))
    }

    fn add(&mut self, measure: Measure, count: u64) -> Result<(), Stop> {
        let bound = &BOUNDS[measure as usize];
        let found = &mut self.counts[measure as usize];
        *found = found.saturating_add(count);
        if *found <= bound.function {
            return Ok(());
        }
        Err(Stop::Overrun(Overrun {
            what: bound.what,
            function: Some(self.function),
            offset: self.offset,
            found: *found,
            limit: bound.function,
        }))
    }

    fn operator(&mut self, operator: &Operator<'_>, passed: u64, below: u64) -> Result<(), Stop> {
        self.add(Measure::Instructions, weight(operator))?;
        match operator {
            Operator::LocalGet { local_index } => self.read(*local_index),
            Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                self.sets.push(*local_index);
                if let Some(local) = self.locals.get_mut(*local_index as usize) {
                    local.joined = 0;
                    local.set_at = self.offset;
                }
                Ok(())
            }
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                self.open(matches!(operator, Operator::Loop { .. }));
                if let (Operator::If { .. }, Some(open)) = (operator, self.open.last_mut()) {
                    open.ways += 1;
                }
                self.branch(passed, below)
            }
            Operator::Else => self.branch(passed, below),
            Operator::End => {
                self.branch(passed, below)?;
                self.end()
            }
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
                self.way(*relative_depth);
                self.branch(passed, below)
            }
            Operator::Return => self.branch(passed, below),
            Operator::BrTable { targets } => {
                for target in targets.targets() {
                    self.way(target?);
                    self.add(Measure::Instructions, 1)?;
                    self.branch(passed, below)?;
                }
                self.way(targets.default());
                self.branch(passed, below)
            }
            Operator::Call { .. } | Operator::CallIndirect { .. } => {
                self.add(Measure::ValuesPassed, passed)?;
                self.add(Measure::OperandsOverBranches, below)
            }
            _ => Ok(()),
        }
    }

    fn read(&mut self, index: u32) -> Result<(), Stop> {
        let begin = self.loops.last().copied();
        if let Some(local) = self.locals.get_mut(index as usize)
            && begin.is_some_and(|begin| local.set_at < begin)
        {
            (local.read_at, local.read_of) = (self.offset, local.set_at);
        }
        self.settle(index)
    }

    /// What a local is must be settled, if it was set on several ways that have joined since.
    fn settle(&mut self, index: u32) -> Result<(), Stop> {
        let Some(local) = self.locals.get_mut(index as usize) else {
            return Ok(());
        };
        let ways = std::mem::take(&mut local.joined);
        let Some(join) = self.joins.get_mut(local.ended.wrapping_sub(1)) else {
            return Ok(());
        };
        let before = join.saturating_mul(*join);
        *join = join.saturating_add(ways);
        let grown = join.saturating_mul(*join) - before;
        self.add(Measure::JoinsSquared, grown)
    }

    fn open(&mut self, is_loop: bool) {
        if is_loop {
            self.loops.push(self.offset);
        }
        self.open.push(Open {
            is_loop,
            sets_at: self.sets.len(),
            ways: 0,
        });
    }

    /// A branch to a construct.
    fn way(&mut self, depth: u32) {
        let at = self.open.len().checked_sub(1 + depth as usize);
        if let Some(open) = at.and_then(|at| self.open.get_mut(at)) {
            open.ways += 1;
        }
    }

    fn branch(&mut self, passed: u64, below: u64) -> Result<(), Stop> {
        let set = self.sets.len().min(self.locals.len()) as u64;
        self.add(Measure::Branches, 1)?;
        self.add(Measure::LocalsOverBranches, set)?;
        self.add(Measure::OperandsOverBranches, below)?;
        self.add(Measure::ValuesPassed, passed)
    }

    /// The end of the innermost construct, where ways join.
    fn end(&mut self) -> Result<(), Stop> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        self.joins.push(0);
        let ended = self.joins.len();
        let mut kept = open.sets_at;
        for at in open.sets_at..self.sets.len() {
            let index = self.sets[at];
            let Some(local) = self.locals.get_mut(index as usize) else {
                continue;
            };
            if local.ended == ended {
                continue;
            }
            local.ended = ended;
            self.sets[kept] = index;
            kept += 1;
            if open.ways > 0 && !open.is_loop {
                local.joined = local.joined.saturating_add(open.ways + 1);
            }
        }
        self.sets.truncate(kept);
        if open.is_loop {
            self.end_loop(&open, kept)?;
        }
        Ok(())
    }

    /// What a loop sets goes round in it, if it is read there before it is set.
    fn end_loop(&mut self, open: &Open, kept: usize) -> Result<(), Stop> {
        let (loops, begin) = (self.loops.len() as u64, self.loops.pop().unwrap_or(0));
        let mut round = 1;
        for at in open.sets_at..kept {
            let index = self.sets[at];
            let local = self.locals.get(index as usize).copied().unwrap_or_default();
            if local.read_at > begin && local.read_of < begin {
                self.settle(index)?;
                round += 1;
            }
        }
        let cost = loops.saturating_add(open.ways).saturating_mul(round);
        self.add(Measure::LocalsOverLoops, cost)
    }
}

/// How many instructions an operator counts as: what the compiler makes several of, or a call,
/// counts more. That is arithmetic with floats, for a NaN is to be the same everywhere; vectors;
/// what works on tables and memories; constants that fit into no instruction.
fn weight(operator: &Operator<'_>) -> u64 {
    if let Operator::I64Const { value } = operator {
        return if i32::try_from(*value).is_ok() { 1 } else { 8 };
    }
    weight_by_name(operator)
}

macro_rules! weight_of {
    (bulk_memory $operator:ident) => {
        4
    };
    (reference_types $operator:ident) => {
        16
    };
    (saturating_float_to_int $operator:ident) => {
        4
    };
    (simd $operator:ident) => {
        4
    };
    ($proposal:ident $operator:ident) => {
        if is_of_floats(stringify!($operator)) {
            4
        } else {
            1
        }
    };
}

/// Whether its name says that it takes or gives a float.
const fn is_of_floats(name: &str) -> bool {
    let (name, mut at) = (name.as_bytes(), 0);
    while at + 2 < name.len() {
        if name[at] == b'F' && matches!((name[at + 1], name[at + 2]), (b'3', b'2') | (b'6', b'4')) {
            return true;
        }
        at += 1;
    }
    false
}

macro_rules! define_weight {
    ($(
        @$proposal:ident $operator:ident $({ $($argument:ident: $type:ty),* })?
            => $visit:ident ($($arity:tt)*)
    )*) => {
        fn weight_by_name(operator: &Operator<'_>) -> u64 {
            match operator {
                $(Operator::$operator { .. } => const { weight_of!($proposal $operator) },)*
                _ => 1,
            }
        }
    };
}

wasmparser::for_each_operator!(define_weight);
