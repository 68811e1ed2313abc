//! The worlds that come with the command: their documents, wasm, models and planted bugs.
//!
//! The only file of the harness that names one of them.

use sim_air::{Air, Source};
use sim_host::{Code, Limits, default_cache_dir};
use sim_kernel::World;
use sim_model::{Model, PlantedBug, Size};

pub use retry_world::Misfit;

/// What a model says to the documents of a world: it knows them; it does not; or it knows their
/// names and not their shape.
pub type Fit = Result<Option<Box<dyn Model>>, Misfit>;

/// A world that is built in.
pub struct BuiltIn {
    /// As notes and help call it: `the built-in NAME world`.
    pub name: &'static str,
    /// Names and texts of its documents, in order of their names.
    pub documents: &'static [(&'static str, &'static str)],
    /// What its documents call its one reducer.
    pub reducer: &'static str,
    /// That reducer as it ships.
    pub wasm: &'static [u8],
    /// The model, for any world that has the schemas that it knows.
    pub model: fn(&Air) -> Fit,
    /// By what the model's small worlds are made larger.
    pub sizes: &'static [Size],
    /// The bugs that are planted in the reducer, for the self-test.
    pub bugs: fn() -> &'static [PlantedBug],
}

impl BuiltIn {
    /// The texts of its documents.
    pub fn sources(&self) -> Vec<Source> {
        let documents = self.documents.iter().map(|(name, text)| Source {
            file: format!("built-in/{name}"),
            text: (*text).to_owned(),
        });
        documents.collect()
    }

    /// The world, with the reducer that ships.
    ///
    /// # Errors
    /// If its documents or its reducer are not right.
    pub fn load(&self) -> anyhow::Result<World> {
        let air = sim_air::load(&self.sources())?;
        let code = Code::load(self.wasm, Limits::default(), default_cache_dir().as_deref())?;
        Ok(World::new(air, vec![code]))
    }
}

/// All of them. The first is the one that a command takes where there is no other.
pub const WORLDS: [BuiltIn; 1] = [BuiltIn {
    name: "retry",
    documents: &retry_world::DOCUMENTS,
    reducer: retry_world::REDUCER,
    wasm: retry_world::WASM,
    model: |air| {
        let model = retry_world::model(air)?;
        Ok(model.map(|model| Box::new(model) as Box<dyn Model>))
    },
    sizes: &retry_world::SIZES,
    bugs: retry_world::bugs,
}];

/// The world that a command takes where none is named.
pub fn usual() -> &'static BuiltIn {
    const { &WORLDS[0] }
}

/// Examples in the help of commands, which can be typed as they stand.
pub mod examples {
    /// Of `sim explore`.
    pub const EXPLORE: &str = "Example: sim explore --requests 2 --max-attempts 3 --duplicates 2";
    /// Of `sim shrink`.
    pub const SHRINK: &str = "Example: sim shrink corpus/attempts_bounded-35b14c05eb89.json";
    /// Of `sim why`.
    pub const WHY: &str =
        "Example: sim why corpus/attempts_bounded-35b14c05eb89.json --html why.html";
    /// Of `sim selftest`.
    pub const SELFTEST: &str = "\
Examples: sim selftest --starts 5
          sim selftest --world examples/bank
          sim selftest --emit attempt-limit-off-by-one > bug.wasm";
}
