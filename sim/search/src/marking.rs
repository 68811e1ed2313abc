//! Which fields of a shrunk scenario do not matter to its failure.
//!
//! Each field of each value that requests and decisions bring is given a few other values, one
//! field at a time. If the scenario fails in the same way with every one of them, the field does
//! not matter, and is marked: another value there is as good. Nothing is claimed of fields that
//! are changed together, nor of values that were not tried.
//!
//! Never marked are ids of requests, which would have to be renamed everywhere; what an event is,
//! its schema and its arm; and the time at which it is sent, which is told anew in each run.
//! Nothing is run, read or written here.

mod fields;
mod others;

use fields::Field;
use others::Others;
use sim_air::{SchemaId, Value};
use sim_record::marks::Marks;
use sim_record::scenario::{Decision, Scenario};

use crate::shrink::{Budget, Subject};

/// Candidates that are asked for at most. Who believes one only if fresh instances say so too
/// replays twice as many.
pub const MOST_ATTEMPTS: u32 = 100;

/// Other values that are tried for a field at most.
const VALUES_OF_A_FIELD: usize = 6;

/// Marks the fields that do not matter, within the budget. `oracle` says whether a scenario fails
/// in the same way as this one. A field that there is no other value for, or nothing left to spend
/// on, is not marked.
pub fn marks(
    scenario: &Scenario,
    subject: Subject<'_>,
    budget: Budget,
    mut oracle: impl FnMut(&Scenario) -> bool,
) -> Marks {
    let places = Place::all(scenario);
    let schemas = &subject.air.schemas;
    let values = places.iter().filter_map(|place| {
        let (schema, bytes) = place.value(scenario, subject)?;
        Some((schema, schemas.decode(schema, bytes).ok()?))
    });
    let values: Vec<(SchemaId, Value)> = values.collect();
    let others = Others::of(schemas, subject.model, scenario, &values);
    let correlations = scenario.requests.iter();
    let correlations = correlations.filter_map(|request| {
        let correlation = subject.model.correlation(request.schema, &request.value);
        correlation.map(|id| Value::text(&*id))
    });
    let mut search = Search {
        scenario,
        subject,
        is_allowed: subject.model.allows(scenario),
        correlations: correlations.collect(),
        attempts: budget.attempts.min(MOST_ATTEMPTS),
        budget,
        oracle: &mut oracle,
    };
    let mut marks = Marks::default();
    for place in places {
        let marked = search.marked(&others, place);
        if !marked.is_empty() {
            match place {
                Place::Request(index) => marks.requests.insert(index, marked),
                Place::Decision(index) => marks.schedule.insert(index, marked),
            };
        }
    }
    marks
}

/// Where a scenario has a value.
#[derive(Clone, Copy)]
enum Place {
    Request(usize),
    Decision(usize),
}

impl Place {
    /// Every place that may have one. What a request holds that is never started matters to nobody.
    fn all(scenario: &Scenario) -> Vec<Place> {
        let is_started = |index: &usize| {
            let name = &scenario.requests[*index].name;
            let mut decisions = scenario.schedule.iter().map(Decision::without_crash);
            decisions
                .any(|decision| matches!(decision, Decision::Start { request } if request == name))
        };
        let requests = (0..scenario.requests.len()).filter(is_started);
        let decisions = (0..scenario.schedule.len()).map(Place::Decision);
        requests.map(Place::Request).chain(decisions).collect()
    }

    /// The value there, and its schema.
    fn value<'s>(
        self,
        scenario: &'s Scenario,
        subject: Subject<'_>,
    ) -> Option<(SchemaId, &'s [u8])> {
        match self {
            Place::Request(index) => {
                let request = scenario.requests.get(index)?;
                Some((request.schema, &request.value))
            }
            Place::Decision(index) => match scenario.schedule.get(index)?.without_crash() {
                Decision::Inject { schema, value, .. } => Some((*schema, value)),
                Decision::Receipt {
                    effect: item,
                    value: Some(value),
                    ..
                }
                | Decision::Fire {
                    timer: item,
                    value: Some(value),
                    ..
                } => Some((subject.air.receipt_of(&item.label)?, value)),
                _ => None,
            },
        }
    }

    /// The scenario with another value there.
    fn with(self, scenario: &Scenario, bytes: Vec<u8>) -> Scenario {
        let mut changed = scenario.clone();
        match self {
            Place::Request(index) => changed.requests[index].value = bytes,
            Place::Decision(index) => match changed.schedule[index].without_crash_mut() {
                Decision::Inject { value, .. } => *value = bytes,
                Decision::Receipt { value, .. } | Decision::Fire { value, .. } => {
                    *value = Some(bytes);
                }
                _ => {}
            },
        }
        changed
    }
}

struct Search<'a> {
    scenario: &'a Scenario,
    subject: Subject<'a>,
    /// The scenario is one that clients allow; so are those that are tried.
    is_allowed: bool,
    /// The ids of the requests.
    correlations: Vec<Value>,
    /// That are left.
    attempts: u32,
    budget: Budget,
    oracle: &'a mut dyn FnMut(&Scenario) -> bool,
}

impl Search<'_> {
    /// The fields that do not matter, of the value at a place.
    fn marked(&mut self, others: &Others<'_>, place: Place) -> Vec<String> {
        let schemas = &self.subject.air.schemas;
        let Some((schema, bytes)) = place.value(self.scenario, self.subject) else {
            return Vec::new();
        };
        let Ok(value) = schemas.decode(schema, bytes) else {
            return Vec::new();
        };
        let mut marked = Vec::new();
        for field in fields::fields(schemas, schemas.ty(schema), &value) {
            let others = others.values(schema, &field);
            if self.is_any(place, (schema, bytes, &value), &field, &others) {
                marked.push(field.pointer);
            }
        }
        marked
    }

    /// Whether it fails in the same way whatever is there: at least one other value is tried, and
    /// none makes a difference.
    fn is_any(
        &mut self,
        place: Place,
        (schema, bytes, value): (SchemaId, &[u8], &Value),
        field: &Field<'_>,
        others: &[Value],
    ) -> bool {
        if self.correlations.contains(&field.value) {
            return false;
        }
        let Subject { air, model } = self.subject;
        let mut tried = 0;
        for other in others {
            let changed = fields::with(value, &field.way, other);
            let Ok(changed) = air.schemas.encode(schema, &changed) else {
                continue;
            };
            // Whose an event is, what its key is: that follows from ids, whatever they are made of.
            if model.correlation(schema, &changed) != model.correlation(schema, bytes) {
                return false;
            }
            let told = model.at_time(schema, bytes, 0);
            if told.is_some() && told == model.at_time(schema, &changed, 0) {
                return false;
            }
            let candidate = place.with(self.scenario, changed);
            if self.is_allowed && !model.allows(&candidate) {
                continue;
            }
            if !self.spend() || !(self.oracle)(&candidate) {
                return false;
            }
            tried += 1;
            if tried == VALUES_OF_A_FIELD {
                break;
            }
        }
        tried > 0
    }

    /// Takes one candidate off what is left. False if that is too little.
    fn spend(&mut self) -> bool {
        let decisions = self.scenario.schedule.len() as u64;
        let is_spent =
            self.attempts == 0 || self.budget.decisions == 0 || self.budget.interrupt.is_asked();
        self.attempts = self.attempts.saturating_sub(1);
        self.budget.decisions = self.budget.decisions.saturating_sub(decisions);
        !is_spent
    }
}
