//! Generates a world with one plan, and what happens to it.
//!
//! The schemas have roles: what starts the plan, two other events, parameters and receipts of two
//! effects, the output, two variables. The plan is any DAG of steps over them, whose ids are in
//! another order than its edges. Parts have bytes of their own, see `dice`: first the choices that
//! shape the whole, then the schemas, what happens, and at last the steps.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::dice::Dice;
use super::evaluate::Names;
use super::expressions::{self, Builder};
use super::value::{Ty, Types, Val};

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
    pub names: Names,
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
                let a = expressions::ty(&mut dice, DEEPEST_TYPE, 0);
                let bb = expressions::ty(&mut dice, 1, 0);
                Ty::Record(vec![("id", id.clone()), ("a", a), ("bb", bb)])
            }
            1 => {
                let a = expressions::ty(&mut dice, DEEPEST_TYPE, index);
                Ty::Record(vec![("id", id.clone()), ("a", a)])
            }
            _ => expressions::ty(&mut dice, DEEPEST_TYPE, index),
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

fn documents(types: &Types, plan: &Json, correlate_by: Option<&str>) -> Json {
    let mut documents = Vec::new();
    let mut names = Vec::new();
    for (index, ty) in types.0.iter().enumerate() {
        let name = Types::name(index);
        names.push(json!({"name": name}));
        let ty = Types::document(ty);
        documents.push(json!({"$kind": "defschema", "name": name, "type": ty}));
    }
    for (kind, params, receipt) in EFFECTS {
        documents.push(json!({
            "$kind": "defeffect", "name": format!("t/{kind}@1"), "kind": kind,
            "params_schema": Types::name(params), "receipt_schema": Types::name(receipt),
            "cap_type": "talk", "origin_scope": "plan",
        }));
    }
    let no_fields = json!({"record": {}});
    let cap =
        json!({"$kind": "defcap", "name": "t/talk@1", "cap_type": "talk", "schema": no_fields});
    let policy = json!({"$kind": "defpolicy", "name": "t/policy@1", "rules": [
        {"when": {"cap_name": SHUT}, "decision": "deny"},
        {"when": {"origin_kind": "plan"}, "decision": "allow"}]});
    let grant = |name: &str| json!({"name": name, "cap": "t/talk@1", "params": {}});
    let mut late = grant(LATE);
    late["expiry_ns"] = json!(EXPIRY_NS);
    let mut trigger = json!({"event": Types::name(START), "plan": "t/Plan@1"});
    if let Some(field) = correlate_by {
        trigger["correlate_by"] = json!(field);
    }
    let effects: Vec<Json> = { EFFECTS.iter() }
        .map(|effect| json!({"name": format!("t/{}@1", effect.0)}))
        .collect();
    let manifest = json!({
        "$kind": "manifest", "air_version": "1", "schemas": names, "modules": [],
        "plans": [{"name": "t/Plan@1"}], "effects": effects, "caps": [{"name": "t/talk@1"}],
        "policies": [{"name": "t/policy@1"}],
        "defaults": {"policy": "t/policy@1", "cap_grants": [grant(OPEN), grant(SHUT), late]},
        "triggers": [trigger],
    });
    documents.extend([cap, policy, plan.clone(), manifest]);
    Json::Array(documents)
}

/// What is known of a step that was made.
struct Made {
    id: String,
    /// The steps that lead to it, itself among them.
    before: BTreeSet<usize>,
    /// The references that have a value once it is complete.
    gives: Vec<(String, Ty)>,
}

struct Maker<'w> {
    builder: Builder<'w>,
    types: &'w Types,
    correlated: bool,
    output: bool,
    last: usize,
    made: Vec<Made>,
    /// Handle and effect of each emit.
    handles: Vec<(usize, String, usize)>,
    names: Names,
    var_types: BTreeMap<String, Ty>,
    step_types: BTreeMap<String, Ty>,
    steps: Vec<Json>,
    edges: Vec<Json>,
    invariants: Vec<Json>,
}

