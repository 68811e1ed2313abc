//! What of a run conditions are evaluated at, and the variables that there are then.
//!
//! Which kind of moment a condition is about is seen from the variables that it reads.

use crate::condition::Condition;
use crate::shape::Shape;
use sim_air::{Air, ReducerId, Type};
use sim_kernel::local_name;

/// A kind of moment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Moment {
    /// A receipt arrives.
    Receipt,
    /// An event is given out.
    Sent,
    /// An effect is asked for.
    Effect,
    /// A reducer has taken a step.
    Step,
    /// A turn is over.
    Turn,
}

const OF_STEPS: [&str; 7] = [
    "event", "before", "state", "key", "emitted", "effects", "changed",
];
/// At every moment.
const ALWAYS: [&str; 5] = ["now", "who", "cells", "world", "each"];

impl Moment {
    /// That of the conditions together; `Err` names two that do not go together.
    pub fn of<'c>(
        conditions: impl IntoIterator<Item = &'c Condition>,
    ) -> Result<Moment, (String, String)> {
        let mut found: Option<(Moment, &str)> = None;
        for variable in conditions.into_iter().flat_map(|it| &it.reads) {
            let Some(moment) = Moment::of_variable(variable) else {
                continue;
            };
            match found {
                Some((other, with)) if other != moment => {
                    return Err((with.to_owned(), variable.clone()));
                }
                _ => found = Some((moment, variable)),
            }
        }
        Ok(found.map_or(Moment::Turn, |(moment, _)| moment))
    }

    fn of_variable(name: &str) -> Option<Moment> {
        match name {
            "receipt" => Some(Moment::Receipt),
            "sent" => Some(Moment::Sent),
            "effect" => Some(Moment::Effect),
            name if OF_STEPS.contains(&name) => Some(Moment::Step),
            _ => None,
        }
    }
}

/// Whether a name is one of the variables that there are anyway.
pub(crate) fn is_taken(name: &str) -> bool {
    Moment::of_variable(name).is_some() || ALWAYS.contains(&name)
}

/// Whether a condition is about a reducer.
pub(crate) fn is_about_reducer(condition: &Condition) -> bool {
    let mut names = OF_STEPS.iter().chain(&["cells"]);
    names.any(|name| condition.has(name))
}

/// The variables of conditions about a reducer, or about none, and what they may be.
pub(crate) fn variables(
    air: &Air,
    reducer: Option<ReducerId>,
    counters: &[String],
) -> Vec<(String, Shape)> {
    let schemas = &air.schemas;
    let of = reducer.map(|id| &air.reducers[id.index()]);
    let ty = |schema| Shape::Air(schemas.ty(schema).clone());
    let state = of.map_or(Shape::Any, |of| ty(of.state));
    let event = of.map_or(Shape::Any, |of| ty(of.event));
    let key = of.and_then(|of| of.key_schema).map_or(Shape::Any, ty);
    let kinds: Vec<String> = air
        .effects
        .iter()
        .map(|effect| effect.kind.clone())
        .collect();
    let params = || Shape::OneOf(air.effects.iter().map(|effect| ty(effect.params)).collect());
    let receipts = Shape::OneOf(
        air.effects
            .iter()
            .map(|effect| ty(effect.receipt))
            .collect(),
    );
    let names = schemas
        .ids()
        .map(|id| schemas.name(id).to_owned())
        .collect();
    let values: Vec<Shape> = schemas.ids().map(ty).filter(is_event).collect();
    let values = || Shape::OneOf(values.clone());
    let names: Vec<String> = names;
    let plans = air.plans.iter().map(|plan| plan.name.clone());
    let reducers = air.reducers.iter().map(|reducer| reducer.name.clone());
    let askers: Vec<String> = plans.chain(reducers).collect();
    let inputs = air.plans.iter().map(|plan| ty(plan.input)).collect();
    let fields = |fields: Vec<(&str, Shape)>| {
        let named = fields
            .into_iter()
            .map(|(name, shape)| (name.to_owned(), shape));
        Shape::Fields(named.collect())
    };
    let sent = fields(vec![
        ("schema", Shape::Tag(names.clone())),
        ("value", values()),
    ]);
    let cells = |key: Shape, state: Shape| {
        Shape::List(Box::new(fields(vec![("key", key), ("state", state)])))
    };
    let world = air.reducers.iter().map(|reducer| {
        let key = reducer.key_schema.map_or(Shape::Any, ty);
        (reducer.name.clone(), cells(key, ty(reducer.state)))
    });
    let each = counters
        .iter()
        .map(|name| (name.clone(), Shape::Each(Box::new(Shape::Any))));
    let all = vec![
        ("event", event),
        ("before", state.clone()),
        ("state", state.clone()),
        ("key", key.clone()),
        ("emitted", Shape::List(Box::new(sent))),
        (
            "effects",
            Shape::List(Box::new(fields(vec![
                ("kind", Shape::Tag(kinds.clone())),
                ("params", params()),
                ("allowed", Shape::Bool),
            ]))),
        ),
        ("changed", Shape::Bool),
        (
            "effect",
            fields(vec![
                ("kind", Shape::Tag(kinds.clone())),
                ("params", params()),
                ("input", Shape::OneOf(inputs)),
                ("by", Shape::Tag(askers.clone())),
                ("allowed", Shape::Bool),
            ]),
        ),
        (
            "sent",
            fields(vec![
                ("schema", Shape::Tag(names)),
                ("value", values()),
                ("by", Shape::Tag(askers)),
            ]),
        ),
        (
            "receipt",
            fields(vec![
                ("kind", Shape::Tag(kinds)),
                ("params", params()),
                (
                    "input",
                    Shape::OneOf(air.plans.iter().map(|plan| ty(plan.input)).collect()),
                ),
                (
                    "status",
                    Shape::Tag(["ok", "error", "timeout"].map(str::to_owned).to_vec()),
                ),
                ("value", receipts),
            ]),
        ),
        ("now", Shape::Number),
        ("who", Shape::Text),
        ("cells", cells(key, state)),
        ("world", Shape::Fields(world.collect())),
        ("each", Shape::Fields(each.collect())),
    ];
    let all = all
        .into_iter()
        .map(|(name, shape)| (name.to_owned(), shape));
    let counters = counters.iter().map(|name| (name.clone(), Shape::Any));
    all.chain(counters).collect()
}

/// What is given out as an event has fields or arms.
fn is_event(shape: &Shape) -> bool {
    matches!(
        shape,
        Shape::Air(Type::Record(_) | Type::Variant(_) | Type::Ref(_))
    )
}

/// The reducer that is meant: the one of that name, the only one, or none.
///
/// # Errors
/// If there is none of that name.
pub(crate) fn reducer(air: &Air, name: Option<&str>) -> Result<Option<ReducerId>, ()> {
    let mut ids = air.reducer_ids();
    match name {
        None if air.reducers.len() == 1 => Ok(ids.next()),
        None => Ok(None),
        Some(name) => ids
            .find(|id| {
                let known = &air.reducers[id.index()].name;
                known == name || local_name(known) == name
            })
            .map(Some)
            .ok_or(()),
    }
}
