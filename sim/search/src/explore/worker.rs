//! One thread's part of an exploration: takes the moves of a state and says where they lead.

mod opaque;

use super::alphabet::{self, Move, Position};
use super::level::States;
use super::reduce::{Focus, Leaves, Reduction};
use super::search::Ids;
use super::visited::Visited;
use super::ways::AT_REST;
use super::{Difference, ExploreOptions, Limits, Used, symmetry};
use sim_air::EffectId;
use sim_host::StepError;
use sim_kernel::World;
use sim_model::{Checker, Memory, Model, PropertySet, Reply, Violation};
use sim_record::interrupt::Interrupt;
use sim_record::scenario::{Bounds, Decision, Scenario};
use sim_record::trace::{Choice, Key, Pool, Status, Symmetry, Trace, Unpacker, ValueId, Values};
use sim_simulator::{Flight, Saved, Simulator, work_of};

/// Where the moves of some states lead.
pub(super) struct Expanded {
    pub successors: Vec<Successor>,
    /// How many successors each state has.
    pub counts: Vec<usize>,
    /// Those that may be new.
    pub states: States,
}

/// So many moves, and bytes of new states, are usual for a state.
const USUAL_MOVES: usize = 8;
const USUAL_BYTES: usize = 512;

impl Expanded {
    /// With room for what comes of so many states.
    pub fn of(states: usize) -> Expanded {
        Expanded {
            successors: Vec::with_capacity(states * USUAL_MOVES),
            counts: Vec::with_capacity(states),
            states: States::with_capacity(states * USUAL_MOVES, states * USUAL_BYTES),
        }
    }

    /// What is held.
    pub fn size_bytes(&self) -> usize {
        self.successors.len() * size_of::<Successor>()
            + self.counts.len() * size_of::<usize>()
            + self.states.size_bytes()
    }
}

/// Where a move leads.
pub(super) struct Successor {
    pub key: u128,
    /// Which of the state's moves, as [`Worker::follow`] takes it.
    pub choice: u32,
    /// Without a fault: something in flight goes on as it does by itself, or a request comes.
    pub is_plain: bool,
    /// The state's number, if its key was known already.
    pub known: Option<u32>,
    /// Its place among the states if not.
    pub place: usize,
    /// Of one that was not: whether something is owed in it.
    pub owes: bool,
    /// What was seen so far, if some of it is new to this worker.
    pub sometimes: Option<Box<PropertySet>>,
    pub violations: Option<Box<[Violation]>>,
}

/// A state that is being expanded.
#[derive(Default)]
pub(super) struct Base {
    saved: Saved,
    memory: Memory,
    pub used: Used,
    focus: Focus,
}

pub(super) struct Worker<'w> {
    simulator: Simulator<'w>,
    checker: Checker<'w>,
    trace: Trace,
    scenario: Scenario,
    limits: Limits,
    /// The only property that counts, if not all do.
    wanted: Option<String>,
    interrupt: Interrupt,
    /// Decisions that bring spurious events, whose bytes are in the trace's table.
    spurious: Vec<Choice>,
    alike: bool,
    /// None where every move is taken.
    reduction: Option<Reduction<'w>>,
    key: Key,
    model: &'w dyn Model,
    /// What was asked for, and the receipts that it may have.
    receipts: Vec<((EffectId, ValueId), Vec<ValueId>)>,
    /// The `sometimes` properties that it has reported.
    reached: PropertySet,
    /// Kept for their room: a state, and one with ids exchanged.
    base: Base,
    exchanged: Base,
    /// What differed first where ids were exchanged, and in which state of a window and its move.
    told_apart: Option<((usize, usize), Difference)>,
}

