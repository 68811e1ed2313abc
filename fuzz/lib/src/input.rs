//! Inputs are case files: bytes to a scenario and back. Nothing is run here.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use sim::air::Air;
use sim::cases::{Case, Found, FoundBy, WorldHashes, decision_line, request_line};
use sim::scenario::{Bounds, Decision, PlanMode, Request, Scenario};

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

/// A scenario with nothing in it.
pub fn blank() -> Scenario {
    Scenario {
        requests: Vec::new(),
        plans: PlanMode::Answered,
        bounds: Bounds::default(),
        liveness: false,
        faults: None,
        schedule: Vec::new(),
    }
}

/// Writes scenarios as cases that nobody has judged.
///
/// An input mostly has the lines of the one that it was made from, so lines are remembered: to make
/// them anew for each input took a fifth of the time.
pub struct Writer {
    world: WorldHashes,
    /// The latest scenario without requests and schedule, and its case.
    frame: Option<(Scenario, Case)>,
    requests: Lines<Request>,
    schedule: Lines<Decision>,
}

impl Writer {
    pub fn new(world: WorldHashes) -> Writer {
        Writer {
            world,
            frame: None,
            requests: Lines::new(),
            schedule: Lines::new(),
        }
    }

    /// The case file of a scenario.
    pub fn write(&mut self, air: &Air, scenario: &Scenario) -> String {
        let requests = scenario.requests.iter();
        let requests: Vec<Rc<str>> = requests
            .map(|request| self.requests.of(request, |part| request_line(air, part)))
            .collect();
        let schedule = scenario.schedule.iter();
        let schedule: Vec<Rc<str>> = schedule
            .map(|decision| self.schedule.of(decision, |part| decision_line(air, part)))
            .collect();
        self.frame(air, scenario).to_text_with(&requests, &schedule)
    }

    /// The case of a scenario, but for requests and schedule.
    fn frame(&mut self, air: &Air, scenario: &Scenario) -> &Case {
        let frame = Scenario {
            requests: Vec::new(),
            schedule: Vec::new(),
            faults: None,
            ..*scenario
        };
        let world = &self.world;
        let make = |frame: Scenario| {
            let found = Found {
                about: None,
                found_by: FoundBy::fuzzer(),
                world: world.clone(),
                judged: None,
            };
            let case = Case::new(air, &frame, found);
            (frame, case)
        };
        let known = self.frame.take().filter(|(known, _)| *known == frame);
        &self.frame.insert(known.unwrap_or_else(|| make(frame))).1
    }
}

/// The lines of parts of a case; a later one takes the place of an earlier.
struct Lines<T> {
    slots: Vec<Option<(T, Rc<str>)>>,
}

impl<T: Clone + Eq + Hash> Lines<T> {
    const SLOTS: usize = 1 << 12;

    fn new() -> Lines<T> {
        Lines {
            slots: vec![None; Lines::<T>::SLOTS],
        }
    }

    fn of(&mut self, part: &T, line: impl FnOnce(&T) -> String) -> Rc<str> {
        let mut hasher = DefaultHasher::new();
        part.hash(&mut hasher);
        let slot = &mut self.slots[hasher.finish() as usize % Lines::<T>::SLOTS];
        match slot {
            Some((known, line)) if known == part => line.clone(),
            _ => {
                let line: Rc<str> = line(part).into();
                *slot = Some((part.clone(), line.clone()));
                line
            }
        }
    }
}
