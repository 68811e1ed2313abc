//! What a campaign or a replay tells while it goes on. Everything that is shown, written for
//! machines or drawn reads these events and nothing else, so that no two of them can disagree.
//!
//! Their form in JSON is the schema of `--format json`, described in `docs/events.md`. A field may
//! be added to it as it is; any other change raises [`SCHEMA`].

use serde::{Serialize, Serializer};
use serde_json::json;

use super::timeline::{Timeline, Violated};
use sim_kernel::World;
use sim_record::scenario::Verb;
use sim_record::trace::{Difference, Digest};
use sim_search::campaign::{Ran, Summary};
use sim_simulator::End;

/// The version of the events' form in JSON.
pub const SCHEMA: u32 = 2;

/// What is reported, in this order: once what begins, each result as it comes, once how it ended.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
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
    /// It ended.
    Finished(Finished<'a>),
}

/// The first event.
#[derive(Serialize)]
pub struct Started<'a> {
    /// The version of the format of events.
    pub schema: u32,
    /// Of this program.
    pub version: &'static str,
    /// `run` or `replay`.
    pub command: &'static str,
    /// The hash of the world's manifest.
    pub manifest: String,
    /// What is tested.
    pub reducers: Vec<Reducer<'a>>,
    /// The seeds of a campaign: from the first up to, not including, the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seeds: Option<[u64; 2]>,
    /// How many cases are replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cases: Option<usize>,
    /// What a reader should know of the world: wasm that was given by hand.
    pub notes: &'a [String],
}

/// A reducer and the code behind it.
#[derive(Serialize)]
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
#[derive(Serialize)]
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
    #[serde(serialize_with = "text")]
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
#[derive(Serialize)]
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
    #[serde(serialize_with = "text")]
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
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
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
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
pub struct Unwritten {
    /// What the system says.
    pub because: String,
    /// All that the file would hold; empty if it would be larger than what is read.
    pub text: String,
}

/// A violation was made as short as it gets.
#[derive(Serialize)]
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
    #[serde(serialize_with = "text")]
    pub digest: Digest,
    /// The mix that the seed drew.
    pub faults: Vec<(String, u32)>,
    /// How many decisions it had when it was found.
    pub decisions_before: usize,
    /// Candidates that were run.
    pub attempts: u32,
    /// All attempts were used up: more may shrink it further.
    pub is_exhausted: bool,
    /// Where it is.
    pub case: &'a Case,
    /// The run in words.
    #[serde(skip)]
    pub timeline: &'a Timeline,
}

/// The same run gave different results.
#[derive(Serialize)]
pub struct Nondeterminism<'a> {
    /// What was run, as `seed 7` or the name of a file.
    pub of: &'a str,
    /// What differs.
    pub what: String,
}

/// A case was replayed.
#[derive(Clone, Copy, Serialize)]
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
    /// What is not as it was when the case was written.
    pub changes: &'a [String],
    /// The digest of the run.
    #[serde(serialize_with = "text")]
    pub digest: Digest,
    /// The run in words.
    #[serde(skip)]
    pub timeline: &'a Timeline,
}

/// A file is no case of this world.
#[derive(Serialize)]
pub struct BadCase<'a> {
    /// Its path.
    pub file: &'a str,
    /// The error and its causes, a line each.
    pub error: &'a str,
}

/// The last event.
#[derive(Serialize)]
pub struct Finished<'a> {
    /// The exit code, and what it means.
    pub exit_code: u8,
    /// The exit code in words.
    pub exit: &'static str,
    /// Of a campaign.
    #[serde(flatten, serialize_with = "summary")]
    pub summary: Option<&'a Summary>,
    /// Of a campaign: each invariant that some run violated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub violated: Vec<ViolatedBy>,
    /// Of a campaign: each failure that was reported, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failed>,
}

/// A failure that a campaign showed.
#[derive(Clone, Serialize, Debug)]
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
#[derive(Serialize)]
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

fn text<S: Serializer>(value: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn summary<S: Serializer>(summary: &Option<&Summary>, serializer: S) -> Result<S::Ok, S::Error> {
    let Some(summary) = summary else {
        return serde_json::Map::new().serialize(serializer);
    };
    let counts = |names: &mut dyn Iterator<Item = &str>, counts: &[u64]| {
        let pairs = names
            .zip(counts)
            .map(|(name, count)| (name.to_owned(), json!(count)));
        serde_json::Value::Object(pairs.collect())
    };
    let invariants = summary.judged.iter().map(|one| {
        let counts = json!({
            "holds": one.holds,
            "not_applicable": one.not_applicable,
            "violated": one.violated,
        });
        (one.property.name.to_string(), counts)
    });
    let missed = summary.missed().into_iter();
    let missed: Vec<&str> = missed.map(|property| &*property.name).collect();
    let sometimes: Vec<u64> = summary.sometimes.iter().map(|one| one.runs).collect();
    let faults = summary.faults.iter();
    let faults = faults.map(|(name, count)| (name.to_string(), json!(count)));
    let mut names = summary.sometimes.iter().map(|one| &*one.property.name);
    json!({
        "seeds": summary.seeds,
        "turns": summary.turns,
        "steps": summary.steps,
        "bounded_runs": summary.bounded_runs,
        "decisions": counts(&mut Verb::ALL.into_iter().map(Verb::name), &summary.decisions),
        "faults": serde_json::Value::Object(faults.collect()),
        "invariants": serde_json::Value::Object(invariants.collect()),
        "goals": counts(&mut names, &sometimes),
        "missed_goals": missed,
        "leaks": summary.leaks.values().collect::<Vec<_>>(),
        "is_cut_short": summary.cut_short,
        "is_interrupted": summary.interrupted,
        "digest": summary.digest.to_string(),
    })
    .serialize(serializer)
}

impl<'a> Nondeterminism<'a> {
    /// Two runs of a seed differ.
    pub fn between_runs(of: &'a str, difference: &Difference) -> Nondeterminism<'a> {
        let what = format!("its second run differs at {difference}");
        Nondeterminism { of, what }
    }
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
