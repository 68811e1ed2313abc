//! What an exploration came to, as text: the same on any machine.

use std::io::Write;
use std::path::Path;

use anyhow::{Result, bail};

use super::{Explore, Sized};
use crate::cli::input::Loaded;
use crate::cli::{Exit, replay, terminal};
use sim_cases::FoundBy;
use sim_model::{
    Kind, Model, OF_ANY_WORLD, Properties, Property, PropertySet, SEEDS_FOR_ARMS, Signature,
};
use sim_record::marks::Marks;
use sim_report::human;
use sim_report::text::{Look, Text};
use sim_report::turns::turns;
use sim_report::words::counted;
use sim_search::campaign::{Effort, Runner, Sighting};
use sim_search::explore::{Counterexample, Exchanged, Outcome, Tour, Visit};
use sim_search::shrink::Budget;
use sim_session::{Finding, Session, Settings};

impl Explore {
    /// The result on standard output: the same on any machine.
    pub(super) fn report(
        &self,
        loaded: &Loaded,
        model: &dyn Model,
        sized: Sized,
        tour: &Tour,
    ) -> Result<Exit> {
        let explored = &tour.explored;
        let mut text = Text::default();
        loaded.notes.iter().for_each(|note| text.line(note));
        text.line(format!(
            "{} states, {} transitions, depth {}",
            explored.states, explored.transitions, explored.depth
        ));
        let is_violated = matches!(explored.outcome, Outcome::Violated(_));
        let mut missed = Vec::new();
        let mut unseen = 0;
        if !is_violated {
            visits(&mut text, tour);
            match &explored.exchanged {
                Exchanged::None => {}
                Exchanged::Requests(count) => text.line(format!(
                    "states that differ by which of {count} requests is which are one"
                )),
                Exchanged::ToldApart(what) => text.line(format!(
                    "ids are no mere names here: exchanging two of them changed {what}, \
                     so that requests are not exchanged"
                )),
            }
            let all = Properties::of(&loaded.world, model);
            unseen = sometimes(&mut text, &all, &explored.sometimes);
            // Where only one answer is given, not all can be accepted.
            if self.only.is_none() {
                missed = never_seen(&all, &explored.sometimes);
            }
            if !all.have_model() {
                text.line(OF_ANY_WORLD);
            }
            text.line(
                "sim run looks for reducers that remember earlier steps; this does so only in part",
            );
            if !explored.outcome.knows_ends() {
                text.line("whether all can end was not looked at: not all states are known");
            }
            if self.tells_time(model, sized)? {
                text.line("time goes on by timers alone here; sim run lets it go on by itself");
            }
        }
        let depth = explored.depth;
        let bounds = self.bounds(model, sized);
        let never = match unseen {
            0 => String::new(),
            count => format!("; {count} `sometimes` of the documents were never seen"),
        };
        let exit = match &explored.outcome {
            Outcome::Complete if !missed.is_empty() => {
                for line in missed {
                    text.look(Look::Bad, line);
                }
                text.look(
                    Look::Bad,
                    format!("incomplete: every schedule of {bounds} holds, and tests too little"),
                );
                Exit::NeverSeen
            }
            Outcome::Complete => {
                text.look(
                    Look::Good,
                    format!("complete: every schedule within these bounds holds: {bounds}{never}"),
                );
                Exit::Holds
            }
            Outcome::DepthBound => {
                text.line(format!(
                    "every schedule of {bounds} and up to {depth} decisions holds; \
                     there are longer ones"
                ));
                Exit::Incomplete
            }
            Outcome::StateBound => {
                text.lines(format!(
                    "stopped at {} states. Every schedule of {bounds} and up to {depth} decisions \
                     holds.\n\
                     hint: choose smaller bounds, or more with --most-states",
                    explored.states
                ));
                Exit::Incomplete
            }
            Outcome::MemoryBound => {
                text.lines(format!(
                    "stopped: {} MiB are in use. Every schedule of {bounds} and up to {depth} \
                     decisions holds.\n\
                     hint: choose smaller bounds, or more with --memory-mib",
                    explored.memory_bytes >> 20
                ));
                Exit::Incomplete
            }
            Outcome::Interrupted => {
                text.line(format!(
                    "interrupted: every schedule of {bounds} and up to {depth} decisions holds"
                ));
                Exit::Interrupted
            }
            Outcome::Violated(found) => self.counterexample(&mut text, loaded, model, found)?,
        };
        write!(terminal::out(), "{text}")?;
        Ok(exit)
    }

