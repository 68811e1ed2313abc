//! Plans: names, effects, static types, and what the steps promise each other.

mod expressions;
mod graph;
mod steps;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use self::expressions::Condition;
use super::capabilities::Capabilities;
use super::index::WorldDocuments;
use super::routing::{Correlation, Starts};
use super::schemas::find_schema;
use crate::air::ids::PlanId;
use crate::air::plans::{Edge, Plan, PlanStep};
use crate::documents::{Body, Document, RawOperation, RawPlan, RawStep};
use crate::expr::Expr;
use crate::expr::infer::TypeScope;
use crate::problems::list::Problems;
use crate::problems::problem::{At, Problem, SourcePlace};
use crate::text::quote::quote;
use crate::types::Type;
use crate::types::schemas::{SchemaId, Schemas};

/// The variable that a trigger with `correlate_by` sets.
const CORRELATION: &str = "correlation_id";

pub fn check(
    world: &WorldDocuments,
    schemas: &Schemas,
    capabilities: &Capabilities,
    starts: &Starts,
    sound: bool,
    problems: &mut Problems,
) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (index, document) in world.of_kind("defplan").iter().enumerate() {
        let Body::Plan(raw) = &document.body else {
            continue;
        };
        let correlation = starts.correlations.get(&PlanId::new(index));
        plans.extend(
            PlanChecker::new(raw, schemas, capabilities, correlation, sound, problems)
                .run(document),
        );
    }
    plans
}

struct PlanChecker<'c, 'a> {
    raw: &'c RawPlan<'a>,
    capabilities: &'c Capabilities,
    sound: bool,
    /// What the trigger's `correlate_by` says.
    correlation: Option<&'c Correlation>,
    vars: BTreeSet<String>,
    /// The steps that give a value, as `@step:` may name them.
    valued: BTreeSet<String>,
    /// Handle to effect kind.
    handles: BTreeMap<String, &'c At<String>>,
    types: TypeScope<'c>,
    /// The types that the steps which bind a variable give it, of those that were read so far.
    given: BTreeMap<String, Vec<Option<Type>>>,
    locals: BTreeMap<String, SchemaId>,
    /// Warnings of expressions, each given once.
    noted: BTreeSet<(SourcePlace, String)>,
    problems: &'c mut Problems,
}

impl<'c, 'a> PlanChecker<'c, 'a> {
    fn new(
        raw: &'c RawPlan<'a>,
        schemas: &'c Schemas,
        capabilities: &'c Capabilities,
        correlation: Option<&'c Correlation>,
        sound: bool,
        problems: &'c mut Problems,
    ) -> PlanChecker<'c, 'a> {
        let (vars, steps) = (BTreeMap::new(), BTreeMap::new());
        let types = TypeScope {
            schemas,
            input: None,
            vars,
            steps,
            event: None,
            notes: RefCell::default(),
            is_conditional: Cell::default(),
        };
        let mut checker = PlanChecker {
            raw,
            capabilities,
            sound,
            correlation,
            vars: BTreeSet::new(),
            valued: BTreeSet::new(),
            handles: BTreeMap::new(),
            types,
            given: BTreeMap::new(),
            locals: BTreeMap::new(),
            noted: BTreeSet::new(),
            problems,
        };
        if let Some(correlation) = correlation {
            checker.vars.insert(CORRELATION.to_owned());
            let ty = correlation.ty.clone();
            checker.types.vars.insert(CORRELATION.to_owned(), ty);
        }
        checker
    }

    fn run(mut self, document: &Document) -> Option<Plan> {
        let input = find_schema(&self.raw.input, self.types.schemas, self.problems);
        let output_name = self.raw.output.as_ref();
        let output = output_name.map(|name| find_schema(name, self.types.schemas, self.problems));
        self.types.input = input.map(Type::Ref);
        self.declare();
        let ids = graph::number(self.raw, self.problems);
        let graph = graph::check(self.raw, &ids, self.problems);
        let unique = ids.len() == self.raw.steps.len();
        self.check_lists();
        let by_id: BTreeMap<&str, &RawStep> = self
            .raw
            .steps
            .iter()
            .map(|step| (step.id.it.as_str(), step))
            .collect();
        let by_number: Vec<&RawStep> = by_id.into_values().collect();
        let order = match &graph {
            Some(graph) => graph.order.clone(),
            None => (0..by_number.len()).collect(),
        };
        let mut operations = BTreeMap::new();
        for number in order {
            let step = by_number[number];
            let operation = self.operation(step, output.flatten());
            operations.extend(operation.map(|operation| (number, operation)));
        }
        let invariants = self.invariants();
        let edges = self.edges(graph.as_ref());
        if !unique || graph.is_none() || operations.len() != by_number.len() {
            return None;
        }
        let steps = operations.into_iter().map(|(number, op)| PlanStep {
            id: by_number[number].id.it.clone(),
            op,
        });
        Some(Plan {
            name: document.name.it.clone(),
            input: input?,
            output: output.flatten(),
            steps: steps.collect(),
            locals: self.locals,
            edges,
            invariants,
        })
    }

