//! What several trials need: the worlds, the planted reducers, one checked run.
//!
//! Nothing is asserted here.

pub mod guest;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use libtest_mimic::Trial;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sim::air::{self, Air};
use sim::host::{Code, Limits, default_cache_dir};
use sim::kernel::World;
use sim::selftest::{self, Subject};

/// The commands of `sim`.
pub const COMMANDS: [&str; 14] = [
    "init",
    "run",
    "merge",
    "replay",
    "shrink",
    "why",
    "explore",
    "diff",
    "coverage",
    "selftest",
    "check",
    "doctor",
    "schema",
    "completions",
];

/// A trial that fails by panicking.
pub fn trial(name: String, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, || {
        test();
        Ok(())
    })
}

/// Draws so many cases of a property, by the seed.
pub fn property(seed: u64, cases: u32) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// A path of the workspace.
pub fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The documents of a folder, by its path from the root of the workspace.
pub fn documents(folder: &str) -> Air {
    let sources = sim::cli::sources(&root(folder)).expect("they can be read");
    air::load(&sources).unwrap_or_else(|error| panic!("{error}"))
}

pub fn code(wasm: &[u8]) -> Code {
    Code::load(wasm, Limits::default(), default_cache_dir().as_deref())
        .expect("the wasm is a reducer")
}

/// The retry world with the reducer that ships.
pub fn retry_world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| World::new(documents("air"), vec![code(retry_world::WASM)]))
}

/// The retry world as the self-test is given it.
pub fn subject() -> Subject<'static> {
    Subject {
        air: &retry_world().air,
        wasm: retry_world::WASM,
        model: sim::models::of,
        bugs: retry_world::bugs(),
    }
}

/// The world whose plan asks over HTTP, with the reducer that ships.
pub fn http_world() -> World {
    let air = documents("sim/tests/fixtures/worlds/http");
    World::new(air, vec![code(retry_world::WASM)])
}

/// The retry world with a planted bug, by its number; 0 is none.
pub fn planted_world(number: u8) -> World {
    selftest::planted_world(&documents("air"), &retry_world::planted_wasm(number))
        .expect("the wasm is a reducer")
}
