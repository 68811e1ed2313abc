//! The page of a campaign, and one of each of its failures: a reader of events.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;

use super::file;
use super::{About, Card, Fact, page_name, render, run};
use crate::event::{Case, Event, Finished, Reader, Started};
use crate::timeline::{Timeline, Violated};
use sim_air::printable;
use sim_kernel::World;
use sim_model::Asked;
use sim_record::scenario::Verb;
use sim_search::campaign::Summary;

/// The page of the campaign.
const INDEX: &str = "index.html";
/// The widest bar, in pixels.
const BAR: u64 = 120;
/// Bars of the distribution of run lengths, at most.
const MOST_BARS: u32 = 48;

/// Writes `index.html` and the pages of failures into a folder.
pub struct Pages<'a> {
    world: &'a World,
    folder: PathBuf,
    facts: Vec<Fact>,
    /// How many runs had so many turns.
    lengths: BTreeMap<u32, u64>,
    failures: Vec<Failure>,
    nondeterminism: Vec<String>,
}

/// A failure, and all that found it.
#[derive(Serialize)]
struct Failure {
    violation: Option<Card>,
    found_by: String,
    runs: u64,
    decisions: usize,
    decisions_before: usize,
    page: String,
    replay: String,
}

impl<'a> Pages<'a> {
    /// # Errors
    /// If the folder cannot be made, or pages cannot be written there.
    pub fn new(world: &'a World, folder: PathBuf) -> Result<Pages<'a>> {
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        file::probe(&folder.join(INDEX))?;
        Ok(Pages {
            world,
            folder,
            facts: Vec::new(),
            lengths: BTreeMap::new(),
            failures: Vec::new(),
            nondeterminism: Vec::new(),
        })
    }
}

impl Reader for Pages<'_> {
    fn read(&mut self, event: &Event<'_>) -> Result<()> {
        match event {
            Event::Started(started) => self.facts = facts(started),
            Event::SeedDone(done) => *self.lengths.entry(done.turns).or_default() += 1,
            Event::Violation(found) => {
                if let Some(case) = found.case {
                    let told = Told {
                        found_by: found.found_by,
                        runs: found.runs,
                        invariant: None,
                        violations: found.violations,
                        timeline: found.timeline,
                        decisions: (found.decisions, found.decisions),
                        digest: found.digest.to_string(),
                        case,
                    };
                    self.failure(&told)?;
                }
            }
            Event::Shrunk(shrunk) => {
                let told = Told {
                    found_by: shrunk.found_by,
                    runs: shrunk.runs,
                    invariant: Some(shrunk.invariant.clone()),
                    violations: shrunk.violations,
                    timeline: shrunk.timeline,
                    decisions: (shrunk.decisions, shrunk.decisions_before),
                    digest: shrunk.digest.to_string(),
                    case: shrunk.case,
                };
                self.failure(&told)?;
            }
            Event::Nondeterminism(found) => {
                let text = format!("{}: {}", found.of, found.what);
                self.nondeterminism.push(printable(&text));
            }
            Event::CaseDone(_) | Event::BadCase(_) | Event::Why(_) => {}
            Event::Finished(finished) => self.finished(finished)?,
        }
        Ok(())
    }
}

/// A failure as an event tells it.
struct Told<'a> {
    found_by: &'a str,
    runs: u64,
    /// The one that was shrunk for.
    invariant: Option<String>,
    violations: &'a [Violated],
    timeline: &'a Timeline,
    /// How many there are, and were before it was shrunk.
    decisions: (usize, usize),
    digest: String,
    case: &'a Case,
}

impl Told<'_> {
    /// The violation that stands for all.
    fn first(&self) -> Option<&Violated> {
        let mut violations = self.violations.iter();
        let wanted = violations.find(|one| Some(&one.invariant) == self.invariant.as_ref());
        wanted.or(self.violations.first())
    }
}

