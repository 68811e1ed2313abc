//! A decision as a case file writes it: one verb, and what it needs.
//!
//! `{"deliver":"err","req_id":"r1"}`, `{"at_ms":100,"fire":"timer","req_id":"r1","twice":true}`.
//! Things in flight go by name and request, with `nth` where several are alike (1, the oldest, is
//! left out). Times are virtual: `at_ms` where they are whole milliseconds, else `at_ns`.
//! `"crash":"after_append"` beside a verb that brings an event has the kernel die meanwhile.

use super::CaseError;
use super::written::{CLOCK, Entry, KERNEL};
use sim_air::{Air, SchemaId};
use sim_record::scenario::{Decision, ItemName, Verb};
use sim_record::trace::{Recovery, Status};

const MS: u64 = 1_000_000;

/// The field of a verb by reference, in the words of the caller: `&` or `&mut`. None for a crash,
/// which stands beside another verb.
macro_rules! label {
    ($entry:ident, $verb:expr, $($by:tt)+) => {
        match $verb {
            Verb::Start => Some($($by)+ $entry.start),
            Verb::Deliver => Some($($by)+ $entry.deliver),
            Verb::Duplicate => Some($($by)+ $entry.duplicate),
            Verb::Drop => Some($($by)+ $entry.drop),
            Verb::Redeliver => Some($($by)+ $entry.redeliver),
            Verb::Step => Some($($by)+ $entry.step),
            Verb::Receipt => Some($($by)+ $entry.receipt),
            Verb::Fire => Some($($by)+ $entry.fire),
            Verb::Inject => Some($($by)+ $entry.inject),
            Verb::Advance => Some($($by)+ $entry.advance),
            Verb::Snapshot => Some($($by)+ $entry.snapshot),
            Verb::Crash => None,
        }
    };
}

impl Entry {
    /// The answer that it gives.
    pub fn answer(&self) -> Option<&str> {
        self.answer.as_deref()
    }

    pub fn new(air: &Air, decision: &Decision) -> Entry {
        if let Decision::Crash {
            point,
            recovery,
            during,
        } = decision
        {
            return Entry {
                crash: Some(*point),
                recover: (*recovery != Recovery::Journal).then_some(*recovery),
                ..Entry::new(air, during)
            };
        }
        let item = decision.item();
        let mut entry = Entry {
            correlation: item.and_then(|item| item.correlation.clone()),
            nth: item.map(|item| item.nth).filter(|nth| *nth != 1),
            ..Entry::default()
        };
        let mut label = item.map(|item| item.label.clone());
        match decision {
            Decision::Start { request } => label = Some(request.clone()),
            Decision::Step { answer, .. } => entry.answer = answer.clone(),
            Decision::Receipt {
                effect,
                answer,
                value,
            } => {
                entry.answer = Some(answer.clone());
                entry.value = receipt_to_json(air, &effect.label, value);
            }
            Decision::Fire {
                timer,
                at_ns,
                status,
                twice,
                value,
            } => {
                entry.set_time(*at_ns);
                entry.status = (*status != Status::Ok).then_some(*status);
                entry.twice = twice.then_some(true);
                entry.value = receipt_to_json(air, &timer.label, value);
            }
            Decision::Inject {
                schema,
                value,
                cell,
            } => {
                label = Some(air.schemas.name(*schema).to_owned());
                entry.value = Some(value_to_json(air, *schema, value));
                entry.cell = cell.as_ref().and_then(|key| {
                    let key_schema = air.key_of(*schema)?;
                    Some(value_to_json(air, key_schema, key))
                });
            }
            Decision::Advance { to_ns } => {
                label = Some(CLOCK.to_owned());
                entry.set_time(Some(*to_ns));
            }
            Decision::Snapshot => label = Some(KERNEL.to_owned()),
            _ => {}
        }
        if let Some(field) = label!(entry, decision.verb(), &mut) {
            *field = label;
        }
        entry
    }

