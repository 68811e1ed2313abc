//! Which requests of a scene are exchanged: those that are alike but for their ids, where nothing
//! but a client says an id.
//!
//! Two states that differ by which request is which are then one, and only one of them is expanded.
//! That is sound where the world is the same seen by exchanged ids (Clarke, Enders, Filkorn and Jha
//! 1996; Ip and Dill's scalarsets, 1996): a move of the one state leads to the exchanged state of
//! where the exchanged move of the other leads, and properties say the same of both. Here it is
//! decided whether that may be so at all, from what can be read: the requests, the spurious events,
//! the documents and `sim.toml`. Whether it is so is found out while the search goes on, see
//! [`opaque`](super::worker).
//!
//! Only requests that have been started are exchanged: of the others the next one comes first, and
//! after an exchange that would be another.

use std::fmt;

use serde::{Deserialize, Serialize};
use sim_kernel::World;
use sim_model::Model;
use sim_record::scenario::{Decision, Request};
use sim_record::trace::{Choice, Item, Permutation, Symmetry, Unpacker};

/// Whether states were one that differ only by which request is which.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exchanged {
    /// No: it was not asked for, requests are not alike, or something says their ids.
    None,
    /// Yes, so many requests.
    Requests(usize),
    /// No: exchanging ids made a difference to this. Which request is started first was chosen,
    /// too.
    ToldApart(Difference),
}

/// What was another where ids were exchanged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// How many decisions there are.
    Moves,
    /// Whether a decision can be taken.
    Move,
    /// What a reducer makes of an event.
    Step,
    /// Whether a property is violated.
    Verdict,
    /// Which `sometimes` properties are seen.
    Seen,
    /// The state that a decision leads to.
    State,
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Difference::Moves => "what can happen next",
            Difference::Move => "what can happen",
            Difference::Step => "a step of a reducer",
            Difference::Verdict => "what a property says",
            Difference::Seen => "what is seen",
            Difference::State => "what comes of a decision",
        })
    }
}

/// What may be exchanged; None if nothing may.
pub(super) fn of(world: &World, model: &dyn Model, requests: &[Request]) -> Option<Symmetry> {
    if !model.are_alike(requests) {
        return None;
    }
    let ids = requests.iter().map(|request| {
        let id = model.correlation(request.schema, &request.value)?;
        // Spurious events may be of ids that are nearly one.
        let upper = id.to_uppercase();
        let mut texts = vec![id.clone().into_owned().into_bytes()];
        if upper != *id {
            texts.push(upper.into_bytes());
        }
        Some(texts)
    });
    let ids: Vec<Vec<Vec<u8>>> = ids.collect::<Option<_>>()?;
    if says(world, &ids) {
        return None;
    }
    let symmetry = Symmetry::of(&ids)?;
    let spurious: Vec<_> = model
        .few_spurious(requests)
        .into_iter()
        .map(|it| (it.schema, it.value, it.cell))
        .collect();
    let is_same = |permutation: &Permutation| {
        let renamed = |bytes: &Vec<u8>| {
            let renamed = permutation.renaming.value(bytes);
            renamed.unwrap_or_else(|| bytes.clone())
        };
        let mut pairs = requests.iter().zip(&permutation.to);
        let mut known = spurious.clone();
        let exchanged = spurious.iter();
        let exchanged = exchanged
            .map(|(schema, value, cell)| (*schema, renamed(value), cell.as_ref().map(renamed)));
        let mut exchanged: Vec<_> = exchanged.collect();
        known.sort();
        exchanged.sort();
        exchanged == known && pairs.all(|(one, to)| renamed(&one.value) == requests[*to].value)
    };
    let mut permutations = symmetry.permutations().iter();
    permutations.all(is_same).then_some(symmetry)
}

/// Whether the documents or what is declared says an id, if only within a word.
fn says(world: &World, ids: &[Vec<Vec<u8>>]) -> bool {
    let documents = format!("{:?}", world.air);
    let declared = world.declared.as_ref().map_or("", |source| &source.text);
    let texts = ids.iter().flatten();
    let mut texts = texts.filter_map(|id| std::str::from_utf8(id).ok());
    texts.any(|id| documents.contains(id) || declared.contains(id))
}

/// A decision as it is where ids are exchanged.
pub(super) fn exchanged(choice: &Choice, by: &Permutation, as_read: &Unpacker<'_>) -> Choice {
    let item = |item: &Item| Item {
        correlation: item.correlation.map(|name| as_read.renamed_name(name)),
        ..*item
    };
    let value = |id: &_| as_read.renamed(*id);
    match choice {
        Decision::Start { request } => Decision::Start {
            request: by
                .to
                .get(*request as usize)
                .map_or(*request, |to| *to as u32),
        },
        Decision::Deliver(it) => Decision::Deliver(item(it)),
        Decision::Duplicate(it) => Decision::Duplicate(item(it)),
        Decision::Drop(it) => Decision::Drop(item(it)),
        Decision::Redeliver(it) => Decision::Redeliver(item(it)),
        Decision::Step { plan, answer } => Decision::Step {
            plan: item(plan),
            answer: *answer,
        },
        Decision::Receipt {
            effect,
            answer,
            value: receipt,
        } => Decision::Receipt {
            effect: item(effect),
            answer: *answer,
            value: receipt.as_ref().map(value),
        },
        Decision::Fire {
            timer,
            at_ns,
            status,
            twice,
            value: receipt,
        } => Decision::Fire {
            timer: item(timer),
            at_ns: *at_ns,
            status: *status,
            twice: *twice,
            value: receipt.as_ref().map(value),
        },
        Decision::Inject {
            schema,
            value: event,
            cell,
        } => Decision::Inject {
            schema: *schema,
            value: value(event),
            cell: cell.as_ref().map(value),
        },
        Decision::Crash {
            point,
            recovery,
            during,
        } => Decision::Crash {
            point: *point,
            recovery: *recovery,
            during: Box::new(exchanged(during, by, as_read)),
        },
        Decision::Advance { .. } | Decision::Snapshot => choice.clone(),
    }
}

impl Exchanged {
    /// Of the scenes of a tour: where ids were told apart matters more than where they were not.
    pub(super) fn and(self, other: Exchanged) -> Exchanged {
        match (self, other) {
            (Exchanged::ToldApart(what), _) | (_, Exchanged::ToldApart(what)) => {
                Exchanged::ToldApart(what)
            }
            (Exchanged::Requests(one), Exchanged::Requests(other)) => {
                Exchanged::Requests(one.max(other))
            }
            (Exchanged::None, other) => other,
            (one, Exchanged::None) => one,
        }
    }
}