impl Pages<'_> {
    fn failure(&mut self, told: &Told<'_>) -> Result<()> {
        let (decisions, before) = told.decisions;
        let about = About {
            title: &told.case.file,
            about: None,
            replay: &told.case.replay,
            digest: told.digest.clone(),
            facts: vec![format!("found by {}", told.found_by)],
            has_index: true,
        };
        let page = page_name(told.case);
        let of_run = (told.violations, told.timeline);
        let text = run(self.world, &about, of_run, None)?;
        self.write(&page, &text)?;
        self.failures.push(Failure {
            violation: told.first().map(Card::from),
            found_by: told.found_by.to_owned(),
            runs: told.runs,
            decisions,
            decisions_before: before,
            page,
            replay: printable(&told.case.replay),
        });
        Ok(())
    }

    fn finished(&mut self, finished: &Finished<'_>) -> Result<()> {
        let Some(summary) = finished.summary else {
            return Ok(());
        };
        let missed = summary.missed();
        let sometimes = summary.sometimes.iter().map(|one| {
            let name = printable(&one.property.name);
            let is_missed = missed.contains(&&*one.property);
            Count::new(name, one.runs, summary.seeds, is_missed)
        });
        let mut asked = summary.sometimes.iter().map(|one| one.asked);
        let are_all_asked = asked.all(|asked| asked == Asked::Never || asked.of(summary.seeds));
        let decisions = Verb::ALL.map(Verb::name).into_iter().zip(summary.decisions);
        let faults = summary.faults.iter().map(|(name, count)| (&**name, *count));
        let page = render(
            "campaign.html",
            &json!({
                "verdict": finished.exit,
                "is_good": finished.exit_code == 0,
                "facts": &self.facts,
                "seeds": summary.seeds,
                "turns": summary.turns,
                "steps": summary.steps,
                "long_runs": summary.long_runs,
                "cut_runs": summary.cut_runs,
                "is_cut_short": summary.cut_short,
                "is_interrupted": summary.interrupted,
                "missing": missing(summary),
                "digest": summary.digest.to_string(),
                "failures": &self.failures,
                "nondeterminism": &self.nondeterminism,
                "invariants": invariants_of(summary),
                "sometimes": sometimes.collect::<Vec<_>>(),
                "are_all_asked": are_all_asked,
                "decisions": counts(decisions),
                "faults": counts(faults),
                "lengths": Lengths::of(&self.lengths),
                "bar": BAR,
            }),
        )?;
        self.write(INDEX, &page)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        file::write(&self.folder.join(name), text)
    }
}

fn facts(started: &Started<'_>) -> Vec<Fact> {
    let fact = |name, value: String| Fact {
        name,
        value: printable(&value),
    };
    let mut facts = Vec::new();
    if let Some([from, to]) = started.seeds {
        facts.push(fact("seeds", format!("{from}..{to}")));
    }
    let reducers = started.reducers.iter();
    facts.extend(reducers.map(|one| fact("reducer", format!("{} {}", one.name, one.wasm))));
    facts.push(fact("manifest", started.manifest.clone()));
    facts.extend(started.notes.iter().map(|note| fact("note", note.clone())));
    facts
}

/// A line of a table with a bar.
#[derive(Serialize)]
struct Count {
    name: String,
    count: u64,
    bar: u64,
    is_bad: bool,
}

impl Count {
    fn new(name: impl Into<String>, count: u64, of: u64, is_bad: bool) -> Count {
        Count {
            name: name.into(),
            count,
            bar: bar(count, of),
            is_bad,
        }
    }
}

/// The length of a bar: what is there at all is seen.
fn bar(count: u64, of: u64) -> u64 {
    (count.saturating_mul(BAR) / of.max(1)).max(u64::from(count > 0))
}

fn counts<'a>(pairs: impl Iterator<Item = (&'a str, u64)> + Clone) -> Vec<Count> {
    let most = pairs.clone().map(|(_, count)| count).max().unwrap_or(0);
    pairs
        .map(|(name, count)| Count::new(name, count, most, false))
        .collect()
}

#[derive(Serialize)]
struct Judged {
    name: String,
    says: String,
    holds: u64,
    not_applicable: u64,
    violated: u64,
}

fn invariants_of(summary: &Summary) -> Vec<Judged> {
    let judged = summary.judged.iter().map(|one| Judged {
        name: one.property.name.to_string(),
        says: one.property.says.to_string(),
        holds: one.holds,
        not_applicable: one.not_applicable,
        violated: one.violated,
    });
    judged.collect()
}

/// The distribution of run lengths, as bars of equal breadth.
#[derive(Serialize)]
struct Lengths {
    bars: Vec<Length>,
    median: u32,
    longest: u32,
}

#[derive(Serialize)]
struct Length {
    from: u32,
    to: u32,
    runs: u64,
    /// Of [`BAR`].
    height: u64,
}

impl Lengths {
    fn of(lengths: &BTreeMap<u32, u64>) -> Lengths {
        let longest = lengths.keys().last().copied().unwrap_or(0);
        let breadth = longest / MOST_BARS + 1;
        let mut runs = vec![0; (longest / breadth) as usize + 1];
        for (turns, count) in lengths {
            runs[(turns / breadth) as usize] += count;
        }
        let most = runs.iter().copied().max().unwrap_or(0);
        let bars = runs.iter().enumerate().map(|(index, runs)| Length {
            from: index as u32 * breadth,
            to: (index as u32 + 1) * breadth - 1,
            runs: *runs,
            height: bar(*runs, most),
        });
        Lengths {
            bars: bars.collect(),
            median: median(lengths),
            longest,
        }
    }
}

fn median(lengths: &BTreeMap<u32, u64>) -> u32 {
    let all: u64 = lengths.values().sum();
    let mut before = 0;
    for (turns, count) in lengths {
        before += count;
        if before * 2 >= all {
            return *turns;
        }
    }
    0
}

/// The seeds whose results are not there, in words.
fn missing(summary: &Summary) -> String {
    let missing = summary.missing.iter();
    let missing = missing.map(|seeds| format!("{}..{}", seeds.start, seeds.end));
    missing.collect::<Vec<_>>().join(", ")
}
