//! A decision as a case file writes it: one verb, and what it needs.
//!
//! `{"deliver":"err","req_id":"r1"}`, `{"at_ms":100,"fire":"timer","req_id":"r1","twice":true}`.
//! Things in flight go by name and request, with `nth` where several are alike (1, the oldest, is
//! left out). Times are virtual: `at_ms` where they are whole milliseconds, else `at_ns`.
//! `"crash":"after_append"` beside a verb that brings an event has the kernel die meanwhile.

use serde::{Deserialize, Serialize};

use super::{CaseError, strict};
use sim_air::{Air, SchemaId};
use sim_record::scenario::{Decision, ItemName};
use sim_record::trace::{Answer, CrashPoint, Recovery, Status};

const MS: u64 = 1_000_000;

#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    at_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deliver: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drop: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redeliver: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fire: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advance: Option<Clock>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<Kernel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    req_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nth: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<CaseAnswer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<CaseStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    twice: Option<bool>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "strict::some_value"
    )]
    value: Option<serde_json::Value>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "strict::some_value"
    )]
    cell: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crash: Option<CasePoint>,
    /// From the journal unless it says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    recover: Option<CaseRecovery>,
}

/// What is written down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kernel {
    Kernel,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CasePoint {
    BeforeAppend,
    AfterAppend,
    BeforeDispatch,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CaseRecovery {
    Journal,
    Snapshot,
}

/// What advances.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Clock {
    Clock,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CaseAnswer {
    Ok,
    Transient,
    Terminal,
    Silence,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CaseStatus {
    Ok,
    Error,
    Timeout,
}

impl From<Answer> for CaseAnswer {
    fn from(answer: Answer) -> CaseAnswer {
        match answer {
            Answer::Ok => CaseAnswer::Ok,
            Answer::Transient => CaseAnswer::Transient,
            Answer::Terminal => CaseAnswer::Terminal,
            Answer::Silence => CaseAnswer::Silence,
        }
    }
}

impl From<CaseAnswer> for Answer {
    fn from(answer: CaseAnswer) -> Answer {
        match answer {
            CaseAnswer::Ok => Answer::Ok,
            CaseAnswer::Transient => Answer::Transient,
            CaseAnswer::Terminal => Answer::Terminal,
            CaseAnswer::Silence => Answer::Silence,
        }
    }
}

impl From<CrashPoint> for CasePoint {
    fn from(point: CrashPoint) -> CasePoint {
        match point {
            CrashPoint::BeforeAppend => CasePoint::BeforeAppend,
            CrashPoint::AfterAppend => CasePoint::AfterAppend,
            CrashPoint::BeforeDispatch => CasePoint::BeforeDispatch,
        }
    }
}

impl From<CasePoint> for CrashPoint {
    fn from(point: CasePoint) -> CrashPoint {
        match point {
            CasePoint::BeforeAppend => CrashPoint::BeforeAppend,
            CasePoint::AfterAppend => CrashPoint::AfterAppend,
            CasePoint::BeforeDispatch => CrashPoint::BeforeDispatch,
        }
    }
}

impl From<CaseStatus> for Status {
    fn from(status: CaseStatus) -> Status {
        match status {
            CaseStatus::Ok => Status::Ok,
            CaseStatus::Error => Status::Error,
            CaseStatus::Timeout => Status::Timeout,
        }
    }
}

impl Entry {
    pub fn new(air: &Air, decision: &Decision) -> Entry {
        let about = |item: &ItemName| Entry {
            req_id: item.req_id.clone(),
            nth: (item.nth != 1).then_some(item.nth),
            ..Entry::default()
        };
        let label = |item: &ItemName| Some(item.label.clone());
        match decision {
            Decision::Start { request } => Entry {
                start: Some(request.clone()),
                ..Entry::default()
            },
            Decision::Deliver(item) => Entry {
                deliver: label(item),
                ..about(item)
            },
            Decision::Duplicate(item) => Entry {
                duplicate: label(item),
                ..about(item)
            },
            Decision::Drop(item) => Entry {
                drop: label(item),
                ..about(item)
            },
            Decision::Redeliver(item) => Entry {
                redeliver: label(item),
                ..about(item)
            },
            Decision::Step { plan, answer } => Entry {
                step: label(plan),
                answer: answer.map(CaseAnswer::from),
                ..about(plan)
            },
            Decision::Receipt {
                effect,
                answer,
                value,
            } => Entry {
                receipt: label(effect),
                answer: Some((*answer).into()),
                value: receipt_to_json(air, &effect.label, value),
                ..about(effect)
            },
            Decision::Fire {
                timer,
                at_ns,
                status,
                twice,
                value,
            } => {
                let status = match status {
                    Status::Ok => None,
                    Status::Error => Some(CaseStatus::Error),
                    Status::Timeout => Some(CaseStatus::Timeout),
                };
                let twice = twice.then_some(true);
                Entry {
                    fire: label(timer),
                    status,
                    twice,
                    value: receipt_to_json(air, &timer.label, value),
                    ..about(timer)
                }
                .at(*at_ns)
            }
            Decision::Inject {
                schema,
                value,
                cell,
            } => Entry {
                inject: Some(air.schemas.name(*schema).to_owned()),
                value: Some(value_to_json(air, *schema, value)),
                cell: cell.as_ref().and_then(|key| {
                    let key_schema = air.key_of(*schema)?;
                    Some(value_to_json(air, key_schema, key))
                }),
                ..Entry::default()
            },
            Decision::Advance { to_ns } => Entry {
                advance: Some(Clock::Clock),
                ..Entry::default()
            }
            .at(Some(*to_ns)),
            Decision::Snapshot => Entry {
                snapshot: Some(Kernel::Kernel),
                ..Entry::default()
            },
            Decision::Crash {
                point,
                recovery,
                during,
            } => Entry {
                crash: Some((*point).into()),
                recover: (*recovery == Recovery::Snapshot).then_some(CaseRecovery::Snapshot),
                ..Entry::new(air, during)
            },
        }
    }

    fn at(self, at_ns: Option<u64>) -> Entry {
        match at_ns {
            Some(at_ns) if at_ns % MS == 0 => Entry {
                at_ms: Some(at_ns / MS),
                ..self
            },
            at_ns => Entry { at_ns, ..self },
        }
    }

    /// The verbs, with what stands behind them.
    fn verbs(&self) -> [(&'static str, Option<&str>); 11] {
        [
            ("start", self.start.as_deref()),
            ("deliver", self.deliver.as_deref()),
            ("duplicate", self.duplicate.as_deref()),
            ("drop", self.drop.as_deref()),
            ("redeliver", self.redeliver.as_deref()),
            ("step", self.step.as_deref()),
            ("receipt", self.receipt.as_deref()),
            ("fire", self.fire.as_deref()),
            ("inject", self.inject.as_deref()),
            ("advance", self.advance.map(|_| "clock")),
            ("snapshot", self.snapshot.map(|_| "kernel")),
        ]
    }

    pub fn decision(&self, air: &Air, pointer: &str) -> Result<Decision, CaseError> {
        let decision = self.whole(air, pointer)?;
        let Some(point) = self.crash else {
            return match self.recover {
                None => Ok(decision),
                Some(_) => Err(CaseError::content(pointer, "`recover` without a `crash`")),
            };
        };
        Ok(Decision::Crash {
            point: point.into(),
            recovery: match self.recover {
                Some(CaseRecovery::Snapshot) => Recovery::Snapshot,
                Some(CaseRecovery::Journal) | None => Recovery::Journal,
            },
            during: Box::new(decision),
        })
    }

    /// The decision as it would be without a crash.
    fn whole(&self, air: &Air, pointer: &str) -> Result<Decision, CaseError> {
        let wrong = |what: &str| CaseError::content(pointer, what);
        let mut given = self
            .verbs()
            .into_iter()
            .filter_map(|(verb, of)| Some((verb, of?)));
        let (verb, label) = given.next().ok_or_else(|| {
            wrong(
                "expected one of start, deliver, duplicate, drop, redeliver, step, receipt, \
                fire, inject, advance, snapshot",
            )
        })?;
        if let Some((second, _)) = given.next() {
            return Err(wrong(&format!("`{verb}` and `{second}` in one decision")));
        }
        self.check_fields(verb)
            .map_err(|field| wrong(&format!("`{field}` does not go with `{verb}`")))?;
        let item = ItemName {
            label: label.to_owned(),
            req_id: self.req_id.clone(),
            nth: match self.nth {
                Some(0) => return Err(wrong("`nth` counts from 1")),
                nth => nth.unwrap_or(1),
            },
        };
        let at_ns = self.time_ns().map_err(&wrong)?;
        Ok(match verb {
            "start" => Decision::Start {
                request: item.label,
            },
            "deliver" => Decision::Deliver(item),
            "duplicate" => Decision::Duplicate(item),
            "drop" => Decision::Drop(item),
            "redeliver" => Decision::Redeliver(item),
            "step" => Decision::Step {
                plan: item,
                answer: self.answer.map(Answer::from),
            },
            "receipt" => {
                let answer = self
                    .answer
                    .ok_or_else(|| wrong("`receipt` needs an `answer`"))?;
                Decision::Receipt {
                    value: self.receipt_from_json(air, label, pointer)?,
                    effect: item,
                    answer: answer.into(),
                }
            }
            "fire" => Decision::Fire {
                value: self.receipt_from_json(air, label, pointer)?,
                timer: item,
                at_ns,
                status: self.status.map_or(Status::Ok, Status::from),
                twice: self.twice.unwrap_or(false),
            },
            "inject" => {
                let schema = schema(air, label, pointer)?;
                let value = self
                    .value
                    .as_ref()
                    .ok_or_else(|| wrong("`inject` needs a `value`"))?;
                Decision::Inject {
                    schema,
                    value: value_from_json(air, schema, value, pointer)?,
                    cell: match &self.cell {
                        None => None,
                        Some(key) => {
                            let key_schema = air.key_of(schema).ok_or_else(|| {
                                wrong("`cell`, and no reducer with cells listens")
                            })?;
                            Some(value_from_json(air, key_schema, key, pointer)?)
                        }
                    },
                }
            }
            "snapshot" => Decision::Snapshot,
            _ => {
                let to_ns = at_ns.ok_or_else(|| wrong("`advance` needs `at_ms` or `at_ns`"))?;
                Decision::Advance { to_ns }
            }
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
    fn check_fields(&self, verb: &str) -> Result<(), &'static str> {
        let timed = matches!(verb, "fire" | "advance");
        let named = !matches!(verb, "start" | "inject" | "advance" | "snapshot");
        let arrives = matches!(verb, "start" | "deliver" | "redeliver" | "fire" | "inject");
        let allowed = [
            ("at_ms", self.at_ms.is_some(), timed),
            ("at_ns", self.at_ns.is_some(), timed),
            ("req_id", self.req_id.is_some(), named),
            ("nth", self.nth.is_some(), named),
            (
                "answer",
                self.answer.is_some(),
                matches!(verb, "step" | "receipt"),
            ),
            ("status", self.status.is_some(), verb == "fire"),
            ("twice", self.twice.is_some(), verb == "fire"),
            (
                "value",
                self.value.is_some(),
                matches!(verb, "inject" | "receipt" | "fire"),
            ),
            ("cell", self.cell.is_some(), verb == "inject"),
            ("crash", self.crash.is_some(), arrives),
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
