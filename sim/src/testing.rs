//! Worlds in tests of one's own: a plain `#[test]` says which world, which wasm and what must hold,
//! and runs a campaign.
//!
//! ```no_run
//! // In a `#[test]`:
//! sim::testing::world("air")
//!     .wasm("target/wasm32-unknown-unknown/release/mine.wasm")
//!     .always("limited", "the total is at most 100", |step| {
//!         step.state().field("total").as_nat() <= Some(100)
//!     })
//!     .sometimes("full", "the total was 100", |step| {
//!         step.state().field("total").as_nat() == Some(100)
//!     })
//!     .seeds(0..2_000)
//!     .check();
//! ```
//!
//! What fails is shrunk, written as a case into `corpus/`, and told as `sim run` tells it, in the
//! panic of the test. `docs/rust-tests.md` is the page.
//!
//! This module says what is to be run; `run` runs it, `asked` makes properties of closures, `view`
//! is what these are shown.

mod asked;
mod load;
mod model;
mod outcome;
mod quiet;
mod run;
mod view;

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::cli::error_text;
use sim_kernel::World;
use sim_model::Model;
use sim_record::scenario::{Bounds, PlanMode};

use asked::Properties;
use load::Source;
pub use outcome::{Judged, Outcome};
pub use run::Report;
pub use view::{Asked, CellAtEnd, Cells, Emitted, Part, Step};

/// The folder of cases, unless another is named.
const CASES: &str = "corpus";
/// A test ends once so many different failures are known, unless it says otherwise.
const MOST_FAILURES: usize = 3;
/// The seeds of a test that names none.
const SEEDS: Range<u64> = 0..1_000;

/// A test of the world in a folder of documents. Paths are from the folder of the crate, which is
/// where cargo runs tests.
pub fn world(folder: impl Into<PathBuf>) -> Test {
    Test::of(Some(folder.into()))
}

/// A test of the world that a command takes where none is named: that of the folder `air`, or, if
/// there is none, the one that is built in.
pub fn usual_world() -> Test {
    Test::of(None)
}

type MakeModel = Box<dyn FnOnce(&World) -> Box<dyn Model> + Send>;

/// What is to be tested, and how. Nothing runs before [`Test::check`].
#[must_use = "nothing runs before `check`"]
pub struct Test {
    source: Source,
    model: Option<MakeModel>,
    properties: Properties,
    seeds: Range<u64>,
    jobs: Option<usize>,
    plans: PlanMode,
    turns: u32,
    cases: PathBuf,
    most_failures: usize,
}

impl Test {
    fn of(folder: Option<PathBuf>) -> Test {
        Test {
            source: Source::of(folder),
            model: None,
            properties: Properties::default(),
            seeds: SEEDS,
            jobs: None,
            plans: PlanMode::Answered,
            turns: Bounds::default().turns,
            cases: PathBuf::from(CASES),
            most_failures: MOST_FAILURES,
        }
    }

    /// The wasm of the only reducer, a file.
    pub fn wasm(mut self, file: impl Into<PathBuf>) -> Test {
        self.source.add_file(None, file.into());
        self
    }

    /// The wasm of a module, a file, by its name in the documents: `demo/Counter@1`.
    pub fn wasm_of(mut self, name: &str, file: impl Into<PathBuf>) -> Test {
        self.source.add_file(Some(name), file.into());
        self
    }

    /// The wasm of a module, by its name in the documents.
    pub fn wasm_bytes(mut self, name: &str, wasm: &[u8]) -> Test {
        self.source.add_bytes(name, wasm);
        self
    }

    /// What is meant, as `--expect` says it: `denied=KIND`, `plan-error=PLAN`, `unaccepted=EVENT`,
    /// `unstarted=PLAN`, `restless`.
    pub fn expect(mut self, what: &str) -> Test {
        self.source.expect.push(what.to_owned());
        self
    }

    /// A reducer that loses memory from step to step violates `bounded`.
    pub fn deny_leaks(mut self) -> Test {
        self.source.denies_leaks = true;
        self
    }