    fn set_time(&mut self, at_ns: Option<u64>) {
        match at_ns {
            Some(at_ns) if at_ns % MS == 0 => self.at_ms = Some(at_ns / MS),
            at_ns => self.at_ns = at_ns,
        }
    }

    /// The verbs that are given, with what stands behind them.
    fn verbs(&self) -> impl Iterator<Item = (Verb, &str)> {
        let label = |verb: Verb| label!(self, verb, &)?.as_deref();
        Verb::ALL
            .into_iter()
            .filter_map(move |verb| Some((verb, label(verb)?)))
    }

    pub fn decision(&self, air: &Air, pointer: &str) -> Result<Decision, CaseError> {
        let decision = self.without_crash(air, pointer)?;
        let Some(point) = self.crash else {
            return match self.recover {
                None => Ok(decision),
                Some(_) => Err(CaseError::content(pointer, "`recover` without a `crash`")),
            };
        };
        Ok(Decision::Crash {
            point,
            recovery: self.recover.unwrap_or(Recovery::Journal),
            during: Box::new(decision),
        })
    }

    fn without_crash(&self, air: &Air, pointer: &str) -> Result<Decision, CaseError> {
        let wrong = |what: &str| CaseError::content(pointer, what);
        let mut given = self.verbs();
        let (verb, label) = given.next().ok_or_else(|| wrong(&expected_verb()))?;
        let name = verb.name();
        if let Some((second, _)) = given.next() {
            let second = second.name();
            return Err(wrong(&format!("`{name}` and `{second}` in one decision")));
        }
        self.check_fields(verb)
            .map_err(|field| wrong(&format!("`{field}` does not go with `{name}`")))?;
        let item = ItemName {
            label: label.to_owned(),
            correlation: self.correlation.clone(),
            nth: match self.nth {
                Some(0) => return Err(wrong("`nth` counts from 1")),
                nth => nth.unwrap_or(1),
            },
        };
        let at_ns = self.time_ns().map_err(&wrong)?;
        Ok(match verb {
            Verb::Start => Decision::Start {
                request: item.label,
            },
            Verb::Deliver => Decision::Deliver(item),
            Verb::Duplicate => Decision::Duplicate(item),
            Verb::Drop => Decision::Drop(item),
            Verb::Redeliver => Decision::Redeliver(item),
            Verb::Step => Decision::Step {
                plan: item,
                answer: self.answer.clone(),
            },
            Verb::Receipt => Decision::Receipt {
                answer: self
                    .answer
                    .clone()
                    .ok_or_else(|| wrong("`receipt` needs an `answer`"))?,
                value: self.receipt_from_json(air, label, pointer)?,
                effect: item,
            },
            Verb::Fire => Decision::Fire {
                value: self.receipt_from_json(air, label, pointer)?,
                timer: item,
                at_ns,
                status: self.status.unwrap_or(Status::Ok),
                twice: self.twice.unwrap_or(false),
            },
            Verb::Inject => self.spurious(air, label, pointer)?,
            Verb::Advance => Decision::Advance {
                to_ns: at_ns.ok_or_else(|| wrong("`advance` needs `at_ms` or `at_ns`"))?,
            },
            Verb::Snapshot => Decision::Snapshot,
            Verb::Crash => unreachable!("a crash stands beside another verb"),
        })
    }

    fn spurious(&self, air: &Air, schema: &str, pointer: &str) -> Result<Decision, CaseError> {
        let wrong = |what| CaseError::content(pointer, what);
        let schema = self::schema(air, schema, pointer)?;
        let value = self.value.as_ref();
        let value = value.ok_or_else(|| wrong("`inject` needs a `value`"))?;
        let value = value_from_json(air, schema, value, pointer)?;
        let cell = match &self.cell {
            None => None,
            Some(key) => {
                let key_schema = air.key_of(schema);
                let key_schema =
                    key_schema.ok_or_else(|| wrong("`cell`, and no reducer with cells listens"))?;
                Some(value_from_json(air, key_schema, key, pointer)?)
            }
        };
        Ok(Decision::Inject {
            schema,
            value,
            cell,
        })
    }

