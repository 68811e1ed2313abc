//! Drives `sim` and the reference through the same world, and says where they differ.
//!
//! First every expression of the plan alone, on a scope that no run has made; then the plan, a
//! move at a time: which step runs, what comes out of it, what the instances hold, which steps are
//! skipped, how and why an instance ends. Values are compared by kind and canonical bytes; errors
//! by class and place, as far as `sim` tells them.

mod errors;
mod held;
mod probe;
mod run;

use std::fmt::{Debug, Write};

use serde_json::Value as Json;
use sim::air::{self, Source};
use sim::kernel::World as SimWorld;

use super::generate::World;
use super::{Ending, Notes, Planted, Tally};
use probe::Probe;
use run::Run;

/// Something that the two do not agree on, told in full.
#[derive(Debug)]
pub struct Difference(pub String);

type Compared<T> = Result<T, Difference>;

/// Loads the world and holds `sim` against the reference.
pub fn compare(world: &World, planted: Planted) -> Compared<Ending> {
    let source = Source {
        file: "world.air.json".to_owned(),
        text: world.documents.to_string(),
    };
    let air = match air::load(&[source]) {
        Ok(air) => air,
        Err(_) if !world.clean => return Ok(Ending::Refused),
        Err(error) => {
            let message = format!("a world that should be sound is refused: {error}\n");
            return Err(Difference(message + &pretty(&world.documents)));
        }
    };
    let mut notes = Notes::default();
    Probe::new(world, planted, &mut notes).expressions(&air)?;
    let sim_world = SimWorld::new(air, Vec::new());
    let mut run = Run::new(world, &sim_world, planted)?;
    let within_limits = run.all()?;
    notes.add(&run.reference.notes);
    Ok(Ending::Agrees(Tally {
        clean: world.clean,
        within_limits,
        notes,
    }))
}

fn pretty(json: &Json) -> String {
    serde_json::to_string_pretty(json).unwrap_or_default()
}

fn differ(world: &World, what: &str, sim: impl Debug, reference: impl Debug) -> Difference {
    let mut text = format!("{what}\n  sim:       {sim:?}\n  reference: {reference:?}\n");
    let _ = write!(text, "moves: {:?}\ndocuments: ", world.moves);
    text.push_str(&pretty(&world.documents));
    Difference(text)
}