    /// What is known of the world, instead of what its documents say of themselves.
    pub fn model<M: Model + 'static>(
        mut self,
        make: impl FnOnce(&World) -> M + Send + 'static,
    ) -> Test {
        self.model = Some(Box::new(|world| Box::new(make(world))));
        self
    }

    /// It holds at every step of a reducer. The name is that of the case's file: letters, digits,
    /// `_` and `-`. The sentence is for reports.
    pub fn always<O: Outcome>(
        mut self,
        name: impl Into<Cow<'static, str>>,
        says: impl Into<Cow<'static, str>>,
        holds: impl Fn(&Step<'_>) -> O + Send + Sync + 'static,
    ) -> Test {
        let holds = Box::new(move |step: &Step<'_>| holds(step).judged());
        self.properties.always(name.into(), says.into(), holds);
        self
    }

    /// The same, of a property that remembers something of each run: it is called for every step,
    /// in order, and the memory is new at the beginning of each run.
    pub fn remembering<M: Default + Clone + Send + 'static, O: Outcome>(
        mut self,
        name: impl Into<Cow<'static, str>>,
        says: impl Into<Cow<'static, str>>,
        holds: impl Fn(&mut M, &Step<'_>) -> O + Send + Sync + 'static,
    ) -> Test {
        let holds = move |memory: &mut M, step: &Step<'_>| holds(memory, step).judged();
        self.properties.remembering(name.into(), says.into(), holds);
        self
    }

    /// It is seen at some step of some run, or the test fails: it tested less than it claims.
    pub fn sometimes(
        mut self,
        name: impl Into<Cow<'static, str>>,
        says: impl Into<Cow<'static, str>>,
        is_seen: impl Fn(&Step<'_>) -> bool + Send + Sync + 'static,
    ) -> Test {
        let is_seen = Box::new(is_seen);
        self.properties.sometimes(name.into(), says.into(), is_seen);
        self
    }

    /// It holds at the end of every run whose faults have stopped, once nothing is in flight.
    pub fn eventually<O: Outcome>(
        mut self,
        name: impl Into<Cow<'static, str>>,
        says: impl Into<Cow<'static, str>>,
        holds: impl Fn(&Cells<'_>) -> O + Send + Sync + 'static,
    ) -> Test {
        let holds = Box::new(move |cells: &Cells<'_>| holds(cells).judged());
        self.properties.eventually(name.into(), says.into(), holds);
        self
    }

    /// The seeds, each of which is one run; 0..1000 if they are not named.
    pub fn seeds(mut self, seeds: Range<u64>) -> Test {
        self.seeds = seeds;
        self
    }

    /// Threads; the results are the same for any number. All cores if it is not said.
    pub fn jobs(mut self, jobs: usize) -> Test {
        self.jobs = Some(jobs);
        self
    }

    /// The most turns of a run, before its liveness phase.
    pub fn turns(mut self, turns: u32) -> Test {
        self.turns = turns.clamp(1, Bounds::MOST_TURNS);
        self
    }

    /// Plans run to the letter: how their work ends is not chosen.
    pub fn plans_as_written(mut self) -> Test {
        self.plans = PlanMode::AsWritten;
        self
    }

    /// The folder for the cases of failures; `corpus` if it is not named.
    pub fn cases(mut self, folder: impl Into<PathBuf>) -> Test {
        self.cases = folder.into();
        self
    }

    /// It ends once so many different failures are known; 3 if it is not said.
    pub fn most_failures(mut self, most: usize) -> Test {
        self.most_failures = most.max(1);
        self
    }

    /// Runs the seeds.
    ///
    /// # Panics
    /// If something does not hold, or was never seen that should have been, with all that is known
    /// of it; and if world, wasm or properties are not what they should be.
    #[track_caller]
    pub fn check(self) -> Report {
        passed(run::campaign(self))
    }

    /// Runs the seeds, and tells what came of it.
    ///
    /// # Errors
    /// If world, wasm or properties are not what they should be, or a reducer cannot be run.
    pub fn run(self) -> anyhow::Result<Report> {
        run::campaign(self)
    }

    /// Replays a case, the text of its file, in which everything must hold.
    ///
    /// # Panics
    /// As [`Test::check`]; and if the case violated what is no property of this test.
    #[track_caller]
    pub fn check_case(self, case: &str) -> Report {
        passed(run::case_of_text(self, case))
    }

    /// Replays a case, a file, in which everything must hold.
    ///
    /// # Panics
    /// As [`Test::check_case`].
    #[track_caller]
    pub fn check_case_file(self, case: impl AsRef<Path>) -> Report {
        passed(run::case_of_file(self, case.as_ref()))
    }
}

#[track_caller]
fn passed(report: anyhow::Result<Report>) -> Report {
    match report {
        Ok(report) if report.holds() => report,
        Ok(report) => panic!("{report}"),
        Err(error) => panic!("{}", error_text(&error)),
    }
}
