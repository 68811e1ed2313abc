//! Which instructions say something of a constant: compares, loads and stores.

use wasmparser::{MemArg, Operator};

/// How an instruction treats the constant before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Equal,
    Signed,
    Unsigned,
    /// Bits that are to be zero if it is equal: texts only.
    Xor,
}

pub(super) fn used(operator: &Operator<'_>) -> Option<Use> {
    Some(match operator {
        Operator::I32Eq | Operator::I32Ne | Operator::I64Eq | Operator::I64Ne => Use::Equal,
        Operator::I32Xor | Operator::I64Xor => Use::Xor,
        Operator::I32LtS | Operator::I32GtS | Operator::I32LeS | Operator::I32GeS => Use::Signed,
        Operator::I64LtS | Operator::I64GtS | Operator::I64LeS | Operator::I64GeS => Use::Signed,
        Operator::I32LtU | Operator::I32GtU | Operator::I32LeU | Operator::I32GeU => Use::Unsigned,
        Operator::I64LtU | Operator::I64GtU | Operator::I64LeU | Operator::I64GeU => Use::Unsigned,
        _ => return None,
    })
}

/// Where an instruction loads from, and how many bytes.
pub(super) fn loaded(operator: &Operator<'_>) -> Option<(MemArg, usize)> {
    Some(match *operator {
        Operator::I32Load8U { memarg } | Operator::I64Load8U { memarg } => (memarg, 1),
        Operator::I32Load8S { memarg } | Operator::I64Load8S { memarg } => (memarg, 1),
        Operator::I32Load16U { memarg } | Operator::I64Load16U { memarg } => (memarg, 2),
        Operator::I32Load { memarg } | Operator::I64Load32U { memarg } => (memarg, 4),
        Operator::I64Load { memarg } => (memarg, 8),
        _ => return None,
    })
}

/// The same of a store.
pub(super) fn stored(operator: &Operator<'_>) -> Option<(MemArg, usize)> {
    Some(match *operator {
        Operator::I32Store8 { memarg } | Operator::I64Store8 { memarg } => (memarg, 1),
        Operator::I32Store16 { memarg } | Operator::I64Store16 { memarg } => (memarg, 2),
        Operator::I32Store { memarg } | Operator::I64Store32 { memarg } => (memarg, 4),
        Operator::I64Store { memarg } => (memarg, 8),
        _ => return None,
    })
}
