//! Inputs are case files: bytes to a scenario and back. Nothing is run here.

use sim::air::Air;
use sim::corpus::{Case, Found, FoundBy, WorldHashes};
use sim::scenario::{Bounds, PlanMode, Scenario};

/// The most decisions and requests of a scenario that the mutator makes.
pub const MOST_DECISIONS: usize = 96;
pub const MOST_REQUESTS: usize = 4;

/// A case in which nothing is decided, of any world.
pub const EMPTY: &str = r#"{
  "format": "sim-case/1",
  "found_by": {"driver":"fuzz"},
  "world": {"manifest":"","reducers":{}},
  "requests": [],
  "schedule": []
}
"#;

/// The scenario that some bytes are; None if they are not a case of this world.
pub fn read(air: &Air, data: &[u8]) -> Option<Scenario> {
    let text = std::str::from_utf8(data).ok()?;
    Case::parse(text).ok()?.bind(air).ok()
}

/// The case file of a scenario that nobody has judged.
pub fn write(air: &Air, world: &WorldHashes, scenario: &Scenario) -> String {
    let found = Found {
        about: None,
        found_by: FoundBy::fuzzer(),
        world: world.clone(),
        judged: None,
    };
    Case::new(air, scenario, found).to_text()
}

/// A scenario with nothing in it.
pub fn blank() -> Scenario {
    Scenario {
        requests: Vec::new(),
        plans: PlanMode::Answered,
        bounds: Bounds::default(),
        heal: false,
        faults: None,
        schedule: Vec::new(),
    }
}
