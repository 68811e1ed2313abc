//! Constants in instructions: numbers that are compared, and pointers into data. Texts that numbers
//! were made of are put together in `texts`.

mod operators;
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use wasmparser::{FunctionBody, Operator};

use super::insert;
use operators::{Use, loaded, stored, used};
use texts::Joined;

/// A constant belongs to a load, or a length to a pointer, if so few instructions lie between.
const NEAR: u64 = 4;

/// The most labels of a `br_table` that are numbers.
const LABELS_MAX: usize = 256;

/// The most locals of a function of which something is known.
const LOCALS_MAX: usize = 32;

/// What was found in all functions so far.
#[derive(Default)]
pub(super) struct Walk {
    /// Every 32-bit constant: it may point to data.
    pub pointers: BTreeSet<u32>,
    /// Two constants, one behind the other or a text that is copied: a pointer and a length, if
    /// the first is a pointer.
    pub pairs: BTreeSet<(u32, u32)>,
    /// Two constants that are near each other: maybe the same.
    pub near: BTreeSet<(u32, u32)>,
    pub numbers: BTreeSet<i128>,
    pub texts: BTreeSet<String>,
}

/// An integer constant.
#[derive(Clone, Copy)]
struct Constant {
    at: u64,
    value: i64,
    is_wide: bool,
}

/// Where one is in a function.
#[derive(Default)]
struct WalkState {
    /// The number of the instruction.
    at: u64,
    constant: Option<Constant>,
    /// The 32-bit constant before that one.
    earlier: Option<Constant>,
    /// The sum with a constant that was last made, and when.
    sum: Option<(u64, i64)>,
    /// How far the last value is from a pointer that nothing is known of.
    offset: i64,
    /// The same of locals, and what it was at the last branch that may be taken.
    locals: BTreeMap<u32, i64>,
    locals_before: BTreeMap<u32, i64>,
    /// No way leads here but a branch.
    is_dead: bool,
    /// When bits were last put together, as they are where bytes are turned round.
    turned_at: u64,
    /// When something was last loaded, from where, and how many bytes.
    load: Option<(u64, i64, usize)>,
    joined: Option<Joined>,
    /// What is loaded from a place that is known, by the number of the instruction.
    source: Option<(u64, u32)>,
    /// Copies of data: by the address that goes to where the copy begins, the bytes from there.
    copies: BTreeMap<u32, Vec<Range<u32>>>,
}

impl Walk {
    pub fn function(&mut self, body: &FunctionBody<'_>) {
        let Ok(operators) = body.get_operators_reader() else {
            return;
        };
        let mut place = WalkState::default();
        for operator in operators.into_iter().map_while(Result::ok) {
            place.at += 1;
            self.operator(&mut place, &operator);
        }
        self.end_text(&mut place);
        for (address, parts) in place.copies {
            self.copied(address, parts);
        }
    }

    /// A text that is copied piece by piece, if nothing of it is missing.
    fn copied(&mut self, address: u32, mut parts: Vec<Range<u32>>) {
        parts.sort_unstable_by_key(|part| part.start);
        let grow = |end: u32, part: &Range<u32>| match part.start <= end {
            true => Ok(end.max(part.end)),
            false => Err(()),
        };
        if let Ok(length) = parts.iter().try_fold(0, grow) {
            insert(&mut self.pairs, (address, length));
        }
    }

    fn operator(&mut self, place: &mut WalkState, operator: &Operator<'_>) {
        if let Some(used) = used(operator) {
            return self.compare(place, used);
        }
        if let Some((memory, bytes)) = loaded(operator) {
            let from = place.offset.saturating_add_unsigned(memory.offset);
            place.load = Some((place.at, from, bytes));
            let base = place.constant.filter(|it| it.at + 1 == place.at);
            let base = base.and_then(|it| u64::try_from(it.value).ok());
            let source = base.and_then(|it| u32::try_from(it.checked_add(memory.offset)?).ok());
            place.source = source.map(|source| (place.at, source));
            return;
        }
        if let Some((memory, bytes)) = stored(operator) {
            return self.store(place, memory.offset, bytes);
        }
        match *operator {
            Operator::I32Const { value } => self.constant(place, i64::from(value), false),
            Operator::I64Const { value } => self.constant(place, value, true),
            Operator::I32Add | Operator::I64Add => {
                if let Some(constant) = place.constant.filter(|it| it.at + 1 == place.at) {
                    self.last_byte(place, constant);
                    place.sum = Some((place.at, constant.value));
                    place.offset = place.offset.saturating_add(constant.value);
                }
            }
            Operator::I32Or | Operator::I64Or => place.turned_at = place.at,
            Operator::LocalGet { local_index } => {
                place.offset = place.locals.get(&local_index).copied().unwrap_or_default();
            }
            Operator::LocalTee { local_index } | Operator::LocalSet { local_index } => {
                // Only a sum says anything of where a local points to.
                match place.sum {
                    Some((at, _)) if at + 1 == place.at && place.locals.len() < LOCALS_MAX => {
                        place.locals.insert(local_index, place.offset);
                    }
                    _ => _ = place.locals.remove(&local_index),
                }
                if let Some((at, _)) = &mut place.sum
                    && *at + 1 == place.at
                {
                    *at = place.at;
                }
            }
            Operator::BrTable { ref targets } => {
                self.table(place, targets);
                place.is_dead = true;
            }
            Operator::BrIf { .. } | Operator::If { .. } => {
                place.locals_before.clone_from(&place.locals);
            }
            Operator::Br { .. } | Operator::Return | Operator::Unreachable => place.is_dead = true,
            // What lies behind is reached from before, not from what comes before it here.
            Operator::End | Operator::Else if std::mem::take(&mut place.is_dead) => {
                place.locals.clone_from(&place.locals_before);
            }
            _ => {}
        }
    }

