//! Whether quiet moves commute with all that do not touch their thing, as [`reduce`] has it: both
//! orders are taken in states of a small world, and compared by what they come to and by what they
//! violate. Leaves nothing out, and keeps no state but those that it has met.
//!
//! [`reduce`]: super::reduce

use std::collections::BTreeSet;

use super::alphabet::Move;
use super::level::States;
use super::reduce::{Focus, Leaves, Reduction, Touches, touched};
use super::search::{Ids, scenario_of};
use super::worker::{Base, Worker};
use super::{ExploreError, ExploreOptions};
use sim_kernel::World;
use sim_model::{Checker, Kind, Model};
use sim_record::trace::{Choice, Pool};

/// What came of taking pairs of decisions in both orders.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct BothOrders {
    /// States whose pairs were taken.
    pub states: u64,
    /// Pairs that are left in one order.
    pub pairs: u64,
    /// Those that do not come to the same, in words: none, or the reduction is wrong.
    pub differing: Vec<String>,
}

/// Takes the pairs of one in so many (`every`) of the first `most_states` states.
///
/// # Errors
/// If the world cannot be explored.
pub fn both_orders(
    world: &World,
    model: &dyn Model,
    options: &ExploreOptions,
    (most_states, every): (usize, usize),
) -> Result<BothOrders, ExploreError> {
    let scenario = scenario_of(options);
    let whole = ExploreOptions {
        reduce: false,
        // Which request is which makes a difference.
        symmetry: false,
        ..options.clone()
    };
    let looks = Checker::new(world, model).looks();
    let Some(reduction) = Reduction::of(world, looks) else {
        return Ok(BothOrders::default());
    };
    let whole = (&whole, Ids::Opaque);
    let mut worker = Worker::new(world, model, &scenario, whole, &Pool::default())?;
    let (mut level, key) = worker.root();
    let mut known = BTreeSet::from([key]);
    let mut look = Look {
        worker,
        reduction,
        found: BothOrders::default(),
    };
    let mut met = 0;
    while level.count() > 0 && met < most_states {
        let mut next = States::default();
        for place in 0..level.count() {
            let taken = look.taken(level.get(place));
            if met % every == 0 {
                look.pairs(&taken);
            }
            met += 1;
            for after in taken {
                if after.violated.is_empty() && known.insert(after.key) {
                    next.push_packed(after.state.get(0));
                }
            }
        }
        level = next;
    }
    Ok(look.found)
}

/// What a move is: what it touches first, and the decision without numbers.
type What = (Option<Touches>, Choice);

/// A move that was taken, and the state that it led to.
struct Taken {
    /// What it is, whatever else happens before it.
    what: What,
    touches: Vec<Touches>,
    leaves: Leaves,
    spends: bool,
    key: u128,
    violated: Vec<String>,
    state: States,
}

struct Look<'w> {
    worker: Worker<'w>,
    reduction: Reduction<'w>,
    found: BothOrders,
}

impl Look<'_> {
    /// Takes every move of a state.
    fn taken(&mut self, state: &[u8]) -> Vec<Taken> {
        let mut base = Base::default();
        self.worker.unpack(state, &mut base);
        let moves = self.worker.all_moves(&base);
        let flight = self.worker.flight();
        let told: Vec<_> = moves
            .iter()
            .map(|step| {
                let touches = touched(flight, &step.choice);
                let what = (touches.first().copied(), unnumbered(&step.choice));
                (what, touches, self.reduction.leaves(flight, &step.choice))
            })
            .collect();
        let mut taken = Vec::new();
        for (step, (what, touches, leaves)) in moves.iter().zip(told) {
            if self.worker.take(&base, step) {
                taken.push(self.told(&base, step, (what, touches, leaves)));
            }
        }
        taken
    }

    fn told(
        &mut self,
        base: &Base,
        step: &Move,
        (what, touches, leaves): (What, Vec<Touches>, Leaves),
    ) -> Taken {
        let now = (step.used, Focus::Anything);
        let violations = self.worker.violations().iter();
        // What is asked of a run at rest depends on what is left of it.
        let at_once =
            violations.filter(|one| !matches!(one.property.kind, Kind::Eventually { .. }));
        let violated = at_once.map(|one| one.name().to_owned()).collect();
        let mut state = States::default();
        let key = self.worker.key(now);
        self.worker.pack(now, &mut state);
        Taken {
            what,
            touches,
            leaves,
            spends: step.used != base.used,
            key,
            violated,
            state,
        }
    }

    /// Takes each quiet move before and after each that does not touch the same.
    fn pairs(&mut self, taken: &[Taken]) {
        self.found.states += 1;
        let after = taken.iter().map(|one| self.taken(one.state.get(0)));
        let after: Vec<Vec<Taken>> = after.collect();
        for (quiet, after_quiet) in taken.iter().zip(&after) {
            if quiet.leaves == Leaves::Anything {
                continue;
            }
            for (other, after_other) in taken.iter().zip(&after) {
                if quiet.touches.iter().any(|it| other.touches.contains(it)) {
                    continue;
                }
                self.found.pairs += 1;
                let of = |list: &'_ [Taken], one: &Taken| {
                    let found = list.iter().find(|it| it.what == one.what);
                    found.map(|it| (it.key, it.violated.clone()))
                };
                let last = of(after_quiet, other);
                let first = of(after_other, quiet);
                let is_same = match (&last, &first) {
                    (Some((key, last)), Some((other_key, first))) => {
                        key == other_key && *last == other.violated && *first == quiet.violated
                    }
                    // There is one fault left, and it is taken once.
                    (None, None) => quiet.spends && other.spends,
                    _ => false,
                };
                if !is_same {
                    let pair = format!("{:?} and {:?}", quiet.what, other.what);
                    self.found.differing.push(pair);
                }
            }
        }
    }
}

/// A decision without the number by which it tells things of one name apart: that may change with
/// what else there is. Timers keep theirs, for a quiet move touches none.
fn unnumbered(choice: &Choice) -> Choice {
    let mut choice = choice.clone();
    if !matches!(choice.without_crash(), Choice::Fire { .. })
        && let Some(item) = choice.item_mut()
    {
        item.nth = 0;
    }
    choice
}