    fn counterexample(
        &self,
        text: &mut Text,
        loaded: &Loaded,
        model: &dyn Model,
        found: &Counterexample,
    ) -> Result<Exit> {
        let world = &loaded.world;
        let mut runner = Runner::new(world, model)?;
        runner.set_effort(Effort::Thorough);
        let scenario = &found.scenario;
        let checked = runner.replay(scenario);
        let sightings = runner.sightings(scenario, &checked);
        let Some(first) = found.violations.first() else {
            bail!("a counterexample that violates nothing");
        };
        let violates = |seen: &Sighting| seen.signature.violates.contains(&first.property.name);
        let seen = sightings.into_iter().find(violates);
        let is_same = seen.is_some();
        let mut finding = Finding {
            found_by: FoundBy::explorer(),
            runs: 1,
            sighting: seen.unwrap_or_else(|| Sighting {
                signature: Signature::unseen(&found.violations),
                violations: found.violations.clone(),
                digest: runner.trace.digest(),
                scenario: found.scenario.clone(),
            }),
            marks: Marks::default(),
        };
        let command = |path: &Path| replay::command(path, &self.world);
        let settings = Settings {
            folder: self.case_dir.clone(),
            budget: None,
            most_failures: 1,
            replay: &command,
            progress: &|_| {},
        };
        let mut session = Session::new(world, model, settings)?;
        let confirmed = session.confirm(&finding)?.filter(|_| is_same);
        if let Some(confirmed) = confirmed {
            // The schedule is the shortest; values are as its small world has them.
            let shown = finding.sighting.scenario.clone();
            finding.marks = session.marks(&confirmed, &shown, Budget::default());
        }
        let written = session.write(&finding, &finding.sighting.signature);
        let (_, timeline) =
            sim_session::watched(&mut runner, world, scenario, &finding.marks, |_| {});
        let decisions = found.scenario.schedule.len();
        // States that differ in these alone are one where moves are left out.
        let is_at_rest = matches!(first.property.kind, Kind::Eventually { .. });
        let aside = match is_at_rest && !self.no_reduction {
            true => ", ends of plans aside",
            false => "",
        };
        let what = match found.scenario.liveness {
            true => {
                let decisions = counted(decisions as u64, "decision");
                let shortest = match self.no_reduction {
                    true => ", and after no fewer,",
                    false => "",
                };
                format!("violation: after {decisions}{shortest} it never ends")
            }
            false => {
                format!("violation: no shorter schedule than these {decisions} decisions{aside}")
            }
        };
        text.look(Look::Bad, what);
        text.append(human::violations(&timeline.violations));
        text.append(turns(&timeline, 0, terminal::width()));
        human::legend(text, &timeline);
        human::case_lines(text, &written);
        if !is_same {
            text.look(Look::Bad, "its replay differs from the exploration");
            return Ok(Exit::Nondeterminism);
        }
        Ok(Exit::Violation)
    }
}

impl Explore {
    /// Whether a client tells the time at which it sends.
    fn tells_time(&self, model: &dyn Model, sized: Sized) -> Result<bool> {
        let scenes = self.scenes(model, sized)?;
        let mut requests = scenes.iter().flat_map(|scene| &scene.requests);
        Ok(requests.any(|it| model.at_time(it.schema, &it.value, 0).is_some()))
    }
}

/// What was seen, and what of the documents never was: how much that is.
fn sometimes(text: &mut Text, properties: &Properties, reached: &PropertySet) -> usize {
    let all = || {
        properties
            .sometimes()
            .map(|(rank, property, _)| (rank, property))
    };
    let reached = |rank: usize| reached.contains(rank);
    let of_model = all().filter(|(rank, property)| property.is_of_model && reached(*rank));
    let names: Vec<&str> = of_model.map(|(_, property)| &*property.name).collect();
    if !names.is_empty() {
        text.line(format!("sometimes: {}", names.join(", ")));
    }
    let of_documents = || all().filter(|(_, property)| !property.is_of_model);
    let count = of_documents().filter(|(index, _)| reached(*index)).count();
    let all = of_documents().count();
    text.line(format!(
        "sometimes, of the documents: {count} of {all} seen"
    ));
    for (_, property) in of_documents().filter(|(index, _)| !reached(*index)) {
        text.line(format!("  never: {}", property.says));
    }
    all - count
}

/// What was explored, and what was varied in it.
fn visits(text: &mut Text, tour: &Tour) {
    for visit in tour.visits.iter().filter(|visit| visit.is_whole) {
        text.line(format!("  {}: {} states", visit.varied, visit.states));
    }
    let varied: Vec<&Visit> = tour.visits.iter().filter(|visit| !visit.is_whole).collect();
    if varied.is_empty() {
        return;
    }
    let states: u64 = varied.iter().map(|visit| visit.states).sum();
    let names: Vec<&str> = varied.iter().map(|visit| visit.varied.as_str()).collect();
    text.lines(format!(
        "  varied, one thing at a time, with one fault of each kind at most: \
         {states} states\n    {}",
        names.join("; ")
    ));
}

/// What every exploration must see and this one did not, each as a line.
fn never_seen(properties: &Properties, reached: &PropertySet) -> Vec<String> {
    let all = properties.sometimes();
    let asked = all.filter(|(.., asked)| asked.of(SEEDS_FOR_ARMS));
    let missed = asked.filter(|(rank, ..)| !reached.contains(*rank));
    let line = |property: &Property| {
        let Property { name, says, .. } = property;
        format!("never seen: {name}: {says}")
    };
    missed.map(|(_, property, _)| line(property)).collect()
}