    fn constant(&mut self, place: &mut WalkState, value: i64, is_wide: bool) {
        let constant = Constant {
            at: place.at,
            value,
            is_wide,
        };
        if let Ok(pointer) = i32::try_from(value)
            && !is_wide
        {
            let pointer = pointer.cast_unsigned();
            insert(&mut self.pointers, pointer);
            let earlier = place.constant.filter(|it| !it.is_wide).or(place.earlier);
            if let Some(earlier) = earlier.filter(|it| place.at - it.at <= NEAR) {
                let is_next = earlier.at + 1 == place.at;
                let earlier = (earlier.value as i32).cast_unsigned();
                if is_next {
                    insert(&mut self.pairs, (earlier, pointer));
                }
                insert(&mut self.near, (earlier, pointer));
                insert(&mut self.near, (pointer, earlier));
            }
            place.earlier = Some(constant);
        }
        place.constant = Some(constant);
    }

    /// The constant before is compared with what was loaded before that, or with something else.
    fn compare(&mut self, place: &mut WalkState, used: Use) {
        // Or the constant comes first, and then a local.
        let is_operand = |it: &Constant| it.at + 2 >= place.at;
        let Some(constant) = place.constant.filter(is_operand) else {
            return;
        };
        let is_near = |at: u64| at < constant.at && constant.at - at <= NEAR;
        let load = place.load.filter(|(at, ..)| is_near(*at));
        if let Some((_, from, bytes)) = load.filter(|_| matches!(used, Use::Equal | Use::Xor)) {
            let is_text = self.piece(place, false, from, &constant.value.to_le_bytes()[..bytes]);
            if is_text && bytes >= 4 {
                return;
            }
        }
        if used == Use::Xor {
            return;
        }
        if used == Use::Equal {
            self.turned_text(place, constant);
            self.masked_text(constant);
        }
        self.number(constant, used);
        if let Some((at, more)) = place.sum
            && at < constant.at
            && constant.at - at <= 2
            && let Some(first) = 0_i64.checked_sub(more)
        {
            // `x - first < count`: a range.
            let ends = [first, first.saturating_add(constant.value)];
            ends.iter()
                .for_each(|end| insert(&mut self.numbers, i128::from(*end)));
        }
    }

    fn number(&mut self, constant: Constant, used: Use) {
        let signed = i128::from(constant.value);
        let unsigned = match constant.is_wide {
            true => i128::from(constant.value.cast_unsigned()),
            false => i128::from((constant.value as i32).cast_unsigned()),
        };
        if used != Use::Unsigned {
            insert(&mut self.numbers, signed);
        }
        if used != Use::Signed {
            insert(&mut self.numbers, unsigned);
        }
    }

    /// The numbers that lead somewhere else than all others do.
    fn table(&mut self, place: &WalkState, targets: &wasmparser::BrTable<'_>) {
        let sum = place.sum.filter(|(at, _)| *at + 1 == place.at);
        let first = i128::from(sum.map_or(0, |(_, more)| more));
        let labels = targets.targets().map_while(Result::ok).enumerate();
        for (index, target) in labels.take(LABELS_MAX) {
            if target != targets.default() {
                insert(&mut self.numbers, index as i128 - first);
            }
        }
        insert(&mut self.numbers, i128::from(targets.len()) - first);
    }

    fn store(&mut self, place: &mut WalkState, offset: u64, bytes: usize) {
        if let Some((_, source)) = place.source.filter(|(at, _)| at + 1 == place.at)
            && let Ok(offset) = u32::try_from(offset)
            && let Some(address) = source.checked_sub(offset)
        {
            let copies = place.copies.entry(address).or_default();
            copies.push(offset..offset.saturating_add(bytes as u32));
            return;
        }
        let Some(constant) = place.constant.filter(|it| it.at + 1 == place.at) else {
            return;
        };
        // Where the pointer leads is below the constant, and not known.
        let to = i64::try_from(offset).unwrap_or(i64::MAX);
        self.piece(place, true, to, &constant.value.to_le_bytes()[..bytes]);
    }
}
