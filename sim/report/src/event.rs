//! What a campaign or a replay tells while it goes on. Everything that is shown, written for
//! machines or drawn reads these events and nothing else, so that no two of them can disagree.
//!
//! Their form in JSON is the schema of `--format json`, described in `docs/events.md`. A field,
//! or an event of another command, may be added to it as it is; any other change raises [`SCHEMA`].

use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::figures::{self, Figures};
use super::timeline::{Timeline, Violated};
use super::why::Why;
use sim_kernel::World;
use sim_record::trace::{Difference, Digest};
use sim_search::campaign::{Ran, Summary};
use sim_simulator::End;

/// The version of the events' form in JSON.
pub const SCHEMA: u32 = 2;

/// What is reported, in this order: once what begins, each result as it comes, once how it ended.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
#[schemars(title = "sim events")]
pub enum Event<'a> {
    /// It begins.
    Started(Started<'a>),
    /// A seed was run.
    SeedDone(SeedDone),
    /// A failure as it was found.
    Violation(Violation<'a>),
    /// The same, shrunk.
    Shrunk(Shrunk<'a>),
    /// The same input gave two results.
    Nondeterminism(Nondeterminism<'a>),
    /// A case was replayed.
    CaseDone(CaseDone<'a>),
    /// A file is no case of the world.
    BadCase(BadCase<'a>),
    /// Why a case fails.
    Why(Why<'a>),
    /// It ended.
    Finished(Finished<'a>),
}

/// The first event.
#[derive(Serialize, JsonSchema)]
pub struct Started<'a> {
    /// The version of the format of events.
    pub schema: u32,
    /// Of this program.
    pub version: &'static str,
    /// `run`, `replay` or `why`.
    pub command: &'static str,
    /// The hash of the world's manifest.
    pub manifest: String,
    /// What is tested.
    pub reducers: Vec<Reducer<'a>>,
    /// The seeds of a campaign: from the first up to, not including, the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seeds: Option<[u64; 2]>,
    /// How many cases are replayed, or looked into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cases: Option<usize>,
    /// What a reader should know of the world: wasm that was given by hand.
    pub notes: &'a [String],
}

/// A reducer and the code behind it.
#[derive(Serialize, JsonSchema)]
pub struct Reducer<'a> {
    /// Its name in the documents.
    pub name: &'a str,
    /// The hash of its code.
    pub wasm: String,
}

impl<'a> Started<'a> {
    /// Of a world, without seeds or cases.
    pub fn of(world: &'a World, command: &'static str, notes: &'a [String]) -> Started<'a> {
        let reducers = world.reducers().map(|(id, reducer)| Reducer {
            name: &reducer.name,
            wasm: world.code(id).hash().to_string(),
        });
        Started {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            command,
            manifest: world.air.manifest_hash.to_string(),
            reducers: reducers.collect(),
            seeds: None,
            cases: None,
            notes,
        }
    }
}

/// A seed was run. In order of the seeds.
#[derive(Serialize, JsonSchema)]
pub struct SeedDone {
    /// Which.
    pub seed: u64,
    /// Whether it violated something.
    pub is_violated: bool,
    /// How many decisions were taken.
    pub turns: u32,
    /// How many events went through reducers.
    pub steps: u32,
    /// Why the run ended.
    pub end: &'static str,
    /// The digest of the run.
    #[schemars(with = "String")]
    pub digest: Digest,
}

impl From<&Ran> for SeedDone {
    fn from(ran: &Ran) -> SeedDone {
        SeedDone {
            seed: ran.seed.0,
            is_violated: ran.is_violated,
            turns: ran.turns,
            steps: ran.steps,
            end: end(ran.end),
            digest: ran.digest,
        }
    }
}

fn end(end: End) -> &'static str {
    match end {
        End::Finished => "finished",
        End::Stopped => "stopped",
        End::TurnBound => "turn_bound",
        End::TraceBound => "trace_bound",
        End::FlightBound => "flight_bound",
        End::WorkBound => "work_bound",
        End::LivenessBound => "healing_bound",
        End::Interrupted => "interrupted",
    }
}

/// An invariant does not hold. If it is to be shrunk, `Shrunk` follows and has the case.
#[derive(Serialize, JsonSchema)]
pub struct Violation<'a> {
    /// `seed 7`, `fuzzer`, `explorer`.
    pub found_by: &'a str,
    /// The seed, if one found it.
    pub seed: Option<u64>,
    /// What makes it different from other failures: see [`sim_model::Signature`].
    pub signature: String,
    /// Runs of the campaign that showed it; 0 if it was met while another was shrunk.
    pub runs: u64,
    /// What was violated, and how.
    pub violations: &'a [Violated],
    /// How many decisions its schedule has.
    pub decisions: usize,
    /// The digest of the run.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// The fault mix that the seed drew: names and numbers.
    pub faults: Vec<(String, u32)>,
    /// The case file, and the command that replays it.
    pub case: Option<&'a Case>,
    /// The run in words.
    #[serde(skip)]
    pub timeline: &'a Timeline,
}

/// A case file, and the command that replays it.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema, Debug)]
pub struct Case {
    /// Its path.
    pub file: String,
    /// The command that replays it.
    pub replay: String,
    /// The same run was found before, and its file was there.
    pub was_known: bool,
    /// The file could not be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unwritten: Option<Unwritten>,
}

/// A case that is in no file.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema, Debug)]
pub struct Unwritten {
    /// What the system says.
    pub because: String,
    /// All that the file would hold; empty if it would be larger than what is read.
    pub text: String,
}

/// A violation was made as short as it gets.
#[derive(Serialize, JsonSchema)]
pub struct Shrunk<'a> {
    /// What found it, in words.
    pub found_by: &'a str,
    /// The seed, if one found it.
    pub seed: Option<u64>,
    /// What had to stay.
    pub signature: String,
    /// Runs of the campaign that showed it; 0 if it was met while another was shrunk.
    pub runs: u64,
    /// The first that it violates.
    pub invariant: String,
    /// What was violated, and how.
    pub violations: &'a [Violated],
    /// How many decisions its schedule has.
    pub decisions: usize,
    /// The digest of the run.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// The mix that the seed drew.
    pub faults: Vec<(String, u32)>,
    /// How many decisions it had when it was found.
    pub decisions_before: usize,
    /// Candidates that were run.
    pub attempts: u32,
    /// All attempts were used up: more may shrink it further.
    pub is_exhausted: bool,
    /// Fields that do not matter to the failure, as JSON pointers into the case: it fails in the
    /// same way with other values there, one field at a time.
    pub any: &'a [String],
    /// Where it is.
    pub case: &'a Case,
    /// The run in words.
    #[serde(skip)]
    pub timeline: &'a Timeline,
}

/// The same run gave different results.
#[derive(Serialize, JsonSchema)]
pub struct Nondeterminism<'a> {
    /// What was run, as `seed 7` or the name of a file.
    pub of: &'a str,
    /// What differs.
    pub what: String,
}

/// A case was replayed.
#[derive(Clone, Copy, Serialize, JsonSchema)]
pub struct CaseDone<'a> {
    /// Its path.
    pub file: &'a str,
    /// The command that replays it.
    pub replay: &'a str,
    /// What a person says of it.
    pub about: Option<&'a str>,
    /// What was violated, and how.
    pub violations: &'a [Violated],
    /// How many decisions were taken.
    pub turns: usize,
    /// Decisions that were not possible.
    pub skipped: usize,
    /// Fields that the case says do not matter to its failure, as JSON pointers into it.
    pub any: &'a [String],
    /// What is not as it was when the case was written.
    pub changes: &'a [String],
    /// The digest of the run.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// The run in words.
    #[serde(skip)]
    pub timeline: &'a Timeline,
}

/// A file is no case of this world.
#[derive(Serialize, JsonSchema)]
pub struct BadCase<'a> {
    /// Its path.
    pub file: &'a str,
    /// The error and its causes, a line each.
    pub error: &'a str,
}

