//! The models that come with the command, and which worlds they are for.
//!
//! A world that none of them is for has the one that is made from its documents. Nothing else here
//! knows a model by its name.

use sim_air::Air;
use sim_host::StepError;
use sim_kernel::World;
use sim_model::generic::Generic;
use sim_model::{Model, Size};
use sim_search::campaign;

pub use retry_model::Misfit;

/// The model of a world.
pub fn of(world: &World) -> Box<dyn Model> {
    match retry_model::model(&world.air) {
        Ok(Some(retry)) => Box::new(retry),
        Ok(None) | Err(_) => Box::new(Generic::of(world)),
    }
}

/// The same, after the look at a world that is taken before a campaign, where nobody says what its
/// clients send: see [`campaign::survey`].
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
    retry_model::model(air).map(|_| ())
}

/// By what the small worlds of some model are made larger: options of `sim explore`.
pub fn sizes() -> impl Iterator<Item = &'static Size> {
    retry_model::SIZES.iter()
}
