//! Checks runs of a world against all of its properties: those of any world, those of its model,
//! and those that are made from its documents.
//!
//! Observers read the trace, the validated AIR and what its author declared, nothing else; only
//! [`Replays`](crate::Replays) runs something, a kernel of its own that it recovers from a trace's
//! journal. What no property says of a run is not checked here: see each observer's opening lines.

use std::sync::Arc;

use crate::any_world::{self, AnyWorld, Unrecovered};
use crate::assertions::Assertions;
use crate::documents::Documents;
use crate::model::Model;
use crate::observer::{AnyMemory, Findings, Looks, Seen, Verdicts, Violation, Watch, Watcher};
use crate::property::{Asked, Finding, Property, PropertySet};
use sim_air::ReducerId;
use sim_kernel::World;
use sim_record::trace::{End, Key, Packer, Scrutiny, Trace, Unpacker};

/// All properties of a world, in the order in which reports list them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Properties(Arc<[Arc<Property>]>);

impl Properties {
    /// Those of any world, of the model and of the documents.
    pub fn of(world: &World, model: &dyn Model) -> Properties {
        Checker::new(world, model).properties()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// A violation of the property at that place, if there is one.
    pub fn violation(
        &self,
        (rank, turn): (usize, usize),
        [expected, found]: [String; 2],
    ) -> Option<Violation> {
        Some(Violation {
            property: self.0.get(rank)?.clone(),
            rank,
            turn,
            expected,
            found,
        })
    }

    /// The property at a place.
    pub fn get(&self, rank: usize) -> &Property {
        &self.0[rank]
    }

    /// Those that must hold, with their places.
    pub fn must_hold(&self) -> impl Iterator<Item = (usize, &Arc<Property>)> {
        let all = self.0.iter().enumerate();
        all.filter(|(_, property)| property.must_hold())
    }

    /// Those that must be reached, with their places and of which campaigns that is asked.
    pub fn sometimes(&self) -> impl Iterator<Item = (usize, &Arc<Property>, Asked)> {
        let all = self.0.iter().enumerate();
        all.filter_map(|(rank, property)| Some((rank, property, property.asked()?)))
    }

    /// The place of the property of that name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|property| property.name == name)
    }

    /// Whether one of them knows what the world is for.
    pub fn have_model(&self) -> bool {
        self.0.iter().any(|property| property.is_of_model)
    }
}

/// What reports say where no property knows what a world is for.
pub const OF_ANY_WORLD: &str =
    "judged by what any world must hold; no model says what this one is for";

/// What the observers of a world remember of a run, as [`Checker::unpack`] fills it.
#[derive(Default)]
pub struct Memory(Vec<AnyMemory>);

/// Checks one run, turn by turn, and keeps what was reached.
pub struct Checker<'w> {
    observers: Vec<Observing<'w>>,
    findings: Findings,
    /// The first step that was seen to lose memory, and how much.
    leak: Option<(ReducerId, Box<str>)>,
    turns_seen: usize,
}

/// An observer, and the place of its first property.
struct Observing<'w> {
    first: usize,
    observer: Box<dyn Watcher + 'w>,
}

impl<'w> Checker<'w> {
    /// A checker of runs of a world, of which the model knows more than its documents say.
    pub fn new(world: &'w World, model: &dyn Model) -> Checker<'w> {
        let mut watches = vec![AnyWorld::watch(world), Assertions::watch(world)];
        watches.extend(model.watches(world));
        watches.push(Documents::watch(world));
        let mut properties = Vec::new();
        let observers = watches.into_iter().map(|watch: Watch<'w>| {
            let first = properties.len();
            properties.extend(watch.properties.into_iter().map(Arc::new));
            Observing {
                first,
                observer: watch.observer,
            }
        });
        let observers = observers.collect();
        Checker {
            observers,
            findings: Findings {
                applied: vec![false; properties.len()],
                properties: properties.into(),
                reached: PropertySet::default(),
                violations: Vec::new(),
                muted: None,
            },
            leak: None,
            turns_seen: 0,
        }
    }

    /// All that is asked of the runs.
    pub fn properties(&self) -> Properties {
        Properties(self.findings.properties.clone())
    }

    /// From now on the property at a place says nothing: a fault that the self-test plants.
    pub fn mute(&mut self, rank: usize) {
        self.findings.muted = Some(rank);
    }

