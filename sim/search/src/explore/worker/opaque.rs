//! Whether the world tells exchanged ids apart, found out while the search goes on.
//!
//! A move is taken once more with ids exchanged: in the state, in what the observers remember, and
//! in the decision. What comes of it must be what came of the move, with ids exchanged.
//!
//! - Each step of a reducer that is new is taken by every permutation, also those of requests that
//!   have not been started. A step is a function of its input, and who takes it makes no
//!   difference. So what reducers do in the states that were met is known to be the same.
//! - Of all else (plans, answers, the gate, properties) samples are taken, whole moves by one
//!   permutation: those of the first states of each window, and one in [`MOVES_PER_CHECK`].
//!
//! Which moves are looked at depends on the states alone, so that any number of threads finds the
//! same. It is only looked at here: what to do about it is decided above.

use super::super::alphabet::Move;
use super::super::reduce::Leaves;
use super::super::symmetry::{Difference, exchanged};
use super::{Base, Worker};
use sim_air::{EffectId, ReducerId, SchemaId};
use sim_model::PropertySet;
use sim_record::trace::{Choice, Scrutiny, Unpacker, ValueId};

/// Of so many moves, one is taken by a permutation.
const MOVES_PER_CHECK: u128 = 64;
/// Of the first states of each window all are.
const FIRST_STATES: usize = 4;

/// What is looked at.
pub(super) struct Check {
    /// Reducers took steps that this worker had not seen.
    steps: bool,
    /// All that came of the move, by this permutation.
    whole: Option<usize>,
}

/// What came of a move.
pub(super) struct Came {
    steps: Vec<Stepped>,
    /// The places of properties that are violated, and what was reached.
    violated: Vec<usize>,
    reached: PropertySet,
    /// The state, by the permutation that is looked at.
    print: u128,
    /// Of a whole move: what is violated if the run ends with it.
    violated_at_end: Vec<usize>,
}

/// What is taken by permutations: a state, a move in it, and how many there are beside starts.
struct Taken<'a> {
    state: Unpacker<'a>,
    step: &'a Move,
    moves: usize,
}

/// What came of a step.
#[derive(PartialEq)]
struct Stepped {
    reducer: ReducerId,
    cell: Option<ValueId>,
    after: Option<ValueId>,
    is_refused: bool,
    /// It was seen to be no function of its input: who takes the step first sees that.
    is_impure: bool,
    emitted: Vec<(SchemaId, ValueId)>,
    asked: Vec<(EffectId, ValueId)>,
}

