//! Plans: names, effects, static types, and what the steps promise each other.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use super::capabilities::{Capabilities, schema};
use super::graph;
use super::index::World;
use super::routing::{Correlation, Starts};
use crate::air::ids::{EffectId, GrantId, PlanId};
use crate::air::plans::{Edge, Op, Plan, Step};
use crate::documents::{self, Body, Document, Operation, Origin};
use crate::expr::infer::Types;
use crate::expr::known::constant_bool;
use crate::expr::operator_types::may_be_text_or_bytes;
use crate::expr::parse::{self, Names};
use crate::expr::{Expr, ExprOrValue, Reference, Root};
use crate::json::Later;
use crate::problems::list::Problems;
use crate::problems::problem::{At, Place, Problem};
use crate::text::quote::quote;
use crate::types::Type;
use crate::types::schemas::{SchemaId, Schemas};

/// The variable that a trigger with `correlate_by` sets.
const CORRELATION: &str = "correlation_id";

pub fn check(
    world: &World,
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
            Checker::new(raw, schemas, capabilities, correlation, sound, problems).run(document),
        );
    }
    plans
}

/// What an expression that is a bool decides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Guard,
    Where,
    Invariant,
}

impl Condition {
    /// What it means that it is always the same.
    fn constant(self, always: bool) -> &'static str {
        match (self, always) {
            (Condition::Guard, true) => "the guard is always true: the edge needs none",
            (Condition::Guard, false) => "the guard is always false: nothing passes this edge",
            (Condition::Where, true) => "`where` is always true: the first event ends the wait",
            (Condition::Where, false) => "`where` is always false: nothing ends the wait",
            (Condition::Invariant, true) => "the invariant is always true: it says nothing",
            (Condition::Invariant, false) => {
                "the invariant is always false: every instance ends with an error"
            }
        }
    }
}

struct Checker<'c, 'a> {
    raw: &'c documents::Plan<'a>,
    capabilities: &'c Capabilities,
    sound: bool,
    /// What the trigger's `correlate_by` says.
    correlation: Option<&'c Correlation>,
    vars: BTreeSet<String>,
    /// The steps that give a value, as `@step:` may name them.
    valued: BTreeSet<String>,
    /// Handle to effect kind.
    handles: BTreeMap<String, &'c At<String>>,
    types: Types<'c>,
    /// The types that the steps which bind a variable give it, of those that were read so far.
    given: BTreeMap<String, Vec<Option<Type>>>,
    locals: BTreeMap<String, SchemaId>,
    /// Warnings of expressions, each given once.
    noted: BTreeSet<(Place, String)>,
    problems: &'c mut Problems,
}