    /// What one of the observers looks at.
    pub fn looks(&self) -> Looks {
        let observers = self.observers.iter();
        observers.fold(Looks::STEPS, |looks, it| looks.or(it.observer.looks()))
    }

    fn forget_findings(&mut self) {
        self.findings.clear();
        self.leak = None;
        self.turns_seen = 0;
    }

    /// Forgets the run before.
    pub fn reset(&mut self) {
        self.forget_findings();
        for observing in &mut self.observers {
            observing.observer.reset();
        }
    }

    /// Looks at the turns that are new. False once something is violated after which the run is
    /// not what it should be.
    pub fn observe(&mut self, trace: &Trace) -> bool {
        while let Some(turn) = trace.turns.get(self.turns_seen) {
            let index = self.turns_seen;
            self.observe_turn(&Seen { trace, turn, index });
            self.turns_seen += 1;
        }
        self.findings.goes_on()
    }

    fn observe_turn(&mut self, seen: &Seen<'_>) {
        let findings = &mut self.findings;
        for Observing { first, observer } in &mut self.observers {
            observer.begin_turn(seen, &mut Verdicts::new(findings, seen.index, *first));
        }
        for step in seen.trace.steps_of(seen.turn) {
            for Observing { first, observer } in &mut self.observers {
                let mut to = Verdicts::new(findings, seen.index, *first);
                observer.step(seen, step, &mut to);
            }
            if let (Scrutiny::Leaks(what), None) = (&step.scrutiny, &self.leak) {
                self.leak = Some((step.reducer, what.clone()));
            }
        }
        for Observing { first, observer } in &mut self.observers {
            observer.end_turn(seen, &mut Verdicts::new(findings, seen.index, *first));
        }
    }

    /// Looks at the run as a whole, once it has ended. Nothing more is asked of a run that is not
    /// what it should be, nor of one that was interrupted.
    pub fn finish(&mut self, trace: &Trace) {
        if trace.end == Some(End::Interrupted) || !self.findings.goes_on() {
            return;
        }
        let Some(last) = trace.turns.len().checked_sub(1) else {
            return;
        };
        for Observing { first, observer } in &mut self.observers {
            let mut to = Verdicts::new(&mut self.findings, last, *first);
            observer.finish(trace, &mut to);
        }
    }

    /// What [`Replays`](crate::Replays) found of the run.
    pub fn note_replays(&mut self, found: Option<Unrecovered>) {
        let rank = any_world::REPLAYS;
        match found {
            None => self.findings.note(0, rank, Finding::Holds),
            Some(found) => {
                let finding = Finding::violated(found.expected, found.found);
                self.findings.note(found.turn, rank, finding);
            }
        }
    }

    /// Packs what the observers remember of the run so far.
    pub fn pack(&self, packer: &mut Packer<'_>) {
        let observers = self.observers.iter();
        observers.for_each(|it| it.observer.pack(packer));
    }

    /// Takes back what was packed, in a trace with the same values.
    pub fn unpack(&self, packed: &mut Unpacker<'_>, trace: &Trace, memory: &mut Memory) {
        if memory.0.is_empty() {
            let observers = self.observers.iter();
            memory.0 = observers.map(|it| it.observer.new_memory()).collect();
        }
        for (it, memory) in self.observers.iter().zip(&mut memory.0) {
            it.observer.unpack(packed, trace, memory);
        }
    }

    /// Writes all that decides what the observers will say.
    pub fn write_key(&self, trace: &Trace, key: &mut Key) {
        let observers = self.observers.iter();
        observers.for_each(|it| it.observer.write_key(trace, key));
    }

    /// Begins in the middle of a run, of which the observers remember this.
    pub fn go_on_from(&mut self, memory: &Memory) {
        self.forget_findings();
        for (it, memory) in self.observers.iter_mut().zip(&memory.0) {
            it.observer.go_on_from(memory);
        }
    }

    /// Violations in the order in which they were found, each property's first.
    pub fn violations(&self) -> &[Violation] {
        &self.findings.violations
    }

    /// By property: whether it had something to say in this run.
    pub fn applied(&self) -> &[bool] {
        &self.findings.applied
    }

    /// What the run reached.
    pub fn reached(&self) -> &PropertySet {
        &self.findings.reached
    }

    /// The first step of the run that was seen to lose memory, and how much.
    pub fn leak(&self) -> Option<(ReducerId, &str)> {
        let leak = self.leak.as_ref();
        leak.map(|(reducer, what)| (*reducer, &**what))
    }
}