impl<'w> Maker<'w> {
    fn new(types: &'w Types, shape: &Head) -> Maker<'w> {
        let mut names = Names::default();
        let mut var_types = BTreeMap::new();
        for (local, schema) in LOCALS {
            names.vars.insert(local.to_owned());
            var_types.insert(local.to_owned(), Ty::Ref(schema));
        }
        if shape.correlate {
            names.vars.insert("correlation_id".to_owned());
            var_types.insert("correlation_id".to_owned(), types.of_id());
        }
        Maker {
            builder: Builder {
                types,
                known: Vec::new(),
                unsure: Vec::new(),
                wild: shape.wild,
                odd: false,
            },
            types,
            correlated: shape.correlate,
            output: shape.output,
            last: shape.steps - 1,
            made: Vec::new(),
            handles: Vec::new(),
            names,
            var_types,
            step_types: BTreeMap::new(),
            steps: Vec::new(),
            edges: Vec::new(),
            invariants: Vec::new(),
        }
    }

    /// Makes known what has a value after these steps, and nothing else.
    fn look_back(&mut self, before: &BTreeSet<usize>) {
        self.builder.known.clear();
        self.builder.unsure.clear();
        self.builder.know("@plan.input", &Ty::Ref(START));
        if self.correlated {
            let ty = self.types.of_id();
            self.builder.know("@var:correlation_id", &ty);
        }
        for (index, made) in self.made.iter().enumerate() {
            for (text, ty) in &made.gives {
                match before.contains(&index) {
                    true => self.builder.know(text, ty),
                    false => self.builder.unsure.push(text.clone()),
                }
            }
        }
    }

    fn step(&mut self, index: usize, dice: &mut Dice<'_>, guards: &mut Dice<'_>) {
        let id = format!("s{}{index}{}", dice.of(8), ["", ".a"][dice.of(8) / 7]);
        let from = self.predecessors(index, dice);
        let mut before = BTreeSet::new();
        for step in &from {
            before.extend(&self.made[*step].before);
        }
        for step in from {
            self.edge(step, &id, guards);
        }
        self.look_back(&before);
        let mut step = self.operation(index, dice, &before);
        let gives = self.gives(&step, &id);
        step["id"] = json!(id);
        self.steps.push(step);
        before.insert(index);
        self.made.push(Made { id, before, gives });
    }

    /// Mostly the step before; some others; now and then none.
    fn predecessors(&self, index: usize, dice: &mut Dice<'_>) -> Vec<usize> {
        let (mask, chained) = (dice.byte() & dice.byte(), dice.of(8) < 6);
        let is_one = |other: &usize| mask >> other & 1 == 1 || chained && other + 1 == index;
        (0..index).filter(is_one).collect()
    }

    fn edge(&mut self, from: usize, to: &str, dice: &mut Dice<'_>) {
        let mut edge = json!({"from": self.made[from].id, "to": to});
        if dice.of(3) == 1 {
            let before = self.made[from].before.clone();
            self.look_back(&before);
            edge["when"] = self.builder.expr(dice, &Ty::Bool, 2);
        }
        self.edges.push(edge);
    }

    fn operation(&mut self, index: usize, dice: &mut Dice<'_>, before: &BTreeSet<usize>) -> Json {
        let free = format!("x{index}");
        match dice.of(16) {
            0..=3 if index == self.last => self.end(dice),
            0..=3 => {
                let ty = expressions::ty(dice, 1, SCHEMAS);
                let expr = self.builder.expr(dice, &ty, DEEPEST_EXPRESSION);
                self.var_types.insert(free.clone(), ty);
                json!({"op": "assign", "expr": expr, "bind": {"as": free}})
            }
            4 | 5 => {
                let (name, schema) = LOCALS[dice.of(LOCALS.len())];
                let expr = self.typed(dice, schema);
                json!({"op": "assign", "expr": expr, "bind": {"as": name}})
            }
            6 | 7 => self.emit(index, dice),
            8..=10 => self.await_receipt(free, index, dice, before),
            11 | 12 => self.await_event(free, dice),
            13 | 14 => {
                let schema = EVENTS[dice.of(EVENTS.len())];
                let value = self.typed(dice, schema);
                json!({"op": "raise_event", "event": Types::name(schema), "value": value})
            }
            _ => self.end(dice),
        }
    }

    /// An expression or a plain value of a schema.
    fn typed(&mut self, dice: &mut Dice<'_>, schema: usize) -> Json {
        match dice.of(4) {
            3 => {
                let value = self.types.value(&Ty::Ref(schema), dice);
                self.types.plain(&Ty::Ref(schema), &value, dice)
            }
            _ => self
                .builder
                .expr(dice, &Ty::Ref(schema), DEEPEST_EXPRESSION),
        }
    }

    fn end(&mut self, dice: &mut Dice<'_>) -> Json {
        let mut step = json!({"op": "end"});
        if self.output {
            step["result"] = self.typed(dice, OUTPUT);
        }
        step
    }

    fn emit(&mut self, index: usize, dice: &mut Dice<'_>) -> Json {
        let effect = dice.of(EFFECTS.len());
        let (kind, params, _) = EFFECTS[effect];
        let grant = [OPEN, OPEN, OPEN, OPEN, OPEN, OPEN, LATE, SHUT][dice.of(8)];
        let handle = format!("h{index}");
        let key = dice.of(4);
        let mut step = json!({"op": "emit_effect", "kind": kind, "cap": grant,
            "params": self.typed(dice, params), "bind": {"effect_id_as": handle}});
        if let 2 | 3 = key {
            let ty = [Ty::Text, Ty::Bytes][key - 2].clone();
            step["idempotency_key"] = self.builder.expr(dice, &ty, 1);
        }
        self.var_types.insert(handle.clone(), Ty::Hash);
        self.handles.push((index, handle, effect));
        step
    }

    /// Of an effect that was mostly sent before; without one, an effect.
    fn await_receipt(
        &mut self,
        var: String,
        index: usize,
        dice: &mut Dice<'_>,
        before: &BTreeSet<usize>,
    ) -> Json {
        let wild = self.builder.wild;
        let is_sent = |handle: &&(usize, String, usize)| wild || before.contains(&handle.0);
        let sent: Vec<_> = self.handles.iter().filter(is_sent).cloned().collect();
        let Some((step, handle, effect)) = dice.pick(&sent) else {
            return self.emit(index, dice);
        };
        let text = match dice.of(3) {
            2 => format!("@step:{}", self.made[*step].id),
            _ => format!("@var:{handle}"),
        };
        self.var_types
            .insert(var.clone(), Ty::Ref(EFFECTS[*effect].2));
        json!({"op": "await_receipt", "for": {"ref": text}, "bind": {"as": var}})
    }

    fn await_event(&mut self, var: String, dice: &mut Dice<'_>) -> Json {
        let schema = EVENTS[dice.of(EVENTS.len())];
        let mut step = json!({"op": "await_event", "event": Types::name(schema),
            "bind": {"as": var}});
        let conditional = dice.of(2) == 1;
        self.builder.know("@event", &Ty::Ref(schema));
        let key = json!({"ref": "@var:correlation_id"});
        let correlated = match schema {
            2 => json!({"op": "ne", "args": [key, {"null": {}}]}),
            _ => json!({"op": "eq", "args": [{"ref": "@event.id"}, key]}),
        };
        let condition = conditional.then(|| self.builder.expr(dice, &Ty::Bool, 2));
        match (self.correlated, condition) {
            (true, Some(condition)) => {
                step["where"] = json!({"op": "and", "args": [correlated, condition]});
            }
            (true, None) => step["where"] = correlated,
            (false, Some(condition)) => step["where"] = condition,
            (false, None) => {}
        }
        self.var_types.insert(var, Ty::Ref(schema));
        step
    }

    /// The references that a step gives a value, which are declared with it.
    fn gives(&mut self, step: &Json, id: &str) -> Vec<(String, Ty)> {
        let bind = step["bind"]["as"].as_str();
        let Some(var) = bind.or(step["bind"]["effect_id_as"].as_str()) else {
            return Vec::new();
        };
        let ty = self.var_types.get(var).cloned().unwrap_or(Ty::Unit);
        self.names.vars.insert(var.to_owned());
        self.names.steps.insert(id.to_owned());
        self.step_types.insert(id.to_owned(), ty.clone());
        vec![
            (format!("@var:{var}"), ty.clone()),
            (format!("@step:{id}"), ty),
        ]
    }

    /// Over everything: an invariant over what is not there yet says nothing.
    fn invariants(&mut self, count: usize, dice: &mut Dice<'_>) {
        self.look_back(&(0..self.made.len()).collect());
        for _ in 0..count {
            let mut dice = dice.part(GUARD_BYTES);
            let invariant = self.builder.expr(&mut dice, &Ty::Bool, 2);
            self.invariants.push(invariant);
        }
    }

    fn document(&self) -> Json {
        let locals: Json = { LOCALS.iter() }
            .map(|(name, schema)| ((*name).to_owned(), json!(Types::name(*schema))))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let mut plan = json!({"$kind": "defplan", "name": "t/Plan@1", "input": Types::name(START),
            "locals": locals, "steps": self.steps, "edges": self.edges,
            "invariants": self.invariants});
        if self.output {
            plan["output"] = json!(Types::name(OUTPUT));
        }
        plan
    }
}

impl Types {
    /// The type of the id of what starts the plan: its first field.
    fn of_id(&self) -> Ty {
        match &self.0[START] {
            Ty::Record(fields) => fields[0].1.clone(),
            _ => Ty::Unit,
        }
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