impl<'c, 'a> Checker<'c, 'a> {
    fn new(
        raw: &'c documents::Plan<'a>,
        schemas: &'c Schemas,
        capabilities: &'c Capabilities,
        correlation: Option<&'c Correlation>,
        sound: bool,
        problems: &'c mut Problems,
    ) -> Checker<'c, 'a> {
        let (vars, steps) = (BTreeMap::new(), BTreeMap::new());
        let types = Types {
            schemas,
            input: None,
            vars,
            steps,
            event: None,
            notes: RefCell::default(),
            is_conditional: Cell::default(),
        };
        let mut checker = Checker {
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
        let input = schema(&self.raw.input, self.types.schemas, self.problems);
        let output_name = self.raw.output.as_ref();
        let output = output_name.map(|name| schema(name, self.types.schemas, self.problems));
        self.types.input = input.map(Type::Ref);
        self.declare();
        let ids = graph::number(self.raw, self.problems);
        let graph = graph::check(self.raw, &ids, self.problems);
        let unique = ids.len() == self.raw.steps.len();
        self.check_lists();
        let by_id: BTreeMap<&str, &documents::Step> = self
            .raw
            .steps
            .iter()
            .map(|step| (step.id.it.as_str(), step))
            .collect();
        let by_number: Vec<&documents::Step> = by_id.into_values().collect();
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
        let steps = operations.into_iter().map(|(number, op)| Step {
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
            if let Some(id) = schema(schema_name, self.types.schemas, self.problems) {
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
                Operation::RaiseEvent { .. } | Operation::End { .. } => continue,
                Operation::EmitEffect { handle, kind, .. } => {
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
                Operation::AwaitReceipt { var, .. }
                | Operation::AwaitEvent { var, .. }
                | Operation::Assign { var, .. } => {
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
            if let Operation::EmitEffect { kind, cap, .. } = &step.operation {
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

    fn operation(&mut self, step: &documents::Step, output: Option<SchemaId>) -> Option<Op> {
        let schemas = self.types.schemas;
        match &step.operation {
            Operation::RaiseEvent { event, value } => {
                let event = schema(event, schemas, self.problems);
                let value = self.typed_value(*value, event);
                Some(Op::RaiseEvent {
                    event: event?,
                    value: value?,
                })
            }
            Operation::EmitEffect { .. } => self.emit(&step.operation),
            Operation::AwaitReceipt { receipt_for, var } => {
                let expr = self.expr(*receipt_for, false)?;
                let handle = self.handle_of(&expr, receipt_for.place())?;
                let kind = self.handles.get(&handle)?;
                let effects = self.capabilities.effects.iter();
                let receipt = { effects }
                    .find(|it| it.kind == kind.it)
                    .map(|it| it.receipt);
                self.bind(step, var, receipt.map(Type::Ref));
                Some(Op::AwaitReceipt {
                    receipt_for: expr,
                    handle,
                    var: var.it.clone(),
                })
            }
            Operation::AwaitEvent {
                place,
                event,
                condition,
                var,
            } => {
                let event = schema(event, schemas, self.problems);
                self.types.event = event.map(Type::Ref);
                let read = condition.map(|it| self.condition(it, Condition::Where));
                self.types.event = None;
                let place = condition.map_or(*place, |condition| condition.place());
                // Of what could not be read nothing more is said.
                match &read {
                    Some(None) => {}
                    read => self.correlates(read.as_ref().and_then(Option::as_ref), place),
                }
                self.bind(step, var, event.map(Type::Ref));
                let condition = match read {
                    Some(condition) => Some(condition?),
                    None => None,
                };
                Some(Op::AwaitEvent {
                    event: event?,
                    condition,
                    var: var.it.clone(),
                })
            }
            Operation::Assign { expr: later, var } => {
                let local = self.locals.get(&var.it).copied();
                let value = self.typed_value(*later, local)?;
                let inferred = match &value {
                    ExprOrValue::Expr(expr) if self.sound => {
                        let inferred = self
                            .types
                            .infer(expr)
                            .map(|ty| ty.map(|ty| ty.into_owned()));
                        self.keep(inferred, later.place()).flatten()
                    }
                    _ => None,
                };
                self.bind(step, var, local.map(Type::Ref).or(inferred));
                Some(Op::Assign {
                    expr: value,
                    var: var.it.clone(),
                })
            }
            Operation::End { place, result } => self.end(*place, *result, output),
        }
    }

    fn emit(&mut self, operation: &Operation) -> Option<Op> {
        let Operation::EmitEffect {
            kind,
            params,
            cap,
            idempotency_key,
            handle,
        } = operation
        else {
            return None;
        };
        let effect: Option<EffectId> = self.capabilities.effect(kind, self.problems);
        let grant: Option<GrantId> = self.capabilities.grant(cap, self.problems);
        let known = effect.map(|id| &self.capabilities.effects[id.index()]);
        if known.is_some_and(|effect| effect.origin == Origin::Reducer) {
            let message = format!("{} is an effect of reducers only", quote(&kind.it));
            self.problems.push(Problem::new(kind.place, message));
        }
        if let (Some(effect), Some(grant)) = (known, grant) {
            let found = &self.capabilities.grants[grant.index()].cap_type;
            if *found != effect.cap_type {
                let message = format!("{} grants {}", quote(&cap.it), quote(found));
                let expected = format!("a grant of {}", quote(&effect.cap_type));
                self.problems
                    .push(Problem::new(cap.place, message).expected(expected));
            }
        }
        let schema = known.map(|effect| effect.params);
        let params = self.typed_value(*params, schema);
        let key = idempotency_key.map(|key| self.key(key));
        Some(Op::EmitEffect {
            effect: effect?,
            params: params?,
            grant: grant?,
            idempotency_key: match key {
                Some(key) => Some(key?),
                None => None,
            },
            handle: handle.it.clone(),
        })
    }

    fn end(&mut self, place: Place, result: Option<Later>, output: Option<SchemaId>) -> Option<Op> {
        let wanted = self.raw.output.is_some();
        match result {
            None if wanted => {
                let message = "the plan has an `output`, so that `end` needs a `result`";
                self.problems.push(Problem::new(place, message));
                None
            }
            Some(result) if !wanted => {
                let message = "`end` has a `result`, but the plan has no `output`";
                self.problems.push(Problem::new(result.place(), message));
                None
            }
            Some(result) => Some(Op::End {
                result: Some(self.typed_value(result, output)?),
            }),
            None => Some(Op::End { result: None }),
        }
    }

    /// The handle that the `for` of an `await_receipt` names: its variable, or its step.
    fn handle_of(&mut self, expr: &Expr, place: Place) -> Option<String> {
        let handle = match expr {
            Expr::Reference(reference) if reference.path.is_empty() => match &reference.root {
                Root::Var(name) => self
                    .handles
                    .get_key_value(name)
                    .map(|(name, _)| name.clone()),
                Root::Step(id) => self
                    .raw
                    .steps
                    .iter()
                    .find_map(|step| match &step.operation {
                        Operation::EmitEffect { handle, .. } if step.id.it == *id => {
                            Some(handle.it.clone())
                        }
                        _ => None,
                    }),
                _ => None,
            },
            _ => None,
        };
        if handle.is_none() {
            let message = "`for` does not name the handle of an effect of this plan";
            let expected = "{\"ref\":\"@var:…\"}, with the `effect_id_as` of an `emit_effect`";
            self.problems
                .push(Problem::new(place, message).expected(expected));
        }
        handle
    }

    /// Notes what a step gives, as its variable and as the step. A variable that several steps set
    /// has a type once all of them gave it the same.
    fn bind(&mut self, step: &documents::Step, var: &At<String>, ty: Option<Type>) {
        let Some(ty) = ty else {
            if !self.locals.contains_key(&var.it) {
                self.types.vars.remove(&var.it);
                self.given.entry(var.it.clone()).or_default().push(None);
            }
            return;
        };
        if let Some(local) = self.locals.get(&var.it)
            && self.sound
            && !self.types.schemas.same(&ty, &Type::Ref(*local))
        {
            let schemas = self.types.schemas;
            let message = format!("{} gets {}", quote(&var.it), schemas.describe(&ty));
            let expected = format!("{}, as in `locals`", schemas.name(*local));
            self.problems
                .push(Problem::new(var.place, message).expected(expected));
        }
        self.types.steps.insert(step.id.it.clone(), ty.clone());
        let binds = |other: &documents::Step| match &other.operation {
            Operation::AwaitReceipt { var: other, .. }
            | Operation::AwaitEvent { var: other, .. }
            | Operation::Assign { var: other, .. } => other.it == var.it,
            _ => false,
        };
        let binders = self.raw.steps.iter().filter(|step| binds(step)).count();
        let given = self.given.entry(var.it.clone()).or_default();
        given.push(Some(ty));
        let all: Option<Vec<&Type>> = given.iter().map(Option::as_ref).collect();
        let all = all.filter(|all| all.len() == binders);
        if let Some((first, rest)) = all.as_deref().and_then(<[_]>::split_first)
            && rest.iter().all(|ty| self.types.schemas.same(first, ty))
        {
            let ty = (*first).clone();
            self.types.vars.entry(var.it.clone()).or_insert(ty);
        }
    }

    /// In a plan with a correlation, an awaited event must be one of the same correlation. AgentOS
    /// also takes a `where` on the event's own key; with nothing of the instance in it, each
    /// instance awaits the same.
    fn correlates(&mut self, condition: Option<&Expr>, place: Place) {
        let Some(correlation) = self.correlation else {
            return;
        };
        let references = condition.map_or_else(Vec::new, Expr::references);
        let is_var = |root: &Root| matches!(root, Root::Var(name) if name == CORRELATION);
        if references.iter().any(|it| is_var(&it.root)) {
            return;
        }
        let key = correlation.path.iter().filter(|step| *step != "$value");
        let key: Vec<&String> = key.collect();
        let is_key = |reference: &&Reference| {
            let path = reference.path.iter().filter(|step| *step != "$value");
            reference.root == Root::Event && path.eq(key.iter().copied())
        };
        if !references.iter().any(is_key) {
            let message = "the plan is started with `correlate_by`, so that each `await_event` \
                           needs a `where` on `@var:correlation_id`";
            self.problems.push(Problem::new(place, message));
        } else if references.iter().all(|it| it.root == Root::Event) {
            let message = "`where` has nothing of the instance in it: each instance awaits the \
                           same event";
            let problem = Problem::warning(place, message);
            let hint = "compare with `@var:correlation_id`, which `correlate_by` sets";
            self.problems.push(problem.hint(hint));
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

    /// An expression that must be a bool, and should not always be the same.
    fn condition(&mut self, later: Later, what: Condition) -> Option<Expr> {
        let expr = self.expr(later, what == Condition::Where)?;
        if self.sound {
            let checked = self.types.check(&expr, &Type::Bool);
            self.keep(checked, later.place())?;
        }
        if let Some(always) = constant_bool(&expr) {
            let message = what.constant(always).to_owned();
            self.problems.push(Problem::warning(later.place(), message));
        }
        Some(expr)
    }

    /// An idempotency key: bytes or text.
    fn key(&mut self, later: Later) -> Option<Expr> {
        let expr = self.expr(later, false)?;
        if self.sound {
            let checked = may_be_text_or_bytes(&self.types, &expr);
            let checked = checked.map_err(|why| format!("the idempotency key is {why}"));
            self.keep(checked, later.place())?;
        }
        Some(expr)
    }

    fn expr(&mut self, later: Later, event: bool) -> Option<Expr> {
        let hints = self.problems.wants_hints();
        let names = Names {
            vars: &self.vars,
            steps: &self.valued,
            event,
            hints,
        };
        self.problems.keep(parse::expr(later, names))
    }

    /// An expression or value of a schema; of none, an expression.
    fn typed_value(&mut self, later: Later, schema: Option<SchemaId>) -> Option<ExprOrValue> {
        let hints = self.problems.wants_hints();
        let names = Names {
            vars: &self.vars,
            steps: &self.valued,
            event: false,
            hints,
        };
        let schema = schema.filter(|_| self.sound);
        let read = parse::expr_or_value(later, schema, self.types.schemas, names);
        if !self.sound {
            return read.ok();
        }
        let value = self.problems.keep(read)?;
        if let Some(id) = schema {
            let checked = self.types.check_either(&value, &Type::Ref(id));
            self.keep(checked, later.place())?;
        }
        Some(value)
    }

    /// What was found out of the types of an expression, and what is to be warned of in it.
    fn keep<T>(&mut self, result: Result<T, String>, place: Place) -> Option<T> {
        for note in self.types.notes.take() {
            if self.noted.insert((place, note.clone())) {
                self.problems.push(Problem::warning(place, note));
            }
        }
        self.problems
            .keep(result.map_err(|message| Problem::new(place, message)))
    }
}
