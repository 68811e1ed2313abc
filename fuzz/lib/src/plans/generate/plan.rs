//! Makes the plan of a world step by step: a DAG, and what is known after each of its steps.

mod steps;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{GUARD_BYTES, Head, LOCALS, OUTPUT, START};
use crate::plans::dice::Dice;
use crate::plans::expressions::Builder;
use crate::plans::forms::DeclaredNames;
use crate::plans::types::{Ty, Types};

/// What is known of a step that was made.
struct Made {
    id: String,
    /// The steps that lead to it, itself among them.
    before: BTreeSet<usize>,
    /// The references that have a value once it is complete.
    gives: Vec<(String, Ty)>,
}

pub struct Maker<'w> {
    pub builder: Builder<'w>,
    types: &'w Types,
    correlated: bool,
    output: bool,
    last: usize,
    made: Vec<Made>,
    /// Handle and effect of each emit.
    handles: Vec<(usize, String, usize)>,
    pub names: DeclaredNames,
    pub var_types: BTreeMap<String, Ty>,
    pub step_types: BTreeMap<String, Ty>,
    steps: Vec<Json>,
    edges: Vec<Json>,
    invariants: Vec<Json>,
}

impl<'w> Maker<'w> {
    pub fn new(types: &'w Types, shape: &Head) -> Maker<'w> {
        let mut names = DeclaredNames::default();
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

    pub fn step(&mut self, index: usize, dice: &mut Dice<'_>, guards: &mut Dice<'_>) {
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
    pub fn invariants(&mut self, count: usize, dice: &mut Dice<'_>) {
        self.look_back(&(0..self.made.len()).collect());
        for _ in 0..count {
            let mut dice = dice.part(GUARD_BYTES);
            let invariant = self.builder.expr(&mut dice, &Ty::Bool, 2);
            self.invariants.push(invariant);
        }
    }

    pub fn document(&self) -> Json {
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
