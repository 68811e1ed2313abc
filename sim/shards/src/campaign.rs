//! What makes two machines work on the same campaign: all that its results depend on.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use sim_cases::WorldHashes;
use sim_record::interrupt::Interrupt;
use sim_record::scenario::{Bounds, Mix, PlanMode};
use sim_record::trace::Digest;
use sim_search::campaign::{CampaignOptions, Chunks, Effort, Stop};
use sim_search::identity;

/// A campaign, as its folder has it. Two that are equal have the same results.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// The version of the folder's format.
    pub format: String,
    /// Of the program.
    pub version: String,
    /// What is run, by hashes.
    pub world: WorldHashes,
    /// What is meant to be so, beside what is declared, in order.
    pub expect: Vec<String>,
    /// How a leak is judged.
    pub leaks: String,
    /// From the first up to, not including, the last.
    pub seeds: [u64; 2],
    /// The most turns of one run.
    pub turns: u32,
    /// Plans are run to the letter.
    pub plans_as_written: bool,
    /// One mix of faults for all seeds.
    pub fixed_mix: bool,
    /// Every step is checked closely.
    pub thorough: bool,
    /// No step is remembered.
    pub no_memo: bool,
    /// Every seed is run twice.
    pub twice: bool,
    /// It ends with so many different failures.
    pub most_failures: Option<usize>,
    /// The digest of the run of its first seed: another version draws other runs, whatever it is
    /// called.
    pub first_run: Digest,
}

impl Campaign {
    /// The format that this version reads and writes.
    pub const FORMAT: &str = "sim-campaign/1";

    /// A campaign with these options; of its world nothing is known yet but what is given.
    pub fn new(options: &CampaignOptions, world: WorldHashes, first_run: Digest) -> Campaign {
        Campaign {
            format: Campaign::FORMAT.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            world,
            expect: Vec::new(),
            leaks: String::new(),
            seeds: [options.seeds.start, options.seeds.end],
            turns: options.bounds.turns,
            plans_as_written: options.plans == PlanMode::AsWritten,
            fixed_mix: options.mix == Mix::Fixed,
            thorough: options.effort == Effort::Thorough,
            no_memo: !options.remember,
            twice: options.twice,
            most_failures: match options.stop {
                Stop::AfterFailures(most) => Some(most),
                Stop::Never => None,
            },
            first_run,
        }
    }

    /// Its options; the number of jobs and the interrupt are those of the process.
    pub fn options(&self, jobs: usize, interrupt: Interrupt) -> CampaignOptions {
        let [start, end] = self.seeds;
        CampaignOptions {
            seeds: start..end,
            jobs,
            plans: match self.plans_as_written {
                true => PlanMode::AsWritten,
                false => PlanMode::Answered,
            },
            bounds: Bounds {
                turns: self.turns,
                ..Bounds::default()
            },
            mix: match self.fixed_mix {
                true => Mix::Fixed,
                false => Mix::Swarm,
            },
            effort: match self.thorough {
                true => Effort::Thorough,
                false => Effort::Sampled,
            },
            remember: !self.no_memo,
            twice: self.twice,
            stop: self.most_failures.map_or(Stop::Never, Stop::AfterFailures),
            interrupt,
        }
    }

    /// How many chunks of seeds it has.
    pub(crate) fn chunks(&self) -> u64 {
        let [start, end] = self.seeds;
        Chunks::of(&(start..end)).count
    }

    /// Whether it is one that this version can have written.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let [start, end] = self.seeds;
        if self.format != Campaign::FORMAT {
            return Err("expected the format `sim-campaign/1`");
        }
        if start >= end {
            return Err("it has no seeds");
        }
        if !(1..=Bounds::MOST_TURNS).contains(&self.turns) {
            return Err("so many turns a run cannot have");
        }
        match self.most_failures {
            Some(0) => Err("it ends before it begins: `most_failures` is 0"),
            _ => Ok(()),
        }
    }

    /// What differs first between this campaign, which is there, and another: the name, and what
    /// each says.
    pub(crate) fn difference(&self, other: &Campaign) -> Option<[String; 3]> {
        let fields = |of: &Campaign| match serde_json::to_value(of) {
            Ok(Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let (mut mine, mut theirs) = (fields(self), fields(other));
        // By other runs all that differs is known; what is called by a name comes first.
        let runs = [&mut mine, &mut theirs].map(|of| of.remove(FIRST_RUN).unwrap_or_default());
        identity::difference(&mine, &theirs).or_else(|| {
            let [mine, theirs] = runs;
            let name = "the run of the first seed".to_owned();
            (mine != theirs).then(|| [name, mine.to_string(), theirs.to_string()])
        })
    }
}

/// The field of that name.
const FIRST_RUN: &str = "first_run";
