//! One thread's part of an exploration: takes the moves of a state and says where they lead.

use std::collections::BTreeSet;

use super::alphabet::{self, Move, Position};
use super::{Limits, Used};
use crate::air::SchemaId;
use crate::invariants::{Checker, GoalSet, Memory, Violation};
use crate::reducer::StepError;
use crate::scenario::{Decision, Scenario};
use crate::simulator::{Saved, Simulator};
use crate::trace::{Key, Pool, Trace, Values};
use crate::workload::Workload;
use crate::world::World;

/// A state that is to be expanded.
pub(super) struct Node {
    saved: Saved,
    memory: Memory,
    used: Used,
    /// Its place among all states, in the order in which they were found.
    pub index: u32,
}

impl Node {
    pub fn size_bytes(&self) -> usize {
        self.saved.size_bytes() + size_of::<Node>()
    }
}

/// Where a move leads.
pub(super) struct Successor {
    pub key: u128,
    /// Which of the state's moves.
    pub choice: u32,
    /// None where the key was known already.
    pub node: Option<Node>,
    pub goals: GoalSet,
    pub violations: Vec<Violation>,
}

pub(super) struct Worker<'w> {
    simulator: Simulator<'w>,
    checker: Checker<'w>,
    trace: Trace,
    scenario: Scenario,
    limits: Limits,
    stale: Vec<(SchemaId, Vec<u8>)>,
    alike: bool,
    key: Key,
}

impl<'w> Worker<'w> {
    pub fn new(
        world: &'w World,
        workload: &'w dyn Workload,
        scenario: &Scenario,
        limits: &Limits,
        values: &Pool,
    ) -> Result<Worker<'w>, StepError> {
        let mut simulator = Simulator::new(world, workload)?;
        simulator.remember_steps();
        let mut trace = Trace::default();
        trace.values = Values::of(values);
        Ok(Worker {
            simulator,
            checker: Checker::new(&world.air),
            trace,
            scenario: scenario.clone(),
            limits: limits.clone(),
            stale: workload.stale(&scenario.requests),
            alike: workload.are_alike(&scenario.requests),
            key: Key::default(),
        })
    }

    /// The state in which nothing has happened, and its key.
    pub fn root(&mut self) -> (Node, u128) {
        self.simulator.begin(&self.scenario, &mut self.trace);
        self.checker.reset();
        let used = Used::default();
        let key = self.key(used);
        (self.node(used), key)
    }

    fn node(&self, used: Used) -> Node {
        Node {
            saved: self.simulator.save(),
            memory: self.checker.memory(),
            used,
            index: 0,
        }
    }

    fn key(&mut self, used: Used) -> u128 {
        self.key.clear();
        self.simulator.write_key(&self.trace, &mut self.key);
        self.checker.memory().write_key(&self.trace, &mut self.key);
        self.key.word(u32::from_le_bytes(used.bytes()).into());
        self.key.fingerprint()
    }

    fn moves(&mut self, node: &Node) -> Vec<Move> {
        self.simulator.go_on_from(&node.saved, &mut self.trace);
        let position = Position {
            flight: self.simulator.flight(),
            trace: &self.trace,
            started: &node.saved.started,
            alike: self.alike,
            stale_events: self.stale.len(),
        };
        alphabet::moves(&position, &self.limits, node.used)
    }

    /// Takes one move of a state; false if it is not possible.
    fn take(&mut self, node: &Node, step: &Move) -> bool {
        self.simulator.go_on_from(&node.saved, &mut self.trace);
        self.checker.go_on_from(node.memory);
        let choice = step.choice.choice(&mut self.trace, &self.stale);
        if !self
            .simulator
            .take_turn(&self.scenario, choice, &mut self.trace)
        {
            return false;
        }
        self.checker.observe(&self.trace);
        self.checker.finish(&self.trace);
        true
    }

    /// Takes over what ids other workers gave out: theirs may be in the states that come next.
    pub fn catch_up(&mut self) {
        self.trace.values.catch_up();
    }

    /// Where every move of a state leads. What is `known` needs no node.
    pub fn expand(&mut self, node: &Node, known: Option<&BTreeSet<u128>>) -> Vec<Successor> {
        let mut successors = Vec::new();
        for (index, step) in self.moves(node).iter().enumerate() {
            if !self.take(node, step) {
                continue;
            }
            let key = self.key(step.used);
            let is_known = known.is_some_and(|known| known.contains(&key));
            successors.push(Successor {
                key,
                choice: index as u32,
                node: (!is_known).then(|| self.node(step.used)),
                goals: self.checker.goals(),
                violations: self.checker.violations().to_vec(),
            });
        }
        successors
    }

    /// The decisions of the moves with these numbers, from the root on.
    pub fn follow(&mut self, choices: &[u32]) -> Vec<Decision> {
        let (mut node, _) = self.root();
        let mut decisions = Vec::new();
        for choice in choices {
            let moves = self.moves(&node);
            let Some(step) = moves.get(*choice as usize) else {
                break;
            };
            self.take(&node, step);
            if let Some(turn) = self.trace.turns.last() {
                decisions.push(self.scenario.decision(&self.trace, &turn.choice));
            }
            node = self.node(step.used);
        }
        decisions
    }
}
