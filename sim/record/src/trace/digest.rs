//! The digest of a trace: XXH3 (128 bits) over every turn's record, in order.
//!
//! A record is written with fixed-width little-endian numbers and length-prefixed bytes, so two
//! different records never read the same; of a value it holds the fingerprint. Everything
//! observable goes in; what is derived from it (remarks, ranges) does not. A turn's digest is that
//! of its record and of the digest before it, so it covers all turns before.
//!
//! A digest tells runs apart that differ by accident. Who wants to forge two runs of one digest
//! can, and gains nothing: whatever compares runs has both of them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use twox_hash::XxHash3_128;

use crate::trace::{
    Answer, Answers, Asker, Cell, Choice, Fault, GateRule, IntentHash, Item, Name, Record, Trace,
    ValueId, Values,
};
use sim_air::Hash;

/// What two runs have in common exactly when they are the same. Its text form is `xxh3:` and 32
/// lowercase hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Digest(u128);

impl Digest {
    /// That of what this one is of, and then of what the other is of.
    pub fn then(self, next: Digest) -> Digest {
        let mut both = [0; 32];
        both[..16].copy_from_slice(&self.0.to_le_bytes());
        both[16..].copy_from_slice(&next.0.to_le_bytes());
        Digest(XxHash3_128::oneshot(&both))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{PREFIX}{:032x}", self.0)
    }
}

/// How its text form begins.
const PREFIX: &str = "xxh3:";

/// A text is no digest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected `xxh3:` and 32 lowercase hex digits")]
pub struct ParseDigestError;

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Digest, ParseDigestError> {
        let digits = text.strip_prefix(PREFIX).ok_or(ParseDigestError)?;
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != 32 || !digits.bytes().all(is_hex) {
            return Err(ParseDigestError);
        }
        let number = u128::from_str_radix(digits, 16);
        number.map(Digest).map_err(|_| ParseDigestError)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Writes a record's parts.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    values: &'a Values,
    answers: &'a Answers,
}

impl Writer<'_> {
    fn tag(&mut self, tag: u8) -> &mut Self {
        self.out.push(tag);
        self
    }

    fn number(&mut self, number: u64) -> &mut Self {
        self.out.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn index(&mut self, index: usize) -> &mut Self {
        self.out.extend_from_slice(&(index as u32).to_le_bytes());
        self
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.index(bytes.len());
        self.out.extend_from_slice(bytes);
        self
    }

    fn hash(&mut self, hash: &Hash) -> &mut Self {
        self.out.extend_from_slice(hash.as_bytes());
        self
    }

    fn intent(&mut self, IntentHash(id): IntentHash) -> &mut Self {
        self.out.extend_from_slice(self.values.bytes(id));
        self
    }

    fn value(&mut self, id: ValueId) -> &mut Self {
        let fingerprint = self.values.fingerprint(id);
        self.out.extend_from_slice(&fingerprint.to_le_bytes());
        self
    }

    fn optional_value(&mut self, id: Option<ValueId>) -> &mut Self {
        match id {
            None => self.tag(0),
            Some(id) => self.tag(1).value(id),
        }
    }

    /// Nothing where there is none.
    fn given(&mut self, id: Option<ValueId>) -> &mut Self {
        match id {
            None => self,
            Some(id) => self.tag(15).value(id),
        }
    }

    /// Nothing where there is none.
    fn cell(&mut self, cell: Option<Cell>) -> &mut Self {
        match cell {
            None => self,
            Some((reducer, key)) => self.tag(14).index(reducer.index()).value(key),
        }
    }

    fn name(&mut self, Name(id): Name) -> &mut Self {
        self.value(id)
    }

    fn item(&mut self, item: &Item) -> &mut Self {
        self.name(item.label);
        match item.correlation {
            None => self.tag(0),
            Some(name) => self.tag(1).name(name),
        };
        self.index(item.nth as usize)
    }

    /// Of silence, the place after the last.
    fn place(&self, answer: Answer) -> u8 {
        answer.place().min(self.answers.len()) as u8
    }

    fn choice(&mut self, choice: &Choice) -> &mut Self {
        self.tag(choice.verb() as u8 + 1);
        match choice {
            Choice::Start { request } => self.index(*request as usize),
            Choice::Deliver(item)
            | Choice::Duplicate(item)
            | Choice::Drop(item)
            | Choice::Redeliver(item) => self.item(item),
            Choice::Step { plan, answer } => {
                let answer = answer.map_or(0, |answer| self.place(answer) + 1);
                self.item(plan).tag(answer)
            }
            Choice::Receipt {
                effect,
                answer,
                value,
            } => {
                let answer = self.place(*answer);
                self.item(effect).tag(answer).given(*value)
            }
            // Where the time was given is not observable: the turn's own time is.
            Choice::Fire {
                timer,
                at_ns: _,
                status,
                twice,
                value,
            } => self
                .item(timer)
                .tag(*status as u8)
                .tag(u8::from(*twice))
                .given(*value),
            Choice::Inject {
                schema,
                value,
                cell,
            } => self.index(schema.index()).value(*value).given(*cell),
            Choice::Advance { to_ns } => self.number(*to_ns),
            Choice::Snapshot => self,
            Choice::Crash {
                point,
                recovery,
                during,
            } => self.tag(*point as u8).tag(*recovery as u8).choice(during),
        }
    }

    fn asker(&mut self, asker: Asker) -> &mut Self {
        match asker {
            Asker::Reducer { reducer, key } => {
                self.tag(0).index(reducer.index());
                match key {
                    None => self,
                    Some(key) => self.tag(13).value(key),
                }
            }
            Asker::Plan { plan, instance } => {
                self.tag(1).index(plan.index()).index(instance as usize)
            }
        }
    }
}