/// The last event.
#[derive(Serialize, JsonSchema)]
pub struct Finished<'a> {
    /// The exit code, and what it means.
    pub exit_code: u8,
    /// The exit code in words.
    pub exit: &'static str,
    /// Of a campaign.
    #[serde(flatten, serialize_with = "figures::serialize")]
    #[schemars(with = "Option<Figures>")]
    pub summary: Option<&'a Summary>,
    /// Of a campaign: each invariant that some run violated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub violated: Vec<ViolatedBy>,
    /// Of a campaign: each failure that was reported, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failed>,
}

/// A failure that a campaign showed.
#[derive(Clone, Serialize, JsonSchema, Debug)]
pub struct Failed {
    /// What tells it apart from others.
    pub signature: String,
    /// Runs that showed it; 0 if it was met while another was shrunk.
    pub runs: u64,
    /// Of its case.
    pub decisions: usize,
    /// The path of its case.
    pub case: String,
}

/// An invariant that some run of a campaign violated.
#[derive(Serialize, JsonSchema)]
pub struct ViolatedBy {
    /// The name of the property.
    pub invariant: String,
    /// In how many runs.
    pub runs: u64,
    /// Of the shortest case of it, if one was written.
    pub decisions: Option<usize>,
    /// The path of the shortest case.
    pub case: Option<String>,
}

impl<'a> Nondeterminism<'a> {
    /// Two runs of a seed differ.
    pub fn between_runs(of: &'a str, difference: &Difference) -> Nondeterminism<'a> {
        let what = format!("its second run differs at {difference}");
        Nondeterminism { of, what }
    }
}

/// The JSON Schema of a line of `--format json`. Other fields may be added to events, so that what
/// it does not know is no error.
pub fn schema() -> Schema {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    settings
        .into_generator()
        .into_root_schema_for::<Event<'_>>()
}

/// Something that reads events: shows them, writes them down, draws them.
pub trait Reader {
    /// # Errors
    /// If what it makes of the event cannot be written.
    fn read(&mut self, event: &Event<'_>) -> anyhow::Result<()>;
}

/// All who read.
#[derive(Default)]
pub struct Readers<'a>(pub Vec<Box<dyn Reader + 'a>>);

impl Readers<'_> {
    /// # Errors
    /// That of the first reader that has one; the others have read the event all the same.
    pub fn tell(&mut self, event: &Event<'_>) -> anyhow::Result<()> {
        let mut result = Ok(());
        for reader in &mut self.0 {
            result = result.and(reader.read(event));
        }
        result
    }
}
