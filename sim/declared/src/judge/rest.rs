//! What must hold in the end: of each cell, of each correlation, or of all together.

use super::run::write_of_run;
use super::{Judge, Said, tell};
use crate::at::write_value;
use crate::evaluate::{Outcome, View, outcome, whose};
use crate::memory::{Memory, Who};
use crate::properties::{Rule, RuleKind};
use crate::scene::{CellAt, OfRun, Scene, Sight, Sources};
use sim_model::{Seen, Verdicts};
use sim_record::trace::Trace;

/// What an `eventually` is judged of, and whose it is.
type Subject = (Option<CellAt>, Who);

impl Judge<'_> {
    /// Judges what must hold in the end.
    pub(super) fn at_rest(&self, memory: &Memory, trace: &Trace, to: &mut Verdicts<'_>) {
        let Some(turn) = trace.turns.last() else {
            return;
        };
        let index = trace.turns.len() - 1;
        let seen = Seen { trace, turn, index };
        let eventual = self.watched.rules.rules.iter().zip(0..);
        let eventual = eventual.filter(|(rule, _)| rule.kind == RuleKind::Eventually);
        for (rule, place) in eventual {
            for subject in self.subjects(rule, memory, trace) {
                let said = self.said_at_rest((place, rule), memory, &seen, &subject);
                // Only what is to be seen once asks what was looked at.
                let looked_at = |_: &Memory| String::new();
                tell(&mut Memory::default(), (place, rule), &said, looked_at, to);
            }
        }
    }

    /// What is said of one subject.
    fn said_at_rest(
        &self,
        (place, rule): (usize, &Rule),
        memory: &Memory,
        seen: &Seen<'_>,
        subject: &Subject,
    ) -> Outcome {
        let (cell, who) = subject;
        let sources = Sources {
            air: &self.world.air,
            trace: seen.trace,
            watched: &self.watched,
        };
        let sight = Sight::Rest(rule.of.zip(*cell));
        let whose = match rule.by.as_ref().map(|by| (by, by.constant())) {
            None => who.clone(),
            Some((_, Some(constant))) => Some(constant),
            Some((by, None)) => {
                let view = View::new(Scene::new(sources, sight, who, None), self);
                whose(Some(by), &view, who).unwrap_or_default()
            }
        };
        let of_run = OfRun {
            memory,
            at_ns: seen.turn.at_ns,
            reads: &rule.reads,
            of: rule.of,
            whose: &whose,
        };
        let said = |judge: &Judge<'_>| {
            let view = View::new(Scene::new(sources, sight, who, Some(of_run)), judge);
            outcome(rule, &view, None, who, true)
        };
        if rule.is_compiled {
            return said(self);
        }
        let mut key = self.key.borrow_mut();
        key.clear();
        key.word(u64::MAX).word(place as u64);
        if let Some((name, state)) = cell {
            write_value(&mut key, seen.trace, *name);
            key.value(seen.trace, *state);
        }
        key.bytes(who.as_deref().unwrap_or_default().as_bytes());
        write_of_run(&mut key, seen.trace, of_run);
        let print = key.fingerprint();
        drop(key);
        if let Some(Said::Outcome(known)) = self.known.borrow_mut().get(print) {
            return known.clone();
        }
        let said = said(self);
        self.known
            .borrow_mut()
            .insert(print, Said::Outcome(said.clone()));
        said
    }

    /// What an `eventually` is judged of: each cell, each correlation, or all together.
    pub(super) fn subjects(&self, rule: &Rule, memory: &Memory, trace: &Trace) -> Vec<Subject> {
        let reads = |name: &str| rule.conditions().any(|it| it.has(name));
        if let Some(of) = rule.of.filter(|_| reads("state") || reads("key")) {
            let schema = self.world.air.reducers[of.index()].state;
            let cells = memory.cells_of(trace, of).into_iter().map(|cell| {
                let of_state = self
                    .watched
                    .correlation
                    .of_event(schema, trace.bytes(cell.1));
                let who = match of_state {
                    Some(who) => Some(who.as_ref().into()),
                    None => self.who_of_key(trace, of, cell.0),
                };
                (Some(cell), who)
            });
            return cells.collect();
        }
        let counters = &rule.reads.counters;
        match counters.is_empty() {
            true => vec![(None, None)],
            false => memory
                .known(counters)
                .into_iter()
                .map(|who| (None, who))
                .collect(),
        }
    }
}