    /// The receipt that a decision gives, if it gives one.
    fn receipt_from_json(
        &self,
        air: &Air,
        label: &str,
        pointer: &str,
    ) -> Result<Option<Vec<u8>>, CaseError> {
        let Some(value) = &self.value else {
            return Ok(None);
        };
        let schema = air.receipt_of(label).ok_or_else(|| {
            let what = format!("`value`, and no effect goes by `{label}`, or several do");
            CaseError::content(pointer, what)
        })?;
        value_from_json(air, schema, value, pointer).map(Some)
    }

    fn time_ns(&self) -> Result<Option<u64>, &'static str> {
        match (self.at_ms, self.at_ns) {
            (Some(_), Some(_)) => Err("`at_ms` and `at_ns` in one decision"),
            (Some(at_ms), None) => at_ms
                .checked_mul(MS)
                .map(Some)
                .ok_or("`at_ms` is past the end of time"),
            (None, at_ns) => Ok(at_ns),
        }
    }

    /// Names the first field that a verb has no use for.
    fn check_fields(&self, verb: Verb) -> Result<(), &'static str> {
        use Verb::{Advance, Fire, Inject, Receipt, Step};
        let is_timed = matches!(verb, Fire | Advance);
        let is_answered = matches!(verb, Step | Receipt);
        let has_value = matches!(verb, Inject | Receipt | Fire);
        let allowed = [
            ("at_ms", self.at_ms.is_some(), is_timed),
            ("at_ns", self.at_ns.is_some(), is_timed),
            ("req_id", self.correlation.is_some(), verb.names_item()),
            ("nth", self.nth.is_some(), verb.names_item()),
            ("answer", self.answer.is_some(), is_answered),
            ("status", self.status.is_some(), verb == Fire),
            ("twice", self.twice.is_some(), verb == Fire),
            ("value", self.value.is_some(), has_value),
            ("any", self.any.is_some(), has_value),
            ("cell", self.cell.is_some(), verb == Inject),
            ("crash", self.crash.is_some(), verb.arrives()),
        ];
        match allowed
            .iter()
            .find(|(_, given, allowed)| *given && !allowed)
        {
            Some((field, ..)) => Err(field),
            None => Ok(()),
        }
    }
}

fn expected_verb() -> String {
    let verbs = Verb::ALL.into_iter().filter(|verb| *verb != Verb::Crash);
    let names: Vec<&str> = verbs.map(Verb::name).collect();
    format!("expected one of {}", names.join(", "))
}

fn receipt_to_json(air: &Air, label: &str, value: &Option<Vec<u8>>) -> Option<serde_json::Value> {
    let schema = air.receipt_of(label)?;
    value
        .as_ref()
        .map(|bytes| value_to_json(air, schema, bytes))
}

pub(super) fn schema(air: &Air, name: &str, pointer: &str) -> Result<SchemaId, CaseError> {
    air.schemas
        .find(name)
        .ok_or_else(|| CaseError::content(pointer, format!("this world has no schema `{name}`")))
}

pub(super) fn value_from_json(
    air: &Air,
    schema: SchemaId,
    json: &serde_json::Value,
    pointer: &str,
) -> Result<Vec<u8>, CaseError> {
    let name = air.schemas.name(schema);
    let at = |error: sim_air::ValueError| {
        let pointer = format!("{pointer}/value{}", error.path);
        let what = format!(
            "`{name}`: expected {}, found {}",
            error.expected, error.found
        );
        CaseError::content(pointer, what)
    };
    let value = air.schemas.value_from_json(schema, json).map_err(at)?;
    air.schemas.encode(schema, &value).map_err(at)
}

/// Canonical bytes in the plain spelling; they fit their schema.
pub(super) fn value_to_json(air: &Air, schema: SchemaId, canonical: &[u8]) -> serde_json::Value {
    match air.schemas.decode(schema, canonical) {
        Ok(value) => air.schemas.value_to_json(schema, &value),
        Err(_) => serde_json::Value::Null,
    }
}
