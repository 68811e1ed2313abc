//! What must hold in the end: of each cell, of each correlation, or of all together.

use super::run::write_of_run;
use super::{Judge, Said, tell};
use crate::at::write_value;
use crate::condition::Variables;
use crate::evaluate::{Outcome, View, outcome, whose};
use crate::fields::{null, text};
use crate::memory::{Memory, Who};
use crate::properties::{Rule, RuleKind};
use sim_model::{Seen, Verdicts};
use sim_record::trace::{Trace, ValueId};

/// A cell by its key, and its state.
type CellAt = (Option<ValueId>, ValueId);
/// What an `eventually` is judged of, and whose it is.
type Subject = (Option<CellAt>, Who);

impl Judge<'_> {
    /// Judges what must hold in the end.
    pub(super) fn at_rest(&mut self, memory: &Memory, trace: &Trace, to: &mut Verdicts<'_>) {
        let watched = self.watched.clone();
        let Some(turn) = trace.turns.last() else {
            return;
        };
        let index = trace.turns.len() - 1;
        let seen = Seen { trace, turn, index };
        let eventual = watched.rules.rules.iter().zip(0..);
        let eventual = eventual.filter(|(rule, _)| rule.kind == RuleKind::Eventually);
        for (rule, place) in eventual {
            for subject in self.subjects(rule, memory, trace) {
                let said = self.said_at_rest((place, rule), memory, &seen, &subject);
                tell(&mut Memory::default(), (place, rule), &said, to);
            }
        }
    }

    /// What is said of one subject: by what it reads, found out once.
    fn said_at_rest(
        &mut self,
        (place, rule): (usize, &Rule),
        memory: &Memory,
        seen: &Seen<'_>,
        (cell, who): &Subject,
    ) -> Outcome {
        let mut view = None;
        let whose = match rule.by.as_ref().map(|by| (by, by.constant())) {
            None => who.clone(),
            Some((_, Some(constant))) => Some(constant),
            Some((by, None)) => {
                let view = view.insert(self.view_at_rest(rule, seen.trace, *cell, who));
                whose(Some(by), view, who).unwrap_or_default()
            }
        };
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        key.word(u64::MAX).word(place as u64);
        if let Some((name, state)) = cell {
            write_value(&mut key, seen.trace, *name);
            key.value(seen.trace, *state);
        }
        key.bytes(who.as_deref().unwrap_or_default().as_bytes());
        write_of_run(&mut key, memory, seen, &rule.reads, rule.of, &whose);
        let print = key.fingerprint();
        self.key = key;
        if let Some(Said::Outcome(known)) = self.known.get(print) {
            return known.clone();
        }
        let made = || self.view_at_rest(rule, seen.trace, *cell, who);
        let mut view = view.unwrap_or_else(made);
        self.set_of_run(memory, seen, &rule.reads, rule.of, &whose, &mut view);
        let said = outcome(rule, &view, None, who, true);
        self.known.insert(print, Said::Outcome(said.clone()));
        said
    }

    fn view_at_rest(&self, rule: &Rule, trace: &Trace, cell: Option<CellAt>, who: &Who) -> View {
        let mut view = View {
            variables: Variables::default(),
            has_no_state: false,
            has_no_before: false,
        };
        if let Some(((key, state), of)) = cell.zip(rule.of) {
            view.variables
                .set("state", self.state(trace, of, Some(state)));
            view.variables.set("key", self.key(trace, of, key));
        }
        view.variables
            .set("who", who.as_ref().map_or_else(null, |who| text(who)));
        view
    }

    /// What an `eventually` is judged of: each cell, each correlation, or all together.
    pub(super) fn subjects(&self, rule: &Rule, memory: &Memory, trace: &Trace) -> Vec<Subject> {
        let reads = |name: &str| rule.conditions().any(|it| it.has(name));
        if let Some(of) = rule.of.filter(|_| reads("state") || reads("key")) {
            let schema = self.world.air.reducers[of.index()].state;
            let cells = self.cells_of(memory, trace, of).into_iter().map(|cell| {
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
