//! What must hold in the end: of each cell, of each correlation, or of all together.

use super::{Judge, tell};
use crate::condition::Variables;
use crate::evaluate::{View, outcome, whose};
use crate::fields::{null, text};
use crate::memory::{Memory, Who};
use crate::properties::{Rule, RuleKind};
use sim_model::{Seen, Verdicts};
use sim_record::trace::{Trace, ValueId};

impl Judge<'_> {
    /// Judges what must hold in the end.
    pub(super) fn at_rest(&mut self, memory: &Memory, trace: &Trace, to: &mut Verdicts<'_>) {
        let watched = self.watched.clone();
        let Some(turn) = trace.turns.last() else { return };
        let index = trace.turns.len() - 1;
        let seen = Seen { trace, turn, index };
        let eventual = watched.rules.rules.iter().zip(0..);
        let eventual = eventual.filter(|(rule, _)| rule.kind == RuleKind::Eventually);
        for (rule, place) in eventual {
            let at: Vec<(Option<(Option<ValueId>, ValueId)>, Who)> =
                self.subjects(rule, memory, trace);
            for (cell, who) in at {
                let mut view = View {
                    variables: Variables::default(),
                    has_no_state: false,
                    has_no_before: false,
                };
                let of = rule.of.filter(|_| cell.is_some());
                if let Some(((key, state), of)) = cell.zip(of) {
                    view.variables.set("state", self.state(trace, of, Some(state)));
                    view.variables.set("key", self.key(trace, of, key));
                }
                view.variables.set("who", who.as_ref().map_or_else(null, |who| text(who)));
                let whose = whose(rule.by.as_ref(), &view, &who).unwrap_or_default();
                self.set_of_run(memory, &seen, &rule.reads, rule.of, &whose, &mut view);
                let said = outcome(rule, &view, None, &who, true);
                let mut nothing = Memory::default();
                tell(&mut nothing, (place, rule), &said, to);
            }
        }
    }

    /// What an `eventually` is judged of: each cell, each correlation, or all together.
    pub(super) fn subjects(
        &self,
        rule: &Rule,
        memory: &Memory,
        trace: &Trace,
    ) -> Vec<(Option<(Option<ValueId>, ValueId)>, Who)> {
        let reads = |name: &str| rule.conditions().any(|it| it.has(name));
        if let Some(of) = rule.of.filter(|_| reads("state") || reads("key")) {
            let schema = self.world.air.reducers[of.index()].state;
            let cells = self.cells_of(memory, trace, of).into_iter().map(|cell| {
                let of_state = self.watched.correlation.of_event(schema, trace.bytes(cell.1));
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
            false => memory.known(counters).into_iter().map(|who| (None, who)).collect(),
        }
    }
}