impl Trace {
    /// The digest of all that was recorded so far.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The choice as the digest sees it: equal when two runs took the same decision.
    pub(super) fn choice_record(&self, choice: &Choice) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = Writer {
            out: &mut out,
            values: &self.values,
            answers: &self.answers,
        };
        writer.choice(choice);
        out
    }

    pub(super) fn fold_last_turn(&mut self) {
        let mut out = std::mem::take(&mut self.scratch);
        out.clear();
        out.extend_from_slice(&self.digest.0.to_le_bytes());
        self.write_last_turn(&mut out);
        self.digest = Digest(XxHash3_128::oneshot(&out));
        self.scratch = out;
    }

    fn write_last_turn(&self, out: &mut Vec<u8>) {
        let Some(turn) = self.turns.last() else {
            return;
        };
        let mut writer = Writer {
            out,
            values: &self.values,
            answers: &self.answers,
        };
        writer.number(turn.at_ns).choice(&turn.choice);
        for record in self.journal_in(&turn.journal) {
            write_record(&mut writer, record);
        }
        for step in self.steps_of(turn) {
            writer
                .tag(20)
                .index(step.reducer.index())
                .optional_value(step.key);
            // The state before is the one after the cell's last step, which is in the chain.
            match step.is_unchanged() {
                true => writer.tag(2),
                false => writer.optional_value(step.after),
            };
            if let Some(fault) = &step.fault {
                write_fault(&mut writer, fault);
            }
        }
        for event in self.emitted_in(&turn.emitted) {
            writer
                .tag(21)
                .index(event.schema.index())
                .value(event.value);
        }
        for intent in self.intents_in(&turn.intents) {
            writer
                .tag(22)
                .intent(intent.hash)
                .tag(u8::from(intent.allowed));
        }
        if let Some(what) = &turn.divergence {
            writer.tag(23).bytes(what.as_bytes());
        }
    }
}

fn write_fault(writer: &mut Writer<'_>, fault: &Fault) {
    match fault {
        Fault::Stopped { brief, .. } => writer.tag(1).bytes(brief.as_bytes()),
        Fault::Nonconforming { expected, found } => writer
            .tag(2)
            .bytes(expected.as_bytes())
            .bytes(found.as_bytes()),
    };
}

fn write_record(writer: &mut Writer<'_>, record: &Record) {
    match record {
        Record::Manifest { hash } => writer.tag(30).hash(hash),
        Record::DomainEvent {
            schema,
            value,
            at_ns,
            cell,
        } => writer
            .tag(31)
            .index(schema.index())
            .value(*value)
            .number(*at_ns)
            .cell(*cell),
        Record::EffectIntent {
            effect,
            params,
            hash,
            asker,
        } => writer
            .tag(32)
            .index(effect.index())
            .value(*params)
            .intent(*hash)
            .asker(*asker),
        Record::CapDecision { intent, denied_by } => {
            writer.tag(33).intent(*intent);
            match denied_by {
                None => writer.tag(0),
                Some(GateRule::Expired) => writer.tag(1),
                Some(GateRule::CapType) => writer.tag(2),
                Some(GateRule::Params) => writer.tag(3),
                Some(GateRule::Enforcer(why)) => writer.tag(4).name(*why),
            }
        }
        Record::PolicyDecision {
            intent,
            rule,
            allowed,
        } => {
            let rule = rule.map_or(u64::MAX, u64::from);
            writer
                .tag(34)
                .intent(*intent)
                .number(rule)
                .tag(u8::from(*allowed))
        }
        Record::EffectReceipt {
            effect: _,
            params: _,
            plan: _,
            intent,
            cell,
            status,
            receipt,
        } => writer
            .tag(35)
            .intent(*intent)
            .tag(*status as u8)
            .value(*receipt)
            .cell(*cell),
        Record::PlanStep {
            plan,
            instance,
            step,
            replaced,
            at_ns,
        } => writer
            .tag(39)
            .index(plan.index())
            .index(*instance as usize)
            .index(*step as usize)
            .tag(u8::from(*replaced))
            .number(*at_ns),
        Record::PlanResult {
            plan,
            instance,
            result,
        } => writer
            .tag(36)
            .index(plan.index())
            .index(*instance as usize)
            .value(*result),
        Record::PlanEnded {
            plan,
            instance,
            error,
        } => {
            writer.tag(37).index(plan.index()).index(*instance as usize);
            writer.bytes(error.as_deref().unwrap_or_default().as_bytes())
        }
        Record::Snapshot {
            reducer,
            key,
            state,
        } => writer
            .tag(38)
            .index(reducer.index())
            .optional_value(*key)
            .optional_value(*state),
    };
}