impl Worker<'_> {
    /// What there is to look at of a move that leads to a state with this key.
    pub(super) fn check_of(&self, place: usize, is_new: bool, key: u128) -> Option<Check> {
        let permutations = self.key.symmetry()?.permutations().len();
        let is_sample = place < FIRST_STATES || (key >> 64).is_multiple_of(MOVES_PER_CHECK);
        let others = permutations as u128 - 1;
        let which = 1 + (key >> 72) % others;
        let check = Check {
            steps: is_new,
            whole: is_sample.then_some(which as usize),
        };
        (check.steps || check.whole.is_some()).then_some(check)
    }

    /// What came of the move that was just taken, and whose key was just written.
    pub(super) fn came(&mut self, check: &Check) -> Came {
        let by = check.whole.unwrap_or(0);
        Came {
            steps: self.stepped(0),
            violated: self.violated(),
            reached: self.checker.reached().clone(),
            print: self.key.permuted(by),
            violated_at_end: Vec::new(),
        }
    }

    /// The places of the properties that are violated.
    fn violated(&self) -> Vec<usize> {
        let violations = self.checker.violations().iter();
        violations.map(|it| it.rank).collect()
    }

    /// The same if nothing more happens than by what the run comes to rest.
    fn violated_at_end(&mut self) -> Vec<usize> {
        self.rests();
        self.owed();
        self.violated()
    }

    /// Looks at the move that was just taken, of a state at a place in the window: the `index`th of
    /// its moves.
    pub(super) fn look_at(
        &mut self,
        (state, (place, index)): (Unpacker<'_>, (usize, usize)),
        (step, moves): (&Move, &[(Move, Leaves)]),
        (check, mut came): (&Check, Came),
    ) {
        let is_earlier = self
            .told_apart
            .is_none_or(|(known, _)| (place, index) < known);
        if !is_earlier {
            return;
        }
        if check.whole.is_some() {
            came.violated_at_end = self.violated_at_end();
        }
        let moves = without_starts(moves);
        let taken = Taken { state, step, moves };
        if let Some(difference) = self.differs(&taken, (check, &came)) {
            self.told_apart = Some(((place, index), difference));
        }
    }

    /// What came of the steps of the last turn, by a permutation.
    fn stepped(&self, by: usize) -> Vec<Stepped> {
        let (trace, symmetry) = (&self.trace, self.key.symmetry());
        let renamed = |id: ValueId| symmetry.map_or(id, |it| it.renamed(id, by));
        let steps = trace.steps.iter().map(|step| {
            let emitted = trace.emitted_in(&step.emitted).iter();
            let intents = trace.intents_in(&step.intents).iter();
            Stepped {
                reducer: step.reducer,
                cell: step.key.map(renamed),
                after: step.after.map(renamed),
                is_refused: step.fault.is_some(),
                is_impure: matches!(step.scrutiny, Scrutiny::Differs(_) | Scrutiny::Leaks(_)),
                emitted: emitted.map(|it| (it.schema, renamed(it.value))).collect(),
                asked: intents.map(|it| (it.effect, renamed(it.params))).collect(),
            }
        });
        steps.collect()
    }

    /// Takes a move of a state once more with ids exchanged. What differs.
    fn differs(&mut self, taken: &Taken<'_>, (check, came): (&Check, &Came)) -> Option<Difference> {
        let count = self.key.symmetry().map_or(0, |it| it.permutations().len());
        (1..count).find_map(|by| {
            let is_whole = check.whole == Some(by);
            match check.steps || is_whole {
                true => self.differs_by(by, taken, (is_whole, came)),
                false => None,
            }
        })
    }

    fn differs_by(
        &mut self,
        by: usize,
        taken: &Taken<'_>,
        (is_whole, came): (bool, &Came),
    ) -> Option<Difference> {
        let mut base = std::mem::take(&mut self.exchanged);
        let choice = self.unpack_by(by, taken, &mut base);
        let found = choice.and_then(|choice| {
            let step = Move {
                choice,
                used: taken.step.used,
                is_plain: taken.step.is_plain,
            };
            self.compare(by, &base, (step, taken.moves), (is_whole, came))
        });
        self.exchanged = base;
        found
    }

    fn compare(
        &mut self,
        by: usize,
        base: &Base,
        (step, moves): (Move, usize),
        (is_whole, came): (bool, &Came),
    ) -> Option<Difference> {
        if is_whole && without_starts(&self.moves(base)) != moves {
            return Some(Difference::Moves);
        }
        // As it is where the state is the simulator's.
        let leaves = match &self.reduction {
            Some(reduction) if is_whole => reduction.leaves(self.flight(), &step.choice),
            _ => Leaves::Anything,
        };
        if !self.take(base, &step) {
            return Some(Difference::Move);
        }
        self.key.update(&mut self.trace);
        let symmetry = self.key.symmetry()?;
        let renamed = |id: ValueId| symmetry.renamed(id, by);
        let expected = came.steps.iter().map(|it| Stepped {
            reducer: it.reducer,
            cell: it.cell.map(renamed),
            after: it.after.map(renamed),
            is_refused: it.is_refused,
            is_impure: it.is_impure,
            emitted: it
                .emitted
                .iter()
                .map(|(of, id)| (*of, renamed(*id)))
                .collect(),
            asked: it
                .asked
                .iter()
                .map(|(of, id)| (*of, renamed(*id)))
                .collect(),
        });
        if !expected.eq(self.stepped(0)) {
            return Some(Difference::Step);
        }
        if !is_whole {
            return None;
        }
        if self.violated() != came.violated {
            return Some(Difference::Verdict);
        }
        if *self.checker.reached() != came.reached {
            return Some(Difference::Seen);
        }
        self.write_key((step.used, self.focus(leaves)));
        if self.key.permuted(0) != came.print {
            return Some(Difference::State);
        }
        (self.violated_at_end() != came.violated_at_end).then_some(Difference::Verdict)
    }

    /// The state with ids exchanged, and the decision in it.
    fn unpack_by(&mut self, by: usize, taken: &Taken<'_>, base: &mut Base) -> Option<Choice> {
        self.key.update(&mut self.trace);
        let symmetry = self.key.symmetry()?;
        let permutation = &symmetry.permutations()[by];
        let mut packed = taken.state.permuted(symmetry, by);
        self.unpack_from(&mut packed, base);
        let started = base.saved.started.clone();
        for (from, to) in permutation.to.iter().enumerate() {
            base.saved.started[*to] = started[from];
        }
        Some(exchanged(&taken.step.choice, permutation, &packed))
    }
}

/// How many moves there are beside starts, of which the next is another where ids are exchanged.
fn without_starts(moves: &[(Move, Leaves)]) -> usize {
    let is_start =
        |(step, _): &&(Move, Leaves)| matches!(step.choice.without_crash(), Choice::Start { .. });
    moves.len() - moves.iter().filter(is_start).count()
}
