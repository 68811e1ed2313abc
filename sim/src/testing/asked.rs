//! The properties of a test, and who watches runs for them: what closures say becomes findings.
//! Runs nothing.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

use super::outcome::Judged;
use super::quiet;
use super::view::{Cells, Step};
use sim_kernel::World;
use sim_model::{Asked, Finding, Kind, KnownBy, Observer, Property, Seen, Verdicts, Watch};
use sim_record::trace::{self, Trace};

type OfStep = Box<dyn Fn(&Step<'_>) -> Judged + Send + Sync>;
type Sight = Box<dyn Fn(&Step<'_>) -> bool + Send + Sync>;
type OfEnd = Box<dyn Fn(&Cells<'_>) -> Judged + Send + Sync>;

/// A property that remembers something of a run.
trait Remembers: Send + Sync {
    fn property(&self) -> &Property;

    fn watch<'w>(self: Arc<Self>, world: &'w World) -> Watch<'w>;
}

/// All properties of a test.
#[derive(Default)]
pub(super) struct Properties {
    plain: Plain,
    remembering: Vec<Arc<dyn Remembers>>,
}

/// Those that remember nothing: one observer watches for them all, so that values are decoded once.
#[derive(Default)]
struct Plain {
    steps: Vec<(Property, OfStep)>,
    sights: Vec<(Property, Sight)>,
    ends: Vec<(Property, OfEnd)>,
}

type Text = Cow<'static, str>;

fn property(name: Text, says: Text, kind: Kind) -> Property {
    Property {
        name,
        says,
        kind,
        is_of_model: true,
    }
}

const ALWAYS: Kind = Kind::Always {
    known_by: KnownBy::Turn,
    goes_on: false,
};

impl Properties {
    pub fn always(&mut self, name: Text, says: Text, holds: OfStep) {
        self.plain.steps.push((property(name, says, ALWAYS), holds));
    }

    pub fn sometimes(&mut self, name: Text, says: Text, is_seen: Sight) {
        let asked = Asked::Always;
        let property = property(name, says, Kind::Sometimes { asked });
        self.plain.sights.push((property, is_seen));
    }

    pub fn eventually(&mut self, name: Text, says: Text, holds: OfEnd) {
        let known_by = KnownBy::Found;
        let property = property(name, says, Kind::Eventually { known_by });
        self.plain.ends.push((property, holds));
    }

    pub fn remembering<M, F>(&mut self, name: Text, says: Text, holds: F)
    where
        M: Default + Clone + Send + 'static,
        F: Fn(&mut M, &Step<'_>) -> Judged + Send + Sync + 'static,
    {
        let property = property(name, says, ALWAYS);
        let remembers = Remembering {
            property,
            holds,
            memory: PhantomData::<fn(M)>,
        };
        self.remembering.push(Arc::new(remembers));
    }
}

impl Properties {
    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let plain = &self.plain;
        let steps = plain.steps.iter().map(|(property, _)| property);
        let sights = plain.sights.iter().map(|(property, _)| property);
        let ends = plain.ends.iter().map(|(property, _)| property);
        let plain = steps.chain(sights).chain(ends);
        let remembering = self.remembering.iter().map(|it| it.property());
        plain.chain(remembering).map(|property| &*property.name)
    }
}

/// The watches for all of them.
pub(super) fn watches<'w>(asked: &Arc<Properties>, world: &'w World) -> Vec<Watch<'w>> {
    let plain = &asked.plain;
    let steps = plain.steps.iter().map(|(property, _)| property);
    let sights = plain.sights.iter().map(|(property, _)| property);
    let ends = plain.ends.iter().map(|(property, _)| property);
    let properties = steps.chain(sights).chain(ends).cloned().collect();
    let judge = JudgePlain {
        world,
        asked: asked.clone(),
    };
    let mut watches = vec![Watch::new(properties, judge)];
    let remembering = asked.remembering.iter().cloned();
    watches.extend(remembering.map(|it| it.watch(world)));
    watches
}

fn finding(says: &str, asked: Result<Judged, String>, told: impl FnOnce() -> String) -> Finding {
    let why = match asked {
        Ok(Judged::Holds) => return Finding::Holds,
        Ok(Judged::NothingToSay) => return Finding::NotApplicable,
        Ok(Judged::Violated(why)) => why,
        Err(panic) => Some(panic),
    };
    let found = match why {
        Some(why) => format!("{why}; {}", told()),
        None => told(),
    };
    Finding::violated(says, found)
}

/// Watches for the properties that remember nothing.
struct JudgePlain<'w> {
    world: &'w World,
    asked: Arc<Properties>,
}

impl Observer for JudgePlain<'_> {
    type Memory = ();

    fn step(&mut self, (): &mut (), seen: &Seen<'_>, step: &trace::Step, to: &mut Verdicts<'_>) {
        if step.fault.is_some() {
            return;
        }
        let plain = &self.asked.plain;
        let view = Step::new(self.world, seen, step);
        for (place, (property, holds)) in plain.steps.iter().enumerate() {
            let asked = quiet::caught(|| holds(&view));
            to.note(place, finding(&property.says, asked, || view.told()));
        }
        for (place, (_, is_seen)) in (plain.steps.len()..).zip(&plain.sights) {
            // One that panics has not seen it.
            if quiet::caught(|| is_seen(&view)) == Ok(true) {
                to.reach(place);
            }
        }
    }

    fn finish(&mut self, (): &(), trace: &Trace, to: &mut Verdicts<'_>) {
        let plain = &self.asked.plain;
        if plain.ends.is_empty() || !trace.is_quiescent {
            return;
        }
        let cells = Cells::of(self.world, trace);
        let first = plain.steps.len() + plain.sights.len();
        for (place, (property, holds)) in (first..).zip(&plain.ends) {
            let asked = quiet::caught(|| holds(&cells));
            let told = || format!("it does not; {}", cells.told());
            to.note(place, finding(&property.says, asked, told));
        }
    }
}

struct Remembering<M, F> {
    property: Property,
    holds: F,
    memory: PhantomData<fn(M)>,
}

impl<M, F> Remembers for Remembering<M, F>
where
    M: Default + Clone + Send + 'static,
    F: Fn(&mut M, &Step<'_>) -> Judged + Send + Sync + 'static,
{
    fn property(&self) -> &Property {
        &self.property
    }

    fn watch<'w>(self: Arc<Self>, world: &'w World) -> Watch<'w> {
        let properties = vec![self.property.clone()];
        Watch::new(properties, JudgeRemembering { world, asked: self })
    }
}

/// Watches for a property that remembers something.
struct JudgeRemembering<'w, M, F> {
    world: &'w World,
    asked: Arc<Remembering<M, F>>,
}

/// A memory is not packed: that is for the explorer, and a test runs seeds and cases only.
impl<M, F> Observer for JudgeRemembering<'_, M, F>
where
    M: Default + Clone + Send + 'static,
    F: Fn(&mut M, &Step<'_>) -> Judged + Send + Sync + 'static,
{
    type Memory = M;

    fn step(&mut self, memory: &mut M, seen: &Seen<'_>, step: &trace::Step, to: &mut Verdicts<'_>) {
        if step.fault.is_some() {
            return;
        }
        let view = Step::new(self.world, seen, step);
        let asked = quiet::caught(|| (self.asked.holds)(memory, &view));
        to.note(0, finding(&self.asked.property.says, asked, || view.told()));
    }
}
