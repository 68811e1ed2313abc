//! Which model a world has: that of a built-in world, or one that is made from its documents.
//!
//! Knows no model by its name: [`crate::worlds`] lists those that come with the command.

use sim_air::Air;
use sim_declared::{Declared, File};
use sim_host::StepError;
use sim_kernel::World;
use sim_model::generic::Generic;
use sim_model::{Model, Size};
use sim_search::campaign;

use crate::worlds::{Misfit, WORLDS};

/// The model of a world: what is declared of it, if something is.
pub fn of(world: &World) -> Box<dyn Model> {
    if let Some(declared) = declared(world) {
        return Box::new(declared);
    }
    let mut known = WORLDS
        .iter()
        .filter_map(|built_in| (built_in.model)(&world.air).ok()?);
    known.next().unwrap_or_else(|| Box::new(Generic::of(world)))
}

/// What is declared of a world beside its documents. It was read before the world was made, and is
/// right.
fn declared(world: &World) -> Option<Declared> {
    let source = world.declared.as_ref()?;
    let file = File::parse(&source.file, &source.text).ok()?;
    Declared::of(&file, world).ok()
}

/// The same, after the look at a world that is taken before a campaign, where no model says what
/// its clients send: see [`campaign::survey`].
///
/// # Errors
/// If a reducer cannot be run.
pub fn surveyed(world: &mut World) -> Result<Box<dyn Model>, StepError> {
    let model = of(world);
    if model.knows_clients() {
        return Ok(model);
    }
    campaign::survey(world)?;
    Ok(of(world))
}

/// Whether what a model sends fits the schemas of a world that goes by its names.
///
/// # Errors
/// If it does not.
pub fn check(air: &Air) -> Result<(), Misfit> {
    let mut models = WORLDS.iter().map(|built_in| (built_in.model)(air));
    models.try_for_each(|model| model.map(|_| ()))
}

/// By what the small worlds of some model are made larger: options of `sim explore`.
pub fn sizes() -> impl Iterator<Item = &'static Size> {
    WORLDS.iter().flat_map(|built_in| built_in.sizes)
}
