//! What reducers assert in their annotations.
//!
//! Verifies that every `always` holds, whoever asserts it; those that the world lists are
//! properties by their own names, and so are its `sometimes` and `reachable`, which a campaign must
//! see. One of those that is not listed is refused: nobody would miss it. Does not verify that an
//! `always` that is not listed is ever asserted.
//!
//! Annotations are any CBOR. Assertions are what a map has under the key `assertions`: the rest is
//! the reducer's own.

mod written;

use crate::observer::{Looks, Observer, Seen, Verdicts, Watch};
use crate::property::{Asked, Finding, KnownBy, Property, SEEDS_FOR_ARMS};
use sim_kernel::{Assertion, AssertionKind, World};
use sim_record::trace::Step;
use written::Written;

/// The property of those that are not listed.
pub(crate) const NAME: &str = "assertions";
/// The place of the property of those that are not listed.
const UNLISTED: usize = 0;

/// Watches what reducers assert.
pub(crate) struct Assertions<'w> {
    listed: &'w [Assertion],
    /// The place of the property of each that is listed.
    places: Vec<usize>,
}

impl<'w> Assertions<'w> {
    /// An observer of a world, and what it answers for.
    pub fn watch(world: &'w World) -> Watch<'w> {
        let says = "what reducers assert in their annotations holds";
        let mut properties = vec![Property::always(NAME, says).known_by(KnownBy::Expected)];
        let mut places = Vec::new();
        for Assertion {
            kind,
            message,
            seeds,
        } in &world.assertions
        {
            places.push(properties.len());
            let says = format!("{} asserted by a reducer", kind.name());
            match kind {
                AssertionKind::Always => {
                    properties.push(Property::declared(message.clone(), says).of_model());
                    let says = format!("{message} was asserted");
                    let asked = Asked::From(SEEDS_FOR_ARMS.min(*seeds));
                    let name = format!("{message} judged");
                    properties.push(Property::sometimes(name, says, asked).of_model());
                }
                AssertionKind::Sometimes | AssertionKind::Reachable => {
                    let asked = Asked::From(*seeds);
                    let sometimes = Property::sometimes(message.clone(), says, asked);
                    properties.push(sometimes.of_model());
                }
            }
        }
        let observer = Assertions {
            listed: &world.assertions,
            places,
        };
        Watch::new(properties, observer)
    }

    fn tell(&self, asserted: &Written<'_>, to: &mut Verdicts<'_>) {
        let mut listed = self.listed.iter().zip(&self.places);
        let listed = listed.find(|(listed, _)| listed.message == asserted.message);
        if let Some((listed, _)) = listed.filter(|(listed, _)| listed.kind != asserted.kind) {
            let (expected, found) = (listed.kind.name(), asserted.kind.name());
            let expected = format!("`{}` is asserted as {expected}", asserted.message);
            return to.note(UNLISTED, Finding::violated(expected, found));
        }
        let finding = || {
            Finding::check(asserted.holds, || {
                (asserted.message.to_owned(), asserted.found())
            })
        };
        match (asserted.kind, listed) {
            (AssertionKind::Always, Some((_, place))) => {
                to.reach(place + 1);
                to.note(*place, finding());
            }
            (AssertionKind::Always, None) => to.note(UNLISTED, finding()),
            (_, Some((_, place))) => {
                to.note(UNLISTED, Finding::Holds);
                if asserted.holds {
                    to.reach(*place);
                }
            }
            (kind, None) => {
                let kind = kind.name();
                let expected = format!(
                    "`{}` under `{kind}` in `[assertions]` of sim.toml",
                    asserted.message
                );
                let found = "it is not listed, and would not be missed if it never came";
                to.note(UNLISTED, Finding::violated(expected, found));
            }
        }
    }
}

impl Observer for Assertions<'_> {
    type Memory = ();

    fn looks(&self) -> Looks {
        Looks::STEPS
    }

    fn step(&mut self, (): &mut (), seen: &Seen<'_>, step: &Step, to: &mut Verdicts<'_>) {
        let Some(annotations) = step.annotations else {
            return;
        };
        let told = written::each(seen.trace.bytes(annotations), |asserted| {
            self.tell(asserted, to);
        });
        if let Err(error) = told {
            let expected = "assertions of a kind, a message, `holds`, and maybe details";
            let error = error.to_string();
            let found = error.strip_prefix("decode error: ").unwrap_or(&error);
            to.note(UNLISTED, Finding::violated(expected, found));
        }
    }
}