    /// Every name of the plan, before any expression is read.
    fn declare(&mut self) {
        for (name, schema_name) in &self.raw.locals {
            self.vars.insert(name.it.clone());
            if let Some(id) = find_schema(schema_name, self.types.schemas, self.problems) {
                self.locals.insert(name.it.clone(), id);
                self.types.vars.insert(name.it.clone(), Type::Ref(id));
            }
            if self.correlation.is_some() && name.it == CORRELATION {
                let message = "`correlation_id` is set by the trigger's `correlate_by`";
                self.problems.push(Problem::new(name.place, message));
            }
        }
        for step in &self.raw.steps {
            let var = match &step.operation {
                RawOperation::RaiseEvent { .. } | RawOperation::End { .. } => continue,
                RawOperation::EmitEffect { handle, kind, .. } => {
                    if self.handles.insert(handle.it.clone(), kind).is_some() {
                        let message =
                            format!("a second effect with the handle {}", quote(&handle.it));
                        self.problems.push(Problem::new(handle.place, message));
                    } else if self.vars.contains(&handle.it) {
                        let message = format!("the handle {} is a variable too", quote(&handle.it));
                        self.problems.push(Problem::new(handle.place, message));
                    }
                    self.types.vars.insert(handle.it.clone(), Type::Hash);
                    self.types.steps.insert(step.id.it.clone(), Type::Hash);
                    handle
                }
                RawOperation::AwaitReceipt { var, .. }
                | RawOperation::AwaitEvent { var, .. }
                | RawOperation::Assign { var, .. } => {
                    let taken = self.handles.contains_key(&var.it)
                        || self.correlation.is_some() && var.it == CORRELATION;
                    if taken {
                        let message = format!("{} is set elsewhere already", quote(&var.it));
                        self.problems.push(Problem::new(var.place, message));
                    }
                    var
                }
            };
            self.vars.insert(var.it.clone());
            self.valued.insert(step.id.it.clone());
        }
    }

    /// `required_caps` and `allowed_effects` say exactly what the steps use.
    fn check_lists(&mut self) {
        let (mut caps, mut kinds) = (BTreeSet::new(), BTreeSet::new());
        for step in &self.raw.steps {
            if let RawOperation::EmitEffect { kind, cap, .. } = &step.operation {
                caps.insert(cap.it.as_str());
                kinds.insert(kind.it.as_str());
            }
        }
        let lists = [
            ("required_caps", &self.raw.required_caps, caps),
            ("allowed_effects", &self.raw.allowed_effects, kinds),
        ];
        for (name, list, used) in lists {
            let Some((place, listed)) = list else {
                continue;
            };
            for extra in listed.iter().filter(|it| !used.contains(it.it.as_str())) {
                let message = format!("no step uses {}, listed in `{name}`", quote(&extra.it));
                self.problems.push(Problem::new(extra.place, message));
            }
            let listed: BTreeSet<&str> = listed.iter().map(|it| it.it.as_str()).collect();
            for missing in used.difference(&listed) {
                let message = format!("`{name}` lacks {}, which a step uses", quote(missing));
                self.problems.push(Problem::new(*place, message));
            }
        }
    }

    fn invariants(&mut self) -> Vec<Expr> {
        let read = self
            .raw
            .invariants
            .iter()
            .map(|later| self.condition(*later, Condition::Invariant));
        read.collect::<Vec<_>>().into_iter().flatten().collect()
    }

    fn edges(&mut self, graph: Option<&graph::Graph>) -> Vec<Edge> {
        let mut edges = Vec::new();
        for (position, raw) in self.raw.edges.iter().enumerate() {
            let when = raw.when.map(|when| self.condition(when, Condition::Guard));
            let known = graph.and_then(|graph| graph.edges.iter().find(|it| it.2 == position));
            if let (Some((from, to, _)), None | Some(Some(_))) = (known, &when) {
                edges.push(Edge {
                    from: *from,
                    to: *to,
                    when: when.flatten(),
                });
            }
        }
        edges
    }
}
