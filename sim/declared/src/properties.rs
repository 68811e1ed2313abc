//! Counters and properties: what is remembered, and what must hold or be seen.

use crate::condition::Condition;
use crate::memory::Scalar;
use crate::moments::Moment;
use sim_air::ReducerId;

/// What is remembered for each correlation.
#[derive(Debug)]
pub(crate) struct Counter {
    pub name: String,
    pub of: Option<ReducerId>,
    pub moment: Moment,
    pub keeps: Keeps,
    pub what: Condition,
    pub when: Option<Condition>,
    pub reset: Option<Condition>,
    pub by: Option<Condition>,
    pub reads: Reads,
    pub sees: Sees,
    /// Whether what it does is found out anew each time, and not remembered.
    pub is_compiled: bool,
    /// The place, among the properties, of its being given anything.
    pub counted: usize,
}

/// What conditions read of a moment.
#[derive(Clone, Default, Debug)]
pub(crate) struct Sees {
    pub event: bool,
    /// Of the event, the tag alone.
    pub tag: bool,
    pub before: bool,
    pub state: bool,
    pub key: bool,
    pub emitted: bool,
    pub effects: bool,
    pub changed: bool,
    /// Whether a step left everything as it was.
    pub still: bool,
    /// All of a moment that is no step.
    pub whole: bool,
    pub who: bool,
}

impl Sees {
    pub fn of<'c>(conditions: impl Iterator<Item = &'c Condition>) -> Sees {
        let mut sees = Sees::default();
        for condition in conditions {
            match condition.has("event") {
                true if condition.reads_only_tag() => sees.tag = true,
                is => sees.event |= is,
            }
            sees.before |= condition.has("before");
            sees.state |= condition.has("state");
            sees.key |= condition.has("key");
            sees.emitted |= condition.has("emitted");
            sees.effects |= condition.has("effects");
            sees.changed |= condition.has("changed");
            sees.who |= condition.has("who");
            let others = ["effect", "sent", "receipt"];
            sees.whole |= others.iter().any(|name| condition.has(name));
        }
        sees
    }
}

/// What conditions read beside the moment.
#[derive(Clone, Default, Debug)]
pub(crate) struct Reads {
    pub now: bool,
    pub cells: bool,
    pub world: bool,
    /// The places of counters that are read for all correlations.
    pub each: Vec<u32>,
    /// The places of counters.
    pub counters: Vec<u32>,
}

impl Reads {
    pub fn of<'c>(conditions: impl Iterator<Item = &'c Condition>, counters: &[String]) -> Reads {
        let mut reads = Reads::default();
        for condition in conditions {
            reads.now |= condition.has("now");
            reads.cells |= condition.has("cells");
            reads.world |= condition.has("world");
            if condition.has("each") {
                let asked = condition.each();
                let is_asked = |name: &String| {
                    asked
                        .as_ref()
                        .is_none_or(|asked| asked.contains(&name.as_str()))
                };
                let places = counters.iter().zip(0..).filter(|(name, _)| is_asked(name));
                reads.each.extend(places.map(|(_, place)| place));
            }
            let places = counters.iter().zip(0..);
            let read = places.filter(|(name, _)| condition.has(name));
            reads.counters.extend(read.map(|(_, place)| place));
        }
        reads.counters.sort_unstable();
        reads.counters.dedup();
        reads
    }

    /// Whether they read something.
    pub fn has_any(&self) -> bool {
        let flags = self.now || self.cells || self.world;
        flags || !self.counters.is_empty() || !self.each.is_empty()
    }
}

/// How a counter keeps what it is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Keeps {
    Count,
    Sum,
    First,
    Last,
    Max,
}

impl Keeps {
    /// What a counter holds before it is given anything.
    pub fn at_first(self) -> &'static Scalar {
        match self {
            Keeps::First | Keeps::Last => &Scalar::Null,
            Keeps::Count | Keeps::Sum | Keeps::Max => &Scalar::Number(0),
        }
    }
}

/// What must hold, or be seen.
#[derive(Debug)]
pub(crate) struct Rule {
    pub name: String,
    pub says: String,
    /// What is expected, by its condition.
    pub expected: String,
    pub kind: RuleKind,
    pub of: Option<ReducerId>,
    pub moment: Moment,
    pub what: Condition,
    pub when: Option<Condition>,
    pub unless: Option<Condition>,
    pub by: Option<Condition>,
    pub reads: Reads,
    pub sees: Sees,
    /// Whether what it says is found out anew each time, and not remembered.
    pub is_compiled: bool,
    /// Its place among the properties, and that of its being judged at all.
    pub place: usize,
    pub judged: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RuleKind {
    Always,
    Never,
    Sometimes,
    Eventually,
    AtMostOnce,
    Absorbing,
}

/// Whether what these conditions say takes less to find out than to remember.
pub(crate) fn are_compiled<'c>(
    mut conditions: impl Iterator<Item = &'c Condition>,
    by: Option<&Condition>,
) -> bool {
    conditions.all(Condition::is_compiled) && by.is_none_or(Condition::is_of_moment)
}

impl Counter {
    /// The schemas of the events given out that it is about, if it says so.
    pub fn schemas(&self) -> Vec<String> {
        let conditions = [Some(&self.what), self.when.as_ref()];
        let said = conditions.into_iter().flatten();
        said.flat_map(|it| it.compared_with("sent.schema"))
            .collect()
    }

    /// All of its conditions.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let others = [&self.when, &self.reset, &self.by];
        std::iter::once(&self.what).chain(others.into_iter().flatten())
    }
}

impl Rule {
    /// The schemas of the events given out that it is about, if it says so.
    pub fn schemas(&self) -> Vec<String> {
        let conditions = [Some(&self.what), self.when.as_ref()];
        let said = conditions.into_iter().flatten();
        said.flat_map(|it| it.compared_with("sent.schema"))
            .collect()
    }

    /// Whether it is about each correlation that its counters have something for, where none is
    /// meant.
    pub fn is_of_each(&self) -> bool {
        self.by.is_none() && !self.reads.counters.is_empty()
    }

    /// All of its conditions.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let others = [&self.when, &self.unless, &self.by];
        std::iter::once(&self.what).chain(others.into_iter().flatten())
    }
}
