//! Generates a world with one plan, and what happens to it.
//!
//! The schemas have roles: what starts the plan, two other events, parameters and receipts of two
//! effects, the output, two variables. The plan is any DAG of steps over them, whose ids are in
//! another order than its edges. Parts have bytes of their own, see `dice`: first the choices that
//! shape the whole, then the schemas, what happens, and at last the steps.

mod documents;
mod plan;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::dice::Dice;
use super::draw;
use super::forms::DeclaredNames;
use super::types::{Ty, Types};
use super::value::Val;
use documents::documents;
use plan::Maker;

pub const START: usize = 0;
pub const EVENTS: [usize; 3] = [START, 1, 2];
const PARAMS: usize = 3;
const RECEIPT: usize = 4;
const OUTPUT: usize = 5;
const LOCALS: [(&str, usize); 2] = [("l0", 6), ("l0.a", 7)];
const SCHEMAS: usize = 8;

/// Kind, schema of the parameters, schema of the receipt.
pub const EFFECTS: [(&str, usize, usize); 2] =
    [("ask", PARAMS, RECEIPT), ("tell", RECEIPT, PARAMS)];
/// What grants cover: everything; nothing, by the policy; everything until it expires.
pub const OPEN: &str = "open";
pub const SHUT: &str = "shut";
pub const LATE: &str = "late";
pub const EXPIRY_NS: u64 = 6;

const MOST_STEPS: usize = 8;
const MOST_MOVES: usize = 24;
const HEAD_BYTES: usize = 12;
const SCHEMA_BYTES: usize = 6;
const MOVE_BYTES: usize = 6;
const STEP_BYTES: usize = 32;
const GUARD_BYTES: usize = 12;
const DEEPEST_TYPE: usize = 2;
const DEEPEST_EXPRESSION: usize = 3;

/// What may happen next.
#[derive(Clone, Debug)]
pub enum Move {
    /// A plan instance takes a step. If it cannot, what it waits for happens.
    Tick { which: usize },
    /// An effect that was asked for has its receipt.
    Receipt { which: usize, value: Vec<u8> },
    /// An event of `EVENTS[which]` arrives.
    Event { which: usize, value: Vec<u8> },
}

/// A generated world.
pub struct World {
    pub types: Types,
    pub documents: Json,
    /// The plan among the documents.
    pub plan: Json,
    pub names: DeclaredNames,
    pub correlate_by: Option<String>,
    /// Nothing odd was made: it must be accepted, and nothing is of a wrong type when it runs.
    pub clean: bool,
    /// What the variables and the steps hold, so far as they have one type.
    pub var_types: BTreeMap<String, Ty>,
    pub step_types: BTreeMap<String, Ty>,
    pub moves: Vec<Move>,
    /// For values of a scope that no run has made.
    pub scope: Vec<u8>,
}

struct Head {
    wild: bool,
    steps: usize,
    correlate: bool,
    invariants: usize,
    output: bool,
}

pub fn world(data: &[u8]) -> World {
    let mut dice = Dice::new(data);
    let mut head = dice.part(HEAD_BYTES);
    let shape = Head {
        wild: head.of(4) == 3,
        steps: 1 + head.of(MOST_STEPS),
        correlate: head.of(4) == 3,
        invariants: head.of(8).saturating_sub(5),
        output: head.of(2) == 1,
    };
    let scope = (0..HEAD_BYTES).map(|_| head.byte()).collect();
    let types = schemas(&mut dice);
    let moves = (0..MOST_MOVES).map(|_| one_move(&mut dice.part(MOVE_BYTES)));
    let moves = moves.collect();
    let mut maker = Maker::new(&types, &shape);
    for index in 0..shape.steps {
        let mut step = dice.part(STEP_BYTES);
        let mut guards = dice.part(GUARD_BYTES);
        maker.step(index, &mut step, &mut guards);
    }
    maker.invariants(shape.invariants, &mut dice);
    let plan = maker.document();
    let correlate_by = shape.correlate.then(|| "id".to_owned());
    World {
        documents: documents(&types, &plan, correlate_by.as_deref()),
        plan,
        clean: !maker.builder.odd,
        names: maker.names,
        var_types: maker.var_types,
        step_types: maker.step_types,
        correlate_by,
        moves,
        scope,
        types,
    }
}

/// What starts the plan has an id, and so has one other event, so that they can be correlated.
fn schemas(dice: &mut Dice<'_>) -> Types {
    let mut types = Vec::new();
    let mut id = Ty::Text;
    for index in 0..SCHEMAS {
        let mut dice = dice.part(SCHEMA_BYTES);
        let ty = match index {
            START => {
                id = [Ty::Text, Ty::Nat, Ty::Bool, Ty::Hash][dice.of(4)].clone();
                let a = draw::ty(&mut dice, DEEPEST_TYPE, 0);
                let bb = draw::ty(&mut dice, 1, 0);
                Ty::Record(vec![("id", id.clone()), ("a", a), ("bb", bb)])
            }
            1 => {
                let a = draw::ty(&mut dice, DEEPEST_TYPE, index);
                Ty::Record(vec![("id", id.clone()), ("a", a)])
            }
            _ => draw::ty(&mut dice, DEEPEST_TYPE, index),
        };
        types.push(ty);
    }
    Types(types)
}

fn one_move(dice: &mut Dice<'_>) -> Move {
    let (kind, which) = (dice.of(12), dice.of(6));
    let value = (0..MOVE_BYTES).map(|_| dice.byte()).collect();
    match kind {
        0..=7 => Move::Tick { which },
        8 => Move::Receipt { which, value },
        _ => Move::Event { which, value },
    }
}

impl World {
    /// A value of a schema, and its canonical bytes, from the bytes of a move.
    pub fn event(&self, schema: usize, bytes: &[u8]) -> Val {
        let ty = Ty::Ref(schema);
        let value = self.types.value(&ty, &mut Dice::new(bytes));
        self.types.fit(&ty, &value).unwrap_or(Val::Null)
    }
}