impl<'w> Worker<'w> {
    pub fn new(
        world: &'w World,
        model: &'w dyn Model,
        scenario: &Scenario,
        (options, ids): (&ExploreOptions, Ids),
        values: &Pool,
    ) -> Result<Worker<'w>, StepError> {
        let mut simulator = Simulator::new(world, model)?;
        let mut trace = Trace::default();
        trace.leave_out_digest();
        trace.values = Values::of(values);
        simulator.take_steps_alone(scenario, &mut trace);
        let checker = Checker::new(world, model);
        let reduces = options.reduce.then(|| checker.looks());
        let spurious = model.few_spurious(&scenario.requests);
        let spurious = spurious.iter().map(|event| Choice::Inject {
            schema: event.schema,
            value: trace.store(&event.value),
            cell: event.cell.as_ref().map(|key| trace.store(key)),
        });
        let spurious = spurious.collect();
        let are_opaque = ids == Ids::Opaque;
        let symmetry = match options.symmetry && are_opaque {
            true => symmetry::of(world, model, &scenario.requests),
            false => None,
        };
        Ok(Worker {
            spurious,
            simulator,
            checker,
            reduction: reduces.and_then(|looks| Reduction::of(world, looks)),
            trace,
            scenario: scenario.clone(),
            limits: options.limits.clone(),
            wanted: options.property.clone(),
            interrupt: options.interrupt.clone(),
            alike: are_opaque && model.are_alike(&scenario.requests),
            key: Key::with(symmetry),
            model,
            receipts: Vec::new(),
            reached: PropertySet::default(),
            base: Base::default(),
            exchanged: Base::default(),
            told_apart: None,
        })
    }

    /// The state in which nothing has happened, and its key.
    pub fn root(&mut self) -> (States, u128) {
        self.simulator.begin(&self.scenario, &mut self.trace);
        self.checker.reset();
        let now = (Used::default(), Focus::Anything);
        let mut states = States::default();
        self.pack(now, &mut states);
        (states, self.key(now))
    }

    /// Adds the state that the simulator is in.
    pub fn pack(&mut self, (used, focus): (Used, Focus), states: &mut States) {
        states.push(|packer| {
            self.checker.pack(packer);
            packer.bytes(&used.bytes());
            if self.reduction.is_some() {
                focus.pack(packer);
            }
            self.simulator.pack(&mut self.trace, packer);
        });
    }

    /// Takes back a state that this worker packed, or another one of its pool.
    pub fn unpack(&mut self, state: &[u8], base: &mut Base) {
        self.unpack_from(&mut Unpacker::new(state), base);
    }

    fn unpack_from(&self, packed: &mut Unpacker<'_>, base: &mut Base) {
        self.checker.unpack(packed, &self.trace, &mut base.memory);
        base.used = Used::of([(); 4].map(|()| packed.byte()));
        if self.reduction.is_some() {
            base.focus = Focus::unpack(packed);
        }
        base.saved.unpack(packed, &self.trace);
    }

    pub fn key(&mut self, now: (Used, Focus)) -> u128 {
        self.write_key(now);
        let started = self.simulator.started().iter();
        self.key
            .canonical(started.filter(|count| **count > 0).count())
    }

    fn write_key(&mut self, (used, focus): (Used, Focus)) {
        self.key.update(&mut self.trace);
        self.key.clear();
        let flight = self.simulator.flight();
        let reduction = self.reduction.as_ref();
        let counts = |plan| reduction.is_none_or(|it| it.counts(flight, plan));
        self.simulator.write_key(&self.trace, &mut self.key, counts);
        self.checker.write_key(&self.trace, &mut self.key);
        self.key.word(u32::from_le_bytes(used.bytes()).into());
        focus.write_key(&self.simulator, &self.trace, &mut self.key);
    }

    /// The key of a state that was unpacked, which is the simulator's then.
    pub fn key_of(&mut self, base: &Base) -> u128 {
        self.simulator.go_on_from(&base.saved, &mut self.trace);
        self.checker.go_on_from(&base.memory);
        self.key((base.used, base.focus))
    }

    /// A decision with the ids of this worker.
    pub fn choice(&mut self, decision: &Decision) -> Option<Choice> {
        self.scenario.choice(&mut self.trace, decision)
    }

    /// From now on a spurious event that a decision brings is one of those that are tried.
    pub fn may_take(&mut self, decision: &Decision) {
        let brought = decision
            .is_spurious()
            .then(|| self.choice(decision.without_crash()));
        if let Some(choice) = brought.flatten()
            && !self.spurious.contains(&choice)
        {
            self.spurious.push(choice);
        }
    }

    /// How many requests are exchanged.
    pub fn exchanges(&self) -> usize {
        self.key.symmetry().map_or(0, Symmetry::count)
    }

    /// What differed first where ids were exchanged, if something did, and where in a window.
    pub fn told_apart(&self) -> Option<((usize, usize), Difference)> {
        self.told_apart
    }

    /// Receipts beside the plain ones for an effect of a plan in flight.
    fn few(&mut self, pending: usize) -> Vec<ValueId> {
        let open = self.simulator.flight().pending[pending].body.open;
        let asked = (open.effect, open.params);
        let known = self.receipts.iter().find(|(known, _)| *known == asked);
        if let Some((_, receipts)) = known {
            return receipts.clone();
        }
        let params = self.trace.bytes(open.params);
        let few = match self.model.lists_answers(&work_of(&self.trace, &open)) {
            true => Vec::new(),
            false => self.model.few_receipts(open.effect, params),
        };
        let few: Vec<ValueId> = few
            .iter()
            .map(|receipt| self.trace.store(receipt))
            .collect();
        self.receipts.push((asked, few.clone()));
        few
    }

    /// Answers beside the plain one to an effect of a reducer, where the model lists them.
    fn replies(&mut self, timer: usize) -> Vec<(Status, ValueId)> {
        let timer = self.simulator.flight().timers[timer].body;
        let work = work_of(&self.trace, &timer.open);
        if timer.is_timer || !self.model.lists_answers(&work) {
            return Vec::new();
        }
        let answers = self.trace.answers.all().skip(1);
        let replies: Vec<Reply> = answers
            .filter(|answer| self.model.may_answer(&work, *answer))
            .filter_map(|answer| self.model.reply(&work, answer, None))
            .collect();
        let mut store = |reply: Reply| (reply.status, self.trace.store(&reply.receipt));
        replies.into_iter().map(&mut store).collect()
    }

    /// All moves of a state, which is the simulator's then.
    pub fn all_moves(&mut self, base: &Base) -> Vec<Move> {
        self.simulator.go_on_from(&base.saved, &mut self.trace);
        let pending = self.simulator.flight().pending.len();
        let receipts: Vec<Vec<ValueId>> = (0..pending).map(|index| self.few(index)).collect();
        let timers = self.simulator.flight().timers.len();
        let replies: Vec<_> = (0..timers).map(|index| self.replies(index)).collect();
        let position = Position {
            model: self.model,
            replies: &replies,
            receipts: &receipts,
            flight: self.simulator.flight(),
            trace: &self.trace,
            started: &base.saved.started,
            alike: self.alike,
            spurious: &self.spurious,
        };
        alphabet::moves(&position, &self.limits, base.used)
    }

    /// The moves of a state that are taken.
    fn moves(&mut self, base: &Base) -> Vec<(Move, Leaves)> {
        let moves = self.all_moves(base);
        match &self.reduction {
            Some(reduction) => reduction.reduced((self.simulator.flight(), base.focus), moves),
            None => moves
                .into_iter()
                .map(|step| (step, Leaves::Anything))
                .collect(),
        }
    }

    /// What is in flight.
    pub fn flight(&self) -> &Flight {
        self.simulator.flight()
    }

    /// What the last move violates.
    pub fn violations(&self) -> &[Violation] {
        self.checker.violations()
    }

    /// What is to be touched next after a move that has been taken.
    fn focus(&self, leaves: Leaves) -> Focus {
        let flight = self.simulator.flight();
        let reduction = self.reduction.as_ref();
        reduction.map_or(Focus::Anything, |reduction| {
            reduction.focus(leaves, flight, &self.trace)
        })
    }

    /// Takes one move of a state; false if it is not possible.
    pub fn take(&mut self, base: &Base, step: &Move) -> bool {
        self.simulator.go_on_from(&base.saved, &mut self.trace);
        self.checker.go_on_from(&base.memory);
        let choice = step.choice.clone();
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

    /// What would be violated if nothing more happened than has by the last move: what must come in
    /// the end, and has not. What was found of that move is forgotten.
    pub fn owed(&mut self) -> &[Violation] {
        if self.trace.is_quiescent {
            // That was judged: it is the end.
            return &[];
        }
        self.trace.is_quiescent = true;
        self.checker.finish(&self.trace);
        self.trace.is_quiescent = false;
        let violations = self.checker.violations();
        match &self.wanted {
            Some(wanted) if violations.iter().all(|it| it.name() != wanted) => &[],
            _ => violations,
        }
    }

    /// Takes the decisions that were left out, if by these the run comes to rest, which is judged
    /// as a whole then. How many they are; none where something is violated already.
    fn rests(&mut self) -> usize {
        let before = self.trace.turns.len();
        while self.checker.violations().is_empty() {
            let flight = self.simulator.flight();
            let reduction = self.reduction.as_ref();
            let Some(next) = reduction.and_then(|it| it.to_rest(flight)) else {
                break;
            };
            if !self
                .simulator
                .take_turn(&self.scenario, next, &mut self.trace)
            {
                break;
            }
            self.checker.observe(&self.trace);
            self.checker.finish(&self.trace);
        }
        self.trace.turns.len() - before
    }

    /// The `sometimes` properties that the last move saw, if one of them is new to this worker.
    fn news(&mut self) -> Option<Box<PropertySet>> {
        let reached = self.checker.reached();
        if self.reached.covers(reached) {
            return None;
        }
        self.reached.join(reached);
        Some(Box::new(reached.clone()))
    }

    /// From now on those that were reported are again.
    pub fn tell_again(&mut self) {
        self.reached.clear();
    }

    /// What the copy of the values takes.
    pub fn values_bytes(&self) -> usize {
        self.trace.values.held_bytes()
    }

    /// What else is held from state to state.
    pub fn held_bytes(&self) -> usize {
        let each = size_of::<((EffectId, ValueId), Vec<ValueId>)>();
        let symmetry = self.key.symmetry().map_or(0, Symmetry::held_bytes);
        self.simulator.held_bytes() + self.receipts.len() * each + symmetry
    }

    /// Takes over what ids other workers gave out: theirs may be in the states that come next.
    pub fn catch_up(&mut self) {
        self.trace.values.catch_up();
    }

    /// Adds where every move of a state leads, until it is asked to stop. What is `known` is not
    /// kept as a state. Its place in the window says which moves are looked at with ids exchanged.
    pub fn expand(
        &mut self,
        (state, place_in_window): (Unpacker<'_>, usize),
        known: Option<&Visited>,
        found: &mut Expanded,
    ) {
        let mut base = std::mem::take(&mut self.base);
        self.unpack_from(&mut { state }, &mut base);
        let before = found.successors.len();
        let moves = self.moves(&base);
        for (index, (step, leaves)) in moves.iter().enumerate() {
            if self.interrupt.is_asked() {
                break;
            }
            let steps = self.simulator.steps_taken();
            if !self.take(&base, step) {
                continue;
            }
            let is_new = self.simulator.steps_taken() > steps;
            let now = (step.used, self.focus(*leaves));
            let key = self.key(now);
            let check = self.check_of(place_in_window, is_new, key);
            let check = check.map(|check| (self.came(&check), check));
            let number = known.and_then(|known| known.find(key));
            let place = found.states.count();
            if number.is_none() {
                self.pack(now, &mut found.states);
            }
            let has_rested = number.is_none() && self.rests() > 0;
            let sometimes = self.news();
            let violations = self.checker.violations();
            let mut successor = Successor {
                key,
                choice: match has_rested && !violations.is_empty() {
                    true => index as u32 | AT_REST,
                    false => index as u32,
                },
                is_plain: step.is_plain,
                known: number,
                place,
                owes: false,
                sometimes,
                violations: (!violations.is_empty()).then(|| violations.into()),
            };
            // What has come to rest was judged.
            if number.is_none() && !has_rested && successor.violations.is_none() {
                successor.owes = !self.owed().is_empty();
            }
            found.successors.push(successor);
            if let Some((came, check)) = check {
                let of = (place_in_window, index);
                self.look_at((state, of), (step, &moves), (&check, came));
            }
        }
        found.counts.push(found.successors.len() - before);
        self.base = base;
    }

    /// The schedule of the moves with these numbers, from the root on.
    pub fn scenario(&mut self, choices: &[u32]) -> Scenario {
        let schedule = self.follow(choices);
        let bounds = self.scenario.bounds;
        Scenario {
            bounds: Bounds {
                turns: bounds.turns.max(schedule.len() as u32),
                ..bounds
            },
            schedule,
            ..self.scenario.clone()
        }
    }

    /// The decisions of the moves with these numbers, from the root on, and those by which the run
    /// comes to rest if that violates something.
    fn follow(&mut self, choices: &[u32]) -> Vec<Decision> {
        let (mut states, _) = self.root();
        let mut base = Base::default();
        let mut decisions = Vec::new();
        for choice in choices {
            self.unpack(states.get(0), &mut base);
            let moves = self.moves(&base);
            let Some((step, leaves)) = moves.get((choice & !AT_REST) as usize) else {
                break;
            };
            self.take(&base, step);
            let is_at_rest = choice & AT_REST != 0;
            if is_at_rest {
                self.rests();
            }
            let turns = self.trace.turns.iter();
            decisions.extend(turns.map(|turn| self.scenario.decision(&self.trace, &turn.choice)));
            if is_at_rest {
                break;
            }
            states.clear();
            let now = (step.used, self.focus(*leaves));
            self.pack(now, &mut states);
        }
        decisions
    }
}
