//! What conditions are built of.

use std::cmp::Ordering;

/// A part of a condition.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Node {
    Constant(Constant),
    Variable(Variable),
    /// What a loop goes through, by its place among the loops around.
    Local(usize),
    Select(Box<Node>, String),
    Has(Box<Node>, String),
    Index(Box<[Node; 2]>),
    Not(Box<Node>),
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    Choice(Box<[Node; 3]>),
    Equal(Box<[Node; 2]>),
    Compare(Comparison, Box<[Node; 2]>),
    /// It is one of these.
    Among(Box<Node>, Vec<Constant>),
    In(Box<[Node; 2]>),
    Calculate(Operation, Box<[Node; 2]>),
    Negate(Box<Node>),
    Pick(Ordering, Box<[Node; 2]>),
    Sum(Box<Node>),
    Size(Box<Node>),
    TextHas(Where, Box<[Node; 2]>),
    List(Vec<Node>),
    Loop(Box<Loop>),
}

/// What is written out.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Constant {
    Null,
    Bool(bool),
    Number(i128),
    Text(String),
    Bytes(Vec<u8>),
}

/// A variable of a moment, or of the run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Variable {
    Event,
    Before,
    State,
    Key,
    Emitted,
    Effects,
    Changed,
    Effect,
    Sent,
    Receipt,
    Who,
    Now,
    Cells,
    World,
    Each,
    Counter(String),
}

/// `<`, `<=`, `>`, `>=`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// An operation on whole numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
    /// The result, or 0 or 2^64-1 where it is past these.
    Saturating(Saturating),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Saturating {
    Add,
    Subtract,
    Multiply,
}

/// Where in a text another is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Where {
    Anywhere,
    AtStart,
    AtEnd,
}

/// A loop over a list or the keys of a map.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Loop {
    pub over: Node,
    pub does: Does,
}

/// What a loop does with each item.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Does {
    All(Node),
    Exists(Node),
    ExistsOne(Node),
    /// What is given for each, or for each for which the first is true.
    Map(Option<Node>, Node),
}

impl Variable {
    /// The variable of a name; what has no name of its own is a counter.
    pub fn named(name: &str) -> Variable {
        match name {
            "event" => Variable::Event,
            "before" => Variable::Before,
            "state" => Variable::State,
            "key" => Variable::Key,
            "emitted" => Variable::Emitted,
            "effects" => Variable::Effects,
            "changed" => Variable::Changed,
            "effect" => Variable::Effect,
            "sent" => Variable::Sent,
            "receipt" => Variable::Receipt,
            "who" => Variable::Who,
            "now" => Variable::Now,
            "cells" => Variable::Cells,
            "world" => Variable::World,
            "each" => Variable::Each,
            name => Variable::Counter(name.to_owned()),
        }
    }

    /// Whether it holds something beside the moment.
    pub fn is_of_run(&self) -> bool {
        use Variable::{Cells, Counter, Each, Now, World};
        matches!(self, Now | Cells | World | Each | Counter(_))
    }
}

impl Comparison {
    /// Whether an order is what is asked for.
    pub fn is(self, order: Ordering) -> bool {
        match self {
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        }
    }
}
